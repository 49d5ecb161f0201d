"""What is measured, as values: a figure with what is wanted of it, and a bench that measures some figures together."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.place import Place

SIZES = (10_000, 100_000, 1_000_000)  # at which the growth of a cost is looked at


@dataclass(frozen=True, slots=True)
class Figure:
    """One number by its name in the JSON file. `wanted` None: shown, and nothing is asked of it. `database` is what it is measured on."""

    key: str
    title: str
    unit: str
    wanted: float | None = None
    aim: float | None = None
    higher_is_better: bool = True
    database: str = "PostgreSQL"

    def missed(self, value: float) -> bool:
        if self.wanted is None:
            return False
        return value < self.wanted if self.higher_is_better else value > self.wanted


Measured = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Bench:
    """`measure` yields one run after another, each the figures it found; a figure's value is the median over the runs that have it."""

    name: str
    figures: tuple[Figure, ...]
    measure: Callable[["Place"], Iterator[Measured]]


def at(key: str, size: int) -> str:
    """The name of a figure as it was at another size."""
    return f"{key}_at_{size}"


def sized(title: str, key: str, unit: str = "/s", sizes: tuple[int, ...] = SIZES) -> tuple[Figure, ...]:
    """The figures of a growth."""
    return tuple(Figure(at(key, size), f"{title}, {size:,} of them", unit) for size in sizes)
