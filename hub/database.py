"""The database brought to the newest revision (Alembic), from the program: no configuration file is needed at run time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, column, delete, insert, table, text
from sqlalchemy.exc import OperationalError

from core import Database, Refused

FOLDER: Final = Path(__file__).with_name("migrations")
LOCK_WAIT_S: Final = 3
_IN_USE: Final = (
    f"A table was held by another transaction for {LOCK_WAIT_S} s, and nothing was changed: end long transactions (pg_stat_activity), "
    "or run `smshub db upgrade` again at a quieter moment."
)
_VERSIONS: Final = table("alembic_version", column("version_num"))
_LOCK: Final = 7_291_836_405  # any number that is only ours: who migrates holds it


def upgrade(url: str, branches: Sequence[Path] = ()) -> None:
    """Bring the database at `url` to the newest revision of every branch. Two processes at once: the second waits, and finds it done.

    Refuses (`in_use`) after a few seconds where a long transaction holds a table: what waits for a table stops all who come after it.

    A database that a newer version of the hub has upgraded stays as it is.

    branches: folders of revisions beside the hub's own, such as a connector's. Those of connectors that are gone stay as they are.
    """
    database = Database(url)
    try:
        with migrating(database) as connection:
            if not newer(connection, branches):
                with _without_strangers(connection, branches):
                    command.upgrade(config(connection, branches), "heads")
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise Refused("in_use", _IN_USE) from None
        raise
    finally:
        database.close()


@contextmanager
def migrating(database: Database) -> Iterator[Connection]:
    """A transaction that nobody else migrates in: the one writer of SQLite, an advisory lock of PostgreSQL."""
    with database.begin() as connected:
        if connected.postgresql:
            connected.connection.execute(text("SET LOCAL lock_timeout = 0"))  # who comes second waits for the first
            connected.connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            connected.connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT_S}s'"))
        yield connected.connection


def config(connection: Connection, branches: Sequence[Path] = ()) -> Config:
    """Alembic's configuration, made here: where revisions lie, and the connection to work on."""
    made = Config()
    made.set_main_option("script_location", str(FOLDER))
    made.set_main_option("path_separator", "newline")
    made.set_main_option("version_locations", "\n".join(map(str, (FOLDER / "versions", *branches))))
    made.attributes["connection"] = connection
    return made


def strangers_among(connection: Connection, branches: Sequence[Path] = ()) -> Sequence[str]:
    """Names of connectors that have revisions in this database, and are not here."""
    return sorted({connector_of(revision) for revision in _unknown(connection, branches) if connector_of(revision)})


def newer(connection: Connection, branches: Sequence[Path] = ()) -> Sequence[str]:
    """The revisions of the hub's own that this version does not know: a newer one has upgraded the database."""
    return [revision for revision in _unknown(connection, branches) if not connector_of(revision)]


@contextmanager
def _without_strangers(connection: Connection, branches: Sequence[Path]) -> Iterator[None]:
    """Alembic stops at a revision that it can't find: those of connectors that are gone are out of its sight meanwhile."""
    gone = _unknown(connection, branches)
    for revision in gone:
        connection.execute(delete(_VERSIONS).where(_VERSIONS.c.version_num == revision))
    yield
    for revision in gone:
        connection.execute(insert(_VERSIONS).values(version_num=revision))


def _unknown(connection: Connection, branches: Sequence[Path]) -> Sequence[str]:
    """The revisions that this database is at, and that are not in any folder."""
    script = ScriptDirectory.from_config(config(connection, branches))
    known = {one.revision for one in script.walk_revisions()}
    return [head for head in MigrationContext.configure(connection).get_current_heads() if head not in known]


def connector_of(revision: str) -> str:
    """Whose revision it is: "parcels_0001" is the connector parcels's. The hub's own have numbers alone."""
    return revision.partition("_")[0] if "_" in revision else ""
