"""Properties run many examples, and each wants a database of its own."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.support.databases import PostgresDatabase, SqliteFiles

Fresh = Callable[[], tuple[str, Path]]


@pytest.fixture
def fresh(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Fresh:
    """The URL of an empty database, and an empty folder, for each example; the one before is gone by then."""
    examples = count()

    def make() -> tuple[str, Path]:
        folder = tmp_path / str(next(examples))
        folder.mkdir()
        if database_url.startswith("sqlite"):
            files: SqliteFiles = request.getfixturevalue("sqlite_files")
            return files.fresh(folder), folder
        postgres: PostgresDatabase = request.getfixturevalue("postgres_database")
        return postgres.fresh(), folder

    return make
