"""`make bench`: how fast the house is on this machine. `--only engine` or `mail2sms`, `--json FILE` for the figures by name."""

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from hub import logs
from tests.bench import document, engine, mail2sms
from tests.bench.figure import Bench, Figure, Measured
from tests.bench.machine import describe, pace_ms
from tests.bench.place import Held, Place
from tests.bench.results import Results, Spread
from tests.bench.sampler import BEGIN, table

BENCHES: Final[Mapping[str, Sequence[Bench]]] = {"engine": engine.BENCHES, "mail2sms": mail2sms.BENCHES}


def main(words: Sequence[str] | None = None) -> int:
    """How many figures were missed, as the exit code says: 0 none, 1 some."""
    asked = _arguments(words)
    logs.configure("warning")  # of what runs in this process
    if asked.docs and asked.again:
        document.write(Results.read(asked.json), asked.docs)
        return 0
    chosen = [bench for name in ([asked.only] if asked.only else sorted(BENCHES)) for bench in BENCHES[name]]
    if asked.figure:
        chosen = [bench for bench in chosen if asked.figure in {bench.name, *(figure.key for figure in bench.figures)}]
    with Place(asked.runs, asked.scale) as place:
        results = measure(place, chosen, asked.profiles)
    if asked.json:
        results.write(asked.json)
    if asked.docs:
        document.write(results, asked.docs)
    return 1 if asked.strict and results.missed() else 0


def measure(place: Place, benches: Sequence[Bench], profiles: Path | None) -> Results:
    """Every figure of these benches, told as it is found; what is missed is measured once more to see where the time goes."""
    machine = dict(describe(place))
    for name, said in machine.items():
        print(f"{name:12} {said}", flush=True)
    print(
        f"medians of {place.runs} runs (least to most)"
        + ("" if place.scale == 1 else f", at {place.scale:g} of the usual size")
    )
    results = Results(machine, place.runs, place.scale)
    paces = [pace_ms()]
    for bench in benches:
        print(f"\n{bench.name}", flush=True)
        began = time.monotonic()
        results.take(bench.figures, _runs(bench, place))
        for figure in bench.figures:
            if figure.key in results.spreads:
                print(_line(figure, results.spreads[figure.key]), flush=True)
        paces.append(pace_ms())
        print(
            f"  took {time.monotonic() - began:.0f} s; the machine's pace {paces[-2]:.0f}, then {paces[-1]:.0f} ms",
            flush=True,
        )
        missed = [figure.key for figure in bench.figures if figure.key in results.missed()]
        if missed and profiles:
            _profile(bench, place, profiles / bench.name, missed)
    machine["pace"] = (
        f"{min(paces):.0f} to {max(paces):.0f} ms (2,000,000 empty turns on every core at once, between the benches)"
    )
    results.memory = place.memory
    _tell_memory(place.memory)
    return results


def _runs(bench: Bench, place: Place) -> Mapping[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for number, run in enumerate(bench.measure(place), 1):
        print(f"  run {number}: {_words(run)}", flush=True)
        for key, value in run.items():
            found[key].append(value)
    return found


def _profile(bench: Bench, place: Place, folder: Path, missed: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.json"), folder / BEGIN):
        old.unlink(missing_ok=True)
    print(f"  missed: {', '.join(missed)}; once more, to see where the time goes", flush=True)
    with Place(1, place.scale, folder) as again:
        for _ in bench.measure(again):
            pass
    (folder / "top.txt").write_text(table(folder))
    print(f"  the functions that took most are in {folder / 'top.txt'}", flush=True)


def _words(run: Measured) -> str:
    return ", ".join(f"{key} {_number(value)}" for key, value in run.items())


def _line(figure: Figure, spread: Spread) -> str:
    value = statistics.median(spread)
    wanted = (
        ""
        if figure.wanted is None
        else f"{'at least' if figure.higher_is_better else 'at most'} {_number(figure.wanted)}"
    )
    verdict = "" if figure.wanted is None else ("MISSED" if figure.missed(value) else "ok")
    return f"  {figure.key:34} {_number(value):>10} {figure.unit:3} {wanted:>17} {verdict:6} ({_number(min(spread))} to {_number(max(spread))})  {figure.database}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _tell_memory(memory: Mapping[str, Mapping[str, Held]]) -> None:
    print("\nmemory in MB (PSS), idle and at most")
    for bench, held in memory.items():
        said = ", ".join(f"{role} {one.idle:.0f} to {one.peak:.0f}" for role, one in held.items())
        print(f"  {bench:24} {said}")


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=sorted(BENCHES))
    parser.add_argument("--json", type=Path, help="the figures by name; what they were measured on goes beside it")
    parser.add_argument("--figure", help="one figure, or one bench, by its name")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="of the usual amount of work; below 1 it is a trial of the bench"
    )
    parser.add_argument("--profiles", type=Path, help="where to say what costs, for each figure that is missed")
    parser.add_argument("--docs", type=Path, help="write performance.md and performance.svg into this folder")
    parser.add_argument(
        "--again", action="store_true", help="measure nothing: write the documents from --json as it is"
    )
    parser.add_argument("--strict", action="store_true", help="end with 1 when a figure is missed")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
