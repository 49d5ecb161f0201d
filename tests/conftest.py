"""Fixtures of all tests: databases. `--database sqlite` runs the tests of one only."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings

from tests.support import postgres
from tests.support.databases import PostgresDatabase, SqliteFiles
from tests.support.peers import IN_CI, PeerMissingError, missing

DATABASES = ("sqlite", "postgresql")

# No deadline: two workers share a machine, and the slowest example measures the neighbours. In CI the examples follow from the test
# itself, so that a build turns red by its commit and never by luck; people, whose runs differ, look for new ones.
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("person", deadline=None, print_blob=True)
settings.register_profile("long", deadline=None, print_blob=True, max_examples=2000)
settings.load_profile("ci" if IN_CI else "person")

HOME = pytest.StashKey[Path]()
RUNNING = pytest.StashKey[Any]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", action="append", choices=DATABASES, help="run the tests of this database only")


def pytest_configure(config: pytest.Config) -> None:
    """The run has a home for its PostgreSQL; xdist workers are told the one of their controller."""
    if told := getattr(config, "workerinput", {}).get("postgres_home"):
        config.stash[HOME] = Path(told)
        return
    config.stash[HOME] = postgres.make_home()
    config.stash[RUNNING] = (config.stash[HOME] / "run").open("w")
    fcntl.flock(config.stash[RUNNING], fcntl.LOCK_SH)  # the keeper stops the server when this goes


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["postgres_home"] = str(node.config.stash[HOME])


def pytest_unconfigure(config: pytest.Config) -> None:
    if RUNNING not in config.stash:
        return
    if not (config.stash[HOME] / "start").exists():  # no test wanted a server: there is no keeper to clear up
        shutil.rmtree(config.stash[HOME])
    config.stash[RUNNING].close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if wanted := config.getoption("--database"):
        left_out = [item for item in items if _database(item) not in {None, *wanted}]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _database(item: pytest.Item) -> str | None:
    params: dict[str, str] = item.callspec.params if hasattr(item, "callspec") else {}
    return params.get("database_url")


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A command that a test runs in this process sets the log up as it likes, for itself alone: the next test may listen to it."""
    before = structlog.get_config()
    processors = list(before["processors"])
    yield
    structlog.configure(**before | {"processors": processors})


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("sqlite") / "template.sqlite3")


@pytest.fixture(scope="session")
def postgres_database(pytestconfig: pytest.Config) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(pytestconfig.stash[HOME], os.environ.get("PYTEST_XDIST_WORKER", "main"))
    yield database
    database.close()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database with every table; a test that asks for it runs once on each kind."""
    if request.param == "sqlite":
        files: SqliteFiles = request.getfixturevalue("sqlite_files")
        return files.fresh(tmp_path)
    database: PostgresDatabase = request.getfixturevalue("postgres_database")
    try:
        return database.fresh()
    except PeerMissingError as why:
        missing("postgresql", why)
