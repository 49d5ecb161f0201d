"""Signs of life: a process that works says so, and whoever looks after the hub sees when one last did."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import delete, func, select, update

from core.runtime import Tx
from core.schema import beats

FORGET_MS: Final = 24 * 3600 * 1000  # processes come and go: the table stays as small as the hub


def beat(tx: Tx, name: str, role: str, trouble: str | None = None) -> None:
    """`name` (unique: role, host and process) is alive now; `trouble` is what is wrong with it, in whatever words."""
    alive = tx.upsert(beats).values(name=name, role=role, at=tx.now, trouble=trouble)
    tx.execute(alive.on_conflict_do_update(index_elements=["name"], set_={"at": tx.now, "trouble": trouble}))
    tx.execute(delete(beats).where(beats.c.at < tx.now - FORGET_MS))


def leave(tx: Tx, name: str) -> None:
    """`name` stops: nothing is wrong with it any more."""
    tx.execute(update(beats).where(beats.c.name == name).values(trouble=None))


def latest(tx: Tx) -> Mapping[str, int]:
    """When each role was last heard of, in UTC milliseconds."""
    return {
        row.role: row.at
        for row in tx.all(select(beats.c.role, func.max(beats.c.at).label("at")).group_by(beats.c.role))
    }


def troubled(tx: Tx, since: int) -> Mapping[str, str]:
    """What is wrong with processes that were heard of since then, by their names."""
    wanted = select(beats.c.name, beats.c.trouble).where(beats.c.trouble.is_not(None), beats.c.at >= since)
    return {row.name: row.trouble for row in tx.all(wanted.order_by(beats.c.name))}
