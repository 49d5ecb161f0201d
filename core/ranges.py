"""One owner's rows in the order of their ids: ranges of an index, and pages of lists that look at so many rows and no more.

`WHERE owner = x ORDER BY id LIMIT 50` looks the same and is not: where x has many rows, PostgreSQL may walk the primary key and
throw away what is not x's, which for an owner that was quiet lately is everything newer. A range of (owner, id) has one index.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Select,
    Table,
    and_,
    case,
    func,
    literal,
    null,
    select,
    true,
    tuple_,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from core.runtime import Tx
from core.schema.types import Id

LOWEST: Final = "00000000-0000-0000-0000-000000000000"
HIGHEST: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"
LOOK: Final = 10_000  # rows that one page of a list looks at: 15 ms, 50 from a disk, however few of them are wanted

Way = Sequence[
    tuple[Column[Any], Any]
]  # the columns that stand before the id in an index, each with the value that is asked for
Columns = ReadOnlyColumnCollection[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and the id after which the next page begins; None where there are no more.

    A page that looked at all it may is short, or empty, and goes on nevertheless.
    """

    rows: Sequence[Any]
    next_after: str | None

    @classmethod
    def of(cls, found: Sequence[Row[Any]], limit: int) -> "Page":
        """Out of one row more than are shown, where that many were found."""
        return cls(found[:limit], found[limit - 1].id if len(found) > limit else None)


def within(
    owner: Column[Any], owner_id: str, row: Column[Any], *, above: str | None = None, below: str | None = None
) -> ColumnElement[bool]:
    """The owner's rows with ids between two others, which are left out; order them by (owner, row) to walk the index on both."""
    return along([(owner, owner_id)], row, above=above, below=below)


def along(way: Way, row: Column[Any], *, above: str | None = None, below: str | None = None) -> ColumnElement[bool]:
    """The same of an index whose id comes after several columns."""
    whole = tuple_(*(column for column, _ in way), row)
    given = [literal(value, column.type) for column, value in way]
    lowest, highest = (tuple_(*given, literal(end, Id())) for end in (above or LOWEST, below or HIGHEST))
    return and_(whole > lowest, whole < highest, *(column.is_not(None) for column, _ in way))


def newest(  # noqa: PLR0913 - a way, its ends, and what is wanted of it
    tx: Tx,
    table: Table,
    way: Way,
    limit: int,
    wanted: Callable[[Columns], Iterable[ColumnElement[bool]]],
    *,
    inside: Iterable[ColumnElement[bool]] = (),
    above: str | None = None,
    below: str | None = None,
    look: int = LOOK,
) -> Page:
    """At most `limit` wanted rows among the newest `look` of a way. What is wanted is said of the columns that it is given.

    `inside` is what the index leaves out by itself, where it is a partial one.
    """
    there = and_(along(way, table.c.id, above=above, below=below), *inside)
    names = [*(column.name for column, _ in way), "id"]
    seen = select(table).where(there).order_by(*(table.c[name].desc() for name in names))
    near = seen.limit(look).subquery("near")
    page = select(near).where(*wanted(near.c)).order_by(*(near.c[name].desc() for name in names))
    end = seen.with_only_columns(table.c.id).offset(look - 1).limit(1)
    return _read(tx, page.limit(limit + 1), end, limit)


def _read(tx: Tx, page: Select[Any], end: Select[Any], limit: int) -> Page:
    """The page, and its end where it isn't full. Of one moment, hence in one statement: rows that leave a list between two of them move
    the end down, past others that nobody has looked at.
    """
    found = page.cte("found")
    full = select(func.count()).select_from(found).scalar_subquery() > limit
    last = select(case((full, null()), else_=end.scalar_subquery()).label("looked_to")).subquery("last")
    both = select(found, last.c.looked_to).select_from(last.outerjoin(found, true()))
    rows = tx.all(both.order_by(found.c.id.desc()))
    shown = Page.of([row for row in rows if row.id is not None], limit)
    return shown if shown.next_after is not None else Page(shown.rows, rows[0].looked_to)
