"""What of a database's errors is an outage, told by errors that real databases make."""

import sqlite3
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree

from core import Database, outages
from tests.support.databases import PostgresDatabase
from tests.support.peers import PeerMissingError, missing


@pytest.fixture
def postgresql_url(postgres_database: PostgresDatabase) -> str:
    try:
        return postgres_database.fresh()
    except PeerMissingError as why:
        missing("postgresql", why)


RAISES = "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{}'; END $$"


@pytest.mark.parametrize(
    "state, kind",
    [
        ("53100", "full"),
        ("53300", "exhausted"),
        ("55P03", "busy"),
        ("40P01", "busy"),
        ("57P01", "gone"),
        ("23505", None),
    ],
)
def test_postgresql_says_it_by_a_code(postgresql_url: str, state: str, kind: str | None) -> None:
    database = Database(postgresql_url)
    with pytest.raises(DBAPIError) as failed, database.begin() as connected:
        connected.execute(text(RAISES.format(state)))
    database.close()
    assert kind_of(failed.value) == kind
    assert failed.value.orig is not None
    assert kind_of(failed.value.orig) == kind  # COPY raises the driver's own


def test_nobody_there_is_gone(tmp_path: Path) -> None:
    nowhere = Database(f"postgresql://postgres@/x?host={tmp_path}")
    with pytest.raises(OperationalError) as failed, nowhere.begin():
        pass
    assert kind_of(failed.value) == "gone"


def test_a_role_that_may_have_no_more_connections_is_exhausted(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    with database.begin() as connected:
        connected.execute(text("DROP ROLE IF EXISTS crowded"))
        connected.execute(text("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0"))
    crowded = Database(postgresql_url.replace("postgres@", "crowded@"))
    with pytest.raises(OperationalError) as failed, crowded.begin():
        pass
    with database.begin() as connected:
        connected.execute(text("DROP ROLE crowded"))
    database.close()
    assert kind_of(failed.value) == "exhausted"


@pytest.mark.parametrize(
    "words",
    ["FATAL:  sorry, too many clients already", "FATAL:  remaining connection slots are reserved for roles with X"],
)
def test_a_server_without_a_free_connection_is_exhausted(words: str) -> None:
    assert kind_of(psycopg.OperationalError(f'connection to server on socket "x" failed: {words}')) == "exhausted"


def test_a_pool_without_a_free_connection_is_exhausted() -> None:
    assert kind_of(NoneFree()) == "exhausted"


def test_a_file_that_may_not_grow_is_full(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "small.db", isolation_level=None)
    connection.execute("PRAGMA max_page_count = 2")
    connection.execute("CREATE TABLE t (a TEXT)")
    with pytest.raises(sqlite3.OperationalError) as failed:
        connection.execute("INSERT INTO t VALUES (?)", ("a" * 100_000,))
    connection.close()
    assert kind_of(failed.value) == "full"


def test_a_locked_file_is_busy_and_one_that_can_not_be_opened_is_gone(tmp_path: Path) -> None:
    holder, other = (sqlite3.connect(tmp_path / "x.db", isolation_level=None, timeout=0) for _ in range(2))
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError) as locked:
        other.execute("BEGIN EXCLUSIVE")
    for each in (holder, other):
        each.close()
    with pytest.raises(sqlite3.OperationalError) as missing:
        sqlite3.connect(tmp_path / "nowhere" / "x.db")
    assert (kind_of(locked.value), kind_of(missing.value)) == ("busy", "gone")


def test_a_bug_is_none() -> None:
    assert [kind_of(error) for error in (ValueError(), sqlite3.ProgrammingError(), psycopg.ProgrammingError())] == [
        None
    ] * 3


def kind_of(error: BaseException) -> str | None:
    found = outages.of(error)
    return found.kind if found else None
