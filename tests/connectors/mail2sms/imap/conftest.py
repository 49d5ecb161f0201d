from collections.abc import Iterator
from pathlib import Path

import pytest

from core import Database, Runtime, wall_clock
from tests.support.databases import SqliteFiles
from tests.support.dovecot import Dovecot, dovecot
from tests.support.world import runtime_on


@pytest.fixture
def runtime(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Runtime]:
    """For reading alone, which writes nothing: its diary is the postman's."""
    database = Database(sqlite_files.fresh(tmp_path))
    yield runtime_on(database, clock=wall_clock)
    database.close()


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with dovecot() as made:
        yield made
