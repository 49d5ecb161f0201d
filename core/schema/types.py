"""Column types and short names for columns: ids are native UUIDs on PostgreSQL and text on SQLite, strings in Python on both."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Dialect, MetaData, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import UserDefinedType

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Id(UserDefinedType[str]):
    """A UUIDv7 in its canonical text: 16 bytes in PostgreSQL, 36 characters in SQLite. Ordered by time in both."""

    cache_ok = True

    def get_col_spec(self, **_kw: Any) -> str:
        """PostgreSQL's name for it."""
        return "UUID"


@compiles(Id, "sqlite")
def compile_id_for_sqlite(_type: Id, _compiler: object, **_kw: Any) -> str:
    """SQLite would give a column called UUID numeric affinity."""
    return "TEXT"


class Among(ColumnElement[str]):
    """The value of a column where it is one of these words, else NULL: what a generated column of a partial index holds."""

    inherit_cache = False
    type = Text()

    def __init__(self, name: str, words: Sequence[str]) -> None:
        self.name = name
        self.words = tuple(words)


@compiles(Among)
def compile_among(kept: Among, _compiler: object, **_kw: Any) -> str:
    """As people write it."""
    words = ", ".join(f"'{word}'" for word in kept.words)
    return f"CASE WHEN {kept.name} IN ({words}) THEN {kept.name} END"


@compiles(Among, "postgresql")
def compile_among_for_postgresql(kept: Among, _compiler: object, **_kw: Any) -> str:
    """As PostgreSQL tells it when it is asked for its tables, so that the same is seen to be the same."""
    words = ", ".join(f"'{word}'::text" for word in kept.words)
    return f"CASE WHEN ({kept.name} = ANY (ARRAY[{words}])) THEN {kept.name} ELSE NULL::text END"


def ident(name: str, **options: Any) -> Column[str]:
    """A column that holds an id."""
    options.setdefault("nullable", False)
    return Column(name, Id(), **options)


def text(name: str, **options: Any) -> Column[str]:
    options.setdefault("nullable", False)
    return Column(name, Text(), **options)


def whole(name: str, **options: Any) -> Column[int]:
    """A 64-bit whole number: a time in milliseconds, a price in millicredits, a number's digits, a count."""
    options.setdefault("nullable", False)
    return Column(name, BigInteger(), **options)


def is_postgresql(dialect: Dialect) -> bool:
    return dialect.name == "postgresql"
