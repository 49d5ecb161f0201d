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
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from core import Database, Refused

FOLDER: Final = Path(__file__).with_name("migrations")
LOCK_WAIT_S: Final = 3
_IN_USE: Final = (
    f"A table was held by another transaction for {LOCK_WAIT_S} s, and nothing was changed: end long transactions (pg_stat_activity), "
    "or run `smshub db upgrade` again at a quieter moment."
)
_LOCK: Final = 7_291_836_405  # any number that is only ours: who migrates holds it


def upgrade(url: str, branches: Sequence[Path] = ()) -> None:
    """Bring the database at `url` to the newest revision of every branch. Two processes at once: the second waits, and finds it done.

    Refuses (`in_use`) after a few seconds where a long transaction holds a table: what waits for a table stops all who come after it.

    One that a newer version has upgraded stays as it is.

    branches: folders of revisions beside the hub's own, such as a connector's.
    """
    database = Database(url)
    try:
        with migrating(database) as connection:
            if not unknown(connection, branches):
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


def unknown(connection: Connection, branches: Sequence[Path] = ()) -> Sequence[str]:
    """The revisions of this database that this version does not know: a newer one has upgraded it."""
    known = {one.revision for one in ScriptDirectory.from_config(config(connection, branches)).walk_revisions()}
    return sorted(set(MigrationContext.configure(connection).get_current_heads()) - known)
