"""What was found: every run of every figure, the machine, the memory; kept in two files of JSON."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.figure import Figure
from tests.bench.place import Held

Spread = Sequence[float]


@dataclass
class Results:
    """`spreads` has the values of all runs of a figure, `figures` what the figure is, by its key."""

    machine: Mapping[str, str]
    runs: int
    scale: float
    spreads: dict[str, Spread] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)
    memory: Mapping[str, Mapping[str, Held]] = field(default_factory=dict)

    def take(self, figures: Sequence[Figure], found: Mapping[str, Spread]) -> None:
        """What a bench measured of its figures."""
        for figure in figures:
            if found.get(figure.key):
                self.figures[figure.key] = figure
                self.spreads[figure.key] = list(found[figure.key])

    def value(self, key: str) -> float | None:
        """The median; None when it was not measured."""
        return statistics.median(self.spreads[key]) if key in self.spreads else None

    def missed(self) -> set[str]:
        return {key for key, spread in self.spreads.items() if self.figures[key].missed(statistics.median(spread))}

    def write(self, path: Path) -> None:
        """The figures by name, and beside it all that was found."""
        path.write_text(json.dumps({key: self.value(key) for key in self.spreads}, indent=2) + "\n")
        _details(path).write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Results":
        """What `write` kept beside `path`."""
        kept: dict[str, Any] = json.loads(_details(path).read_text())
        kept["figures"] = {key: Figure(**one) for key, one in kept["figures"].items()}
        kept["memory"] = {
            bench: {role: Held(**one) for role, one in held.items()} for bench, held in kept["memory"].items()
        }
        return cls(**kept)


def _details(path: Path) -> Path:
    return path.with_suffix(".details.json")
