"""Lists as the text of a PostgreSQL array (PostgreSQL manual, "Array Input and Output Syntax"): a driver that looks at each value of
a list takes longer over a window than the database does over all that is asked of it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.types import TypeEngine, UserDefinedType


class Array(UserDefinedType[Sequence[Any]]):
    """A parameter that is a list of a database type, by the type's name. Values are texts, ids, whole numbers, booleans or None."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_kw: Any) -> str:
        """PostgreSQL's name for it."""
        return f"{self.name}[]"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:  # noqa: ARG002 - SQLAlchemy's
        """The list as text."""
        return literal


def array_of(kind: type[TypeEngine[Any]], dialect: Dialect) -> Array:
    """The list type of a column type."""
    return Array(kind().compile(dialect))


def literal(values: Sequence[Any]) -> str:
    """{1,2}, {"a","b"}, {NULL}: each text in quotes, with quotes and backslashes escaped."""
    kinds = set(map(type, values))
    if kinds == {int}:
        return f"{{{','.join(map(str, values))}}}"
    if kinds == {str}:
        joined = '","'.join(values)
        plain = '"' not in joined.replace('","', "") and "\\" not in joined
        if plain and joined.count('","') == len(values) - 1:
            return f'{{"{joined}"}}'
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value).lower() if isinstance(value, bool) else str(value)
