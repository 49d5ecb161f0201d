"""One owner's rows in the order of their ids, said as a range of both columns.

`WHERE owner = x ORDER BY id LIMIT 50` looks the same and is not: where x has many rows, PostgreSQL may walk the primary key and
throw away what is not x's, which for an owner that was quiet lately is everything newer. A range of (owner, id) has one index.
"""

from typing import Any, Final

from sqlalchemy import Column, ColumnElement, literal, tuple_

from core.schema.types import Id

LOWEST: Final = "00000000-0000-0000-0000-000000000000"
HIGHEST: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"


def within(
    owner: Column[Any], owner_id: str, row: Column[Any], *, above: str | None = None, below: str | None = None
) -> ColumnElement[bool]:
    """The owner's rows with ids between two others, which are left out; order them by (owner, row) to walk the index on both."""
    both = tuple_(owner, row)
    lowest, highest = (
        tuple_(literal(owner_id, Id()), literal(end, Id())) for end in (above or LOWEST, below or HIGHEST)
    )
    return (both > lowest) & (both < highest) & owner.is_not(None)
