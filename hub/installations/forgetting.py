"""What a connector left behind when its package was uninstalled, taken away for good: tables, installations, turns, promises."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import MetaData, Table, delete, inspect, select, table, update
from sqlalchemy import column as a_column
from sqlalchemy.schema import DropTable

from core import Refused, Tx, accounts, schema
from hub.installations.tables import installations, parked_events, task_turns
from hub.migrations.tables import metadata
from hub.registry import Registry

_VERSIONS = table("alembic_version", a_column("version_num"))


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What there was."""

    tables: tuple[str, ...]
    installations: int


def forget(tx: Tx, registry: Registry, name: str, ended: Callable[[Tx, str], object], actor: str) -> Forgotten:
    """Take it away. Refuses (`conflict`) a connector that is here, and `not_found` one that left nothing."""
    if registry.find(name) is not None:
        raise Refused("conflict", f"{name} is installed: remove its package first, or its installations one by one.")
    prefix = f"{name}_"
    there = set(inspect(tx.connection).get_table_names()) - metadata.tables.keys() - {_VERSIONS.name}
    tables = tuple(sorted(each for each in there if each.startswith(prefix)))
    ids = [row.id for row in tx.all(select(installations.c.id).where(installations.c.connector == name))]
    if not tables and not ids:
        raise Refused("not_found", f"No connector called {name} left anything here.")
    for installation_id in ids:
        ended(tx, installation_id)
    for gone in tables:
        tx.execute(DropTable(Table(gone, MetaData())))
    tx.execute(delete(_VERSIONS).where(_VERSIONS.c.version_num.startswith(prefix, autoescape=True)))
    tx.execute(delete(installations).where(installations.c.connector == name))
    tx.execute(delete(parked_events).where(parked_events.c.connector == name))
    tx.execute(delete(task_turns).where(task_turns.c.name.startswith(f"{name}.", autoescape=True)))
    promised = schema.jobs.c.done_at.is_(None) & schema.jobs.c.kind.startswith(f"{name}.", autoescape=True)
    tx.execute(update(schema.jobs).where(promised).values(done_at=tx.now))
    accounts.record(
        tx, None, actor, "connector.forgotten", {"connector": name, "tables": tables, "installations": len(ids)}
    )
    return Forgotten(tables, len(ids))
