"""Hosts are upgraded one after the other: for a while a version works on a database that a newer one has upgraded."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from core import Database, Refused
from hub import database, revisions
from hub.registry import Registry

HERE = Registry()


@pytest.fixture
def made(database_url: str) -> Iterator[Database]:
    """A database at the newest revision, by its own account."""
    from tests.support.serving import stamp

    stamp(database_url)
    found = Database(database_url)
    yield found
    found.close()


def at(made: Database, *heads: str) -> None:
    with made.begin() as connected:
        connected.connection.execute(text("DELETE FROM alembic_version"))
        for head in heads:
            connected.connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": head})


def test_a_database_that_is_behind_is_refused(made: Database) -> None:
    revisions.check(made, HERE)
    at(made, "0001")
    with pytest.raises(Refused, match="not_migrated"):
        revisions.check(made, HERE)
    at(made)
    with pytest.raises(Refused, match="not_migrated"):
        revisions.check(made, HERE)


def test_one_that_a_newer_version_has_upgraded_is_worked_on_as_it_is(made: Database, database_url: str) -> None:
    assert not revisions.is_newer(made, ())
    at(made, "9999")
    revisions.check(made, HERE)
    assert revisions.is_newer(made, ())
    database.upgrade(database_url)
    assert revisions.is_newer(made, ()), "and it is not taken back"
