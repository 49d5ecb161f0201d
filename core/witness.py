"""Whether a PostgreSQL is still the one it was, and has not gone back to an earlier moment: then it was brought back from a backup.

A restored, copied or promoted database is told by its system identifier, its timeline and the number of a table. A snapshot of its disk
brings all three back with it, so every process also remembers how far the write-ahead log had been flushed, with each of its heartbeats,
and leaves that in a file beside its data: what was flushed is never lost by a crash, so a log that ends before it is an older one.
Whatever brings a database back also ends its connections: each new one looks.
"""

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, cast

import psycopg
import structlog
from sqlalchemy import text

from core.restored import ADVICE, REASON
from core.runtime import Tx

log = structlog.get_logger()

_IDENTITY: Final = """
    (SELECT system_identifier FROM pg_control_system()) || ':' || left(pg_walfile_name(pg_current_wal_lsn()), 8) || ':' || 'origin'::regclass::oid
"""
_GREETED: Final = f"""
    SELECT (SELECT identity FROM origin), {_IDENTITY}, (SELECT since FROM origin),
           (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint
"""  # noqa: S608 - the words are ours
_FLUSHED: Final = f"SELECT {_IDENTITY}, (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint"
_FIRST: Final = "INSERT INTO origin (one, identity, since) VALUES (1, %s, %s) ON CONFLICT DO NOTHING"
_CHANGED: Final = "UPDATE origin SET identity = %s, since = %s WHERE identity <> %s"
_REWOUND: Final = "UPDATE origin SET since = %s WHERE since = %s"
# What was paused for another reason is paused for this one now: it is the one that must be settled first.
_PAUSE_HUB: Final = """
    INSERT INTO pauses (kind, subject, reason, created_at) VALUES ('hub', '', %s, %s)
    ON CONFLICT (kind, subject) DO UPDATE SET reason = excluded.reason, created_at = excluded.created_at
"""
_PAUSE_CAMPAIGNS: Final = """
    INSERT INTO pauses (kind, subject, reason, created_at)
    SELECT 'campaign', id::text, %s, %s FROM campaigns WHERE status = 'expanding' OR (status = 'scheduled' AND send_at <= %s)
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """Which database it was at the time `at`, and up to which byte its log was on the disk then."""

    identity: str
    flushed: int
    at: int


class Witness:
    """What one process has seen. `mark`: where it leaves that for the processes after it."""

    def __init__(self, mark: Path | None = None) -> None:
        self._mark = mark
        self._seen: Seen | None = None

    def look(self, tx: Tx) -> None:
        """Remember how far the log is; nothing on SQLite, whose file has a mark of its own."""
        if not tx.postgresql:
            return
        identity, flushed = tx.connection.execute(text(_FLUSHED)).one()
        self._seen = Seen(identity, flushed, tx.now)
        if self._mark is not None:
            _write(self._mark, self._seen)

    def greet(self, raw: "psycopg.Connection[Any]", now: int) -> None:
        """Look, on a new connection, whether this is the database that it was; if not, pause the hub and what had begun."""
        there = raw.execute("SELECT to_regclass('origin') IS NOT NULL AND NOT pg_is_in_recovery()").fetchone()
        if there and there[0]:
            known, identity, since, inserted = cast("tuple[Any, ...]", raw.execute(_GREETED).fetchone())
            if known is None:
                raw.execute(_FIRST, (identity, now))
            elif (known != identity and raw.execute(_CHANGED, (identity, now, identity)).rowcount) or (
                self._is_rewound(identity, since, inserted) and raw.execute(_REWOUND, (now, since)).rowcount
            ):
                raw.execute(_PAUSE_HUB, (REASON, now))
                raw.execute(_PAUSE_CAMPAIGNS, (REASON, now, now))
                log.error("database.restored", advice=ADVICE)
        raw.commit()

    def _is_rewound(self, identity: str, since: int, inserted: int) -> bool:
        """Whether the log ends before what was seen of it; not so where that was noticed since."""
        seen = self._seen or (_read(self._mark) if self._mark else None)
        return seen is not None and seen.identity == identity and seen.at > since and inserted < seen.flushed


def _write(mark: Path, seen: Seen) -> None:
    """A disk that is full is told of elsewhere: the mark stays as it was."""
    fresh = mark.with_suffix(f".{os.getpid()}.new")
    with contextlib.suppress(OSError):
        mark.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(asdict(seen)))
        fresh.rename(mark)


def _read(mark: Path) -> Seen | None:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Seen(**json.loads(mark.read_text()))
    return None
