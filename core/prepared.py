"""Statements made once: on the hot paths making one takes longer than running it. Lists go in as one parameter.

A list's values are ids, scopes of the blacklist or whole numbers: nothing in them needs a quote. PostgreSQL reads such a list from
its text several times faster than Python writes an array of it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Subquery, Text, bindparam, cast, column, func, select
from sqlalchemy.dialects import postgresql as dialects
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from core.arrays import array_of
from core.runtime import Tx

_POSTGRESQL: Final = dialects.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy says nothing of it
Columns = Mapping[str, type[TypeEngine[Any]]]


def among(
    subject: ColumnElement[Any], name: str, kind: type[TypeEngine[Any]], *, postgresql: bool
) -> ColumnElement[bool]:
    """`subject` is one of the list that is given, by `listed`, as the parameter `name`."""
    if postgresql:
        return subject == func.any(array(name, kind))
    each = func.json_each(bindparam(name, type_=Text())).table_valued("value")
    return subject.in_(select(each.c.value))


def array(name: str, kind: type[TypeEngine[Any]]) -> ColumnElement[Any]:
    """PostgreSQL's array of a list that is given as the parameter `name`."""
    return cast(bindparam(name, type_=Text()), ARRAY(kind()))


def listed(tx: Tx, values: Iterable[object]) -> str:
    """A list as the parameter that this database reads it from."""
    return f"{{{','.join(map(str, values))}}}" if tx.postgresql else json.dumps(list(values))


def table(name: str, columns: Columns, *, postgresql: bool) -> Subquery:
    """Rows that are given, by `rows`, as a table one can join: `Connected.values` of a statement that is made once."""
    if postgresql:
        lists = (bindparam(f"{name}_{key}", type_=array_of(kind, _POSTGRESQL)) for key, kind in columns.items())
        unnested = func.unnest(*lists).table_valued(*(column(key, kind()) for key, kind in columns.items()))
        derived = unnested.render_derived(name=f"{name}_rows")
        return select(*derived.c).subquery(name)
    each = func.json_each(bindparam(name, type_=Text())).table_valued("value")
    picked = [
        func.json_extract(each.c.value, f"$[{place}]", type_=kind()).label(key)
        for place, (key, kind) in enumerate(columns.items())
    ]
    return select(*picked).subquery(name)


def rows(tx: Tx, name: str, columns: Columns, given: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Rows as the parameters of `table`: their values in the order of its columns. Any text may be in them."""
    if not tx.postgresql:
        return {name: json.dumps(list(map(list, given)))}
    lists = list(zip(*given, strict=True)) or [()] * len(columns)
    return {f"{name}_{key}": values for key, values in zip(columns, lists, strict=True)}
