"""What is over is taken away: sessions that ended, links that nobody can use, tries that are forgotten."""

from typing import Final

from sqlalchemy import Table, delete, select

from core import Runtime
from hub.people.tables import attempts, links, sessions

KEPT_MS: Final = 24 * 3_600_000
PAGE: Final = 1000


def tidy(runtime: Runtime) -> int:
    """Take away a page of each; how many rows."""
    return sum(take_away(runtime, table) for table in (sessions, links, attempts))


def take_away(runtime: Runtime, table: Table) -> int:
    """A page of rows that ended a day ago; how many."""
    keys = list(table.primary_key.columns)
    with runtime.begin() as tx:
        over = select(*keys).where(table.c.ends_at < tx.now - KEPT_MS).limit(PAGE)
        rows = tx.all(over.with_for_update(skip_locked=True))
        for row in rows:
            tx.execute(delete(table).where(*(column == value for column, value in zip(keys, row, strict=True))))
    return len(rows)
