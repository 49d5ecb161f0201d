"""Whether a database is at the newest revision, asked without changing it; and what connectors left there that are gone."""

from collections.abc import Sequence
from pathlib import Path

import structlog
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from core import Database, Refused
from hub.database import config, connector_of, newer, strangers_among
from hub.registry import Registry

log = structlog.get_logger()


def is_current(database: Database, registry: Registry) -> bool:
    """Whether every migration was made that this version knows, of the hub and of the connectors that are here.

    A database that a newer version has upgraded is: revisions only add.
    """
    with database.read() as connected:
        wanted = ScriptDirectory.from_config(config(connected.connection, registry.branches)).get_heads()
        there = set(MigrationContext.configure(connected.connection).get_current_heads())
        beyond = newer(connected.connection, registry.branches)
    missing = set(wanted) - there
    return not missing or (bool(beyond) and not any(map(connector_of, missing)))


def is_newer(database: Database, branches: Sequence[Path]) -> bool:
    """Whether a newer version of the hub has upgraded it."""
    with database.read() as connected:
        return bool(newer(connected.connection, branches))


def check(database: Database, registry: Registry) -> None:
    """Refuses (`not_migrated`) a database that is behind: a process must not work on tables that it does not know.

    One that is before it is let be: while hosts are upgraded one after the other, what crashes on the others must come back.
    """
    if not is_current(database, registry):
        raise Refused("not_migrated", "The database is not at this version's revision: run `smshub db upgrade` first.")


def strangers(database: Database, registry: Registry) -> Sequence[str]:
    """The connectors that have tables in this database and are not here."""
    with database.read() as connected:
        return strangers_among(connected.connection, registry.branches)


def tell_strangers(database: Database, registry: Registry) -> None:
    """Log what was left behind: the hub works without it, and the tables stay as they are."""
    for name in strangers(database, registry):
        log.warning("connector.gone", connector=name, cure=cure_of(name))


def cure_of(name: str) -> str:
    """What to do about a connector whose package is gone."""
    return (
        f"{name} has tables here and is not installed: install its package again, or drop them for good with "
        f"`smshub connectors forget {name}`."
    )
