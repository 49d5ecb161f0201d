"""Rows as the text that PostgreSQL's COPY reads (PostgreSQL manual, COPY, "Text Format"): one line a row, fields parted by tabs.

Made a column at a time, and what all rows have in common once, since a driver that looks at each value takes longer than the database.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import psycopg

_MARK = "\0"  # parts values while a column is escaped as one text: no text of PostgreSQL holds it


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows by column, all of one length; `drawn` are their fields as COPY reads them, where somebody made them beforehand."""

    columns: Mapping[str, Sequence[Any]]
    drawn: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def part(self, start: int, end: int) -> "Rows":
        """Those from one place up to another."""
        columns = {name: values[start:end] for name, values in self.columns.items()}
        return Rows(columns, self.drawn and self.drawn[start:end])

    def draw(self) -> "Rows":
        """The same with their fields made, so that whoever writes them need not."""
        return replace(self, drawn=fields(list(self.columns.values())))

    def lines(self, common: Sequence[Any]) -> str:
        """Their lines, each ending in the values that all have in common."""
        return ended(fields(list(self.columns.values())) if self.drawn is None else self.drawn, common)

    def whole(self, common: Iterable[Any]) -> Iterator[Sequence[Any]]:
        """Row by row, each with the values that all have in common."""
        return zip(*self.columns.values(), *map(repeat, common), strict=False)


def fields(columns: Sequence[Sequence[Any]]) -> list[str]:
    """The fields of each place in these columns.

    Raises psycopg.DataError for a NUL in a text, and TypeError for what is no text, whole number, float, bool, bytes or None.
    """
    return list(map("\t".join, zip(*map(_column, columns), strict=True)))


def ended(begun: Iterable[str], common: Sequence[Any]) -> str:
    """The lines that begin so, each ending in the values that all have in common."""
    end = "".join(f"\t{_field(value)}" for value in common) + "\n"
    return end.join([*begun, ""])


def _column(values: Sequence[Any]) -> Iterable[str]:
    """A column's fields; of one kind, as nearly all are, without looking at each."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return _texts(values)
    return map(str, values) if kinds == {int} else map(_field, values)


def _texts(values: Sequence[str]) -> list[str]:
    whole = _MARK.join(values)
    if whole.count(_MARK) != len(values) - 1:
        raise psycopg.DataError("a text for PostgreSQL cannot hold NUL")
    return _escaped(whole).split(_MARK)


def _escaped(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("\t", "\\t")
    return escaped.replace("\n", "\\n").replace("\r", "\\r")


def _field(value: Any) -> str:
    match value:
        case None:
            return "\\N"
        case bool():
            return "t" if value else "f"
        case int() | float():
            return repr(value)
        case str():
            return _texts([value])[0]
        case bytes():
            return f"\\\\x{value.hex()}"
        case _:
            raise TypeError(f"{type(value).__name__} has no text in a COPY")
