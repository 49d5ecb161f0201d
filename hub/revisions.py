"""Whether a database is at the newest revision, asked without changing it."""

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from core import Database, Refused
from hub.database import config, unknown


def is_current(database: Database) -> bool:
    """Whether every migration that this version knows was made. One that a newer version upgraded is: revisions only add."""
    with database.read() as connected:
        script = ScriptDirectory.from_config(config(connected.connection))
        wanted = set(script.get_heads())
        there = set(MigrationContext.configure(connected.connection).get_current_heads())
        newer = set(unknown(connected.connection))
    return there - newer <= wanted and len(wanted - there) <= len(newer)


def is_newer(database: Database) -> bool:
    """Whether a newer version has upgraded it."""
    with database.read() as connected:
        return bool(unknown(connected.connection))


def check(database: Database) -> None:
    """Refuses (`not_migrated`) a database that is behind: a process must not work on tables that it does not know.

    One that is before it is let be: while hosts are upgraded one after the other, what crashes on the others must come back.
    """
    if not is_current(database):
        raise Refused("not_migrated", "The database is not at this version's revision: run `smshub db upgrade` first.")
