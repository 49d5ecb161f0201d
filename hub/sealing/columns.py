"""Columns that hold sealed text. Each says so where it is declared, and what its text is bound to: the list of them makes itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, MetaData, Text

_MARK: Final = "sealed"


@dataclass(frozen=True, slots=True)
class Place:
    """A column of sealed text; NULL or "" where there is none.

    The text is sealed for `word` and the values that the columns `bound` have in its row: it opens nowhere else.
    """

    column: Column[str]
    word: str
    bound: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.column.table.name}.{self.column.name}"

    def aad(self, row: Mapping[str, Any]) -> str:
        """What the text of this row is bound to, as `hub.secrets` wants it."""
        return aad(self.word, *(str(row[name]) for name in self.bound))


def aad(word: str, *values: str) -> str:
    """A word and the values of a row, between bars: "hooks|<id>|<account id>"."""
    return "|".join((word, *values))


def sealed(name: str, word: str, *bound: str, nullable: bool = False) -> Column[str]:
    """A column of sealed text. bound: the columns that its text is bound to, never changed unless it is sealed anew."""
    return Column(name, Text(), nullable=nullable, info={_MARK: (word, bound)})


def place_of(column: Column[str]) -> Place:
    """A column that was made by `sealed`."""
    return Place(column, *column.info[_MARK])


def places(metadata: MetaData) -> Iterator[Place]:
    """Every such column, in the order of names."""
    for table in sorted(metadata.tables.values(), key=lambda table: table.name):
        yield from (place_of(column) for column in table.columns if _MARK in column.info)
