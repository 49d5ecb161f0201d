"""Errors that are the database's and not ours: it is gone, full, has no connection left, or somebody holds what we wait for.

Nothing was done by the transaction that met one. They end by themselves once their cause does; the words say what an operator can do.
"""

import sqlite3
from dataclasses import dataclass
from typing import Final, Literal

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoneFree

Kind = Literal["gone", "full", "exhausted", "busy"]

# What a database can raise that `of` knows; SQLAlchemy's words for it, and the drivers' own (COPY goes past SQLAlchemy).
ERRORS: Final[tuple[type[Exception], ...]] = (DBAPIError, NoneFree, psycopg.Error, sqlite3.Error)


@dataclass(frozen=True, slots=True)
class Outage:
    """What is wrong (`kind`), and what the operator can do about it."""

    kind: Kind
    cure: str


GONE: Final = Outage(
    "gone", "The database can't be reached: see that PostgreSQL runs and that SMSHUB_DATABASE_URL names it."
)
FULL: Final = Outage("full", "The disk of the database is full: make room on it, and everything goes on by itself.")
EXHAUSTED: Final = Outage(
    "exhausted", "The database has no connection left: raise max_connections, or run fewer processes of the hub."
)
BUSY: Final = Outage(
    "busy", "Somebody holds rows of the database for long: look for long transactions (pg_stat_activity)."
)

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_OF_STATE: Final = {
    "53100": FULL,
    "53200": EXHAUSTED,  # out of memory
    "53300": EXHAUSTED,
    "55P03": BUSY,  # lock_timeout
    "57014": BUSY,  # statement_timeout
    "40P01": BUSY,  # deadlock: one of the two is told
    "40001": BUSY,
    "25P03": BUSY,  # idle_in_transaction_session_timeout: we were held up ourselves
}
# https://www.sqlite.org/rescode.html; the low byte of an extended code is its primary one.
_OF_SQLITE: Final = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR: Outage(
        "full", "The disk of the database can't be written: make room on it, or see what the kernel says."
    ),
    sqlite3.SQLITE_READONLY: Outage(
        "full", "The database can't be written: see who owns its files, and how its disk is mounted."
    ),
    sqlite3.SQLITE_CANTOPEN: Outage(
        "gone", "The file of the database can't be opened: see that SMSHUB_DATA is there and ours."
    ),
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
}


_CROWDED: Final = ("too many clients", "too many connections", "remaining connection slots")


def of(error: BaseException) -> Outage | None:
    """The outage that an error is; None for a bug of ours."""
    if isinstance(error, NoneFree):
        return EXHAUSTED
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.Error):
        return _of_postgresql(cause)
    if isinstance(cause, sqlite3.Error):
        return _OF_SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    return GONE if isinstance(error, DBAPIError) and isinstance(cause, OSError) else None


def _of_postgresql(error: psycopg.Error) -> Outage | None:
    state = error.sqlstate or ""
    if state in _OF_STATE:
        return _OF_STATE[state]
    if any(words in str(error) for words in _CROWDED):
        return EXHAUSTED  # while connecting there is no code, only words
    if state[:2] in ("", "08", "57", "58") and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return GONE
    return None
