"""Signs of life: a process that works says so, and whoever looks after the hub sees when one last did."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import delete, func, select

from core.runtime import Tx
from core.schema import beats

FORGET_MS: Final = 24 * 3600 * 1000  # processes come and go: the table stays as small as the hub


def beat(tx: Tx, name: str, role: str) -> None:
    """`name` (unique: role, host and process) is alive now."""
    alive = tx.upsert(beats).values(name=name, role=role, at=tx.now)
    tx.execute(alive.on_conflict_do_update(index_elements=["name"], set_={"at": tx.now}))
    tx.execute(delete(beats).where(beats.c.at < tx.now - FORGET_MS))


def latest(tx: Tx) -> Mapping[str, int]:
    """When each role was last heard of, in UTC milliseconds."""
    return {
        row.role: row.at
        for row in tx.all(select(beats.c.role, func.max(beats.c.at).label("at")).group_by(beats.c.role))
    }
