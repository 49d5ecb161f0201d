"""docs/performance.md and its picture, written from what was measured: no figure in them is typed by hand.

The words stand in performance_template.md beside this file; what is between @ signs is put in.
"""

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.bench import picture
from tests.bench.figure import SIZES, Figure, at
from tests.bench.results import Results

TEMPLATE: Final = Path(__file__).with_name("performance_template.md")
GROWTHS: Final = {
    "campaign, until queued": "campaign_queued_per_s",
    "dispatch and receipts": "dispatch_per_s",
    "batches": "batch_per_s",
    "hooks": "hooks_per_s",
}
NOT_YET: Final = "Not measured yet."
TITLE: Final = "What one message costs, by how many there are"


def write(results: Results, folder: Path) -> None:
    """Write both into this folder."""
    (folder / "performance.svg").write_text(picture.draw(_costs(results), SIZES, TITLE))
    parts = {
        "machine": _machine(results),
        "figures": _figures(results),
        "growth": _growth(results),
        "memory": _memory(results),
    }
    words = TEMPLATE.read_text()
    for name, part in parts.items():
        words = words.replace(f"@{name}@", part)
    (folder / "performance.md").write_text(words)


def _costs(results: Results) -> Mapping[str, Mapping[int, float]]:
    """Microseconds for one, by size."""
    found: dict[str, dict[int, float]] = {}
    for name, key in GROWTHS.items():
        rates = {size: results.value(at(key, size)) for size in SIZES}
        found[name] = {size: 1e6 / rate for size, rate in rates.items() if rate}
    return found


def _machine(results: Results) -> str:
    if not results.machine:
        return NOT_YET
    lines = [f"- {name}: {said}" for name, said in results.machine.items()]
    trial = "" if results.scale == 1 else f" **A trial at {results.scale:g} of the size: these are no figures.**"
    return "\n".join(
        [
            *lines,
            f"- medians of {results.runs} runs, with the least and the most beside them; where those are the same, it ran once.{trial}",
        ]
    )


def _figures(results: Results) -> str:
    if not results.figures:
        return NOT_YET
    rows = ["| figure | what | wanted | measured | least to most |", "|---|---|---|---|---|"]
    for key, figure in results.figures.items():
        if "_at_" not in key:
            spread = results.spreads[key]
            value = statistics.median(spread)
            missed = " (missed)" if figure.missed(value) else ""
            shown = f"{_number(min(spread))} to {_number(max(spread))}"
            rows.append(
                f"| `{key}` | {figure.title} ({figure.database}) | {_wanted(figure)} | **{_number(value)} {figure.unit}**{missed} | {shown} |"
            )
    return "\n".join(rows)


def _wanted(figure: Figure) -> str:
    if figure.wanted is None:
        return ""
    aim = f", aim {_number(figure.aim)}" if figure.aim else ""
    return f"{'at least' if figure.higher_is_better else 'at most'} {_number(figure.wanted)}{aim}"


def _growth(results: Results) -> str:
    if not any(_costs(results).values()):
        return NOT_YET
    rows = ["| | " + " | ".join(f"{size:,}" for size in SIZES) + " |", "|---|" + "---|" * len(SIZES)]
    for name, costs in _costs(results).items():
        shown = [f"{costs[size]:.0f} us ({_number(1e6 / costs[size])}/s)" if size in costs else "" for size in SIZES]
        rows.append(f"| {name} | " + " | ".join(shown) + " |")
    return "\n".join(rows)


def _memory(results: Results) -> str:
    if not results.memory:
        return NOT_YET
    rows = ["| bench | process | idle | at most |", "|---|---|---|---|"]
    for bench, held in results.memory.items():
        rows += [f"| {bench} | {role} | {one.idle:.0f} MB | {one.peak:.0f} MB |" for role, one in held.items()]
    return "\n".join(rows)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
