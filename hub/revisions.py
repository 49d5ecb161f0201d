"""Whether a database is at the newest revision, asked without changing it."""

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from core import Database, Refused
from hub.database import config


def is_current(database: Database) -> bool:
    """Whether every migration was made."""
    with database.read() as connected:
        wanted = ScriptDirectory.from_config(config(connected.connection)).get_heads()
        there = MigrationContext.configure(connected.connection).get_current_heads()
    return set(there) == set(wanted)


def check(database: Database) -> None:
    """Refuses (`not_migrated`) a database that is behind: a process must not work on tables that it does not know."""
    if not is_current(database):
        raise Refused("not_migrated", "The database is not at this version's revision: run `smshub db upgrade` first.")
