"""The shelf: which parcels wait where, in a table of this connector's own."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    MetaData,
    Row,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    select,
    update,
)

from connectors.contract import Event, Gauge, Happening, Installation, Visit
from core import Tx, schema

KEEP_MS: Final = 90 * 24 * 3600 * 1000

parcels = Table(
    "parcels_shelf",
    MetaData(),
    Column("id", schema.Id(), primary_key=True),
    Column("installation_id", schema.Id(), nullable=False),
    Column("parcel", Text(), nullable=False),
    Column("number", Text(), nullable=False),
    Column("state", Text(), nullable=False),  # announced, arrived, collected
    Column("told", Text(), nullable=True),  # what became of the last message about it
    Column("at", BigInteger(), nullable=False),
    UniqueConstraint("installation_id", "parcel", name="uq_parcels_shelf_installation_id_parcel"),
    Index("ix_parcels_shelf_parcel", "parcel"),
    Index("ix_parcels_shelf_installation_id_at", "installation_id", "at"),
    Index("ix_parcels_shelf_state_at", "state", "at"),
)


def put(tx: Tx, installation: Installation, parcel: str, number: str, state: str) -> str:
    """Write down where a parcel is; the id of its row."""
    row = {"id": tx.new_id(), "installation_id": installation.id, "parcel": parcel, "number": number}
    new = tx.upsert(parcels).values(**row, state=state, at=tx.now)
    again = {"number": number, "state": state, "at": tx.now}
    tx.execute(new.on_conflict_do_update(index_elements=["installation_id", "parcel"], set_=again))
    mine = (parcels.c.installation_id == installation.id) & (parcels.c.parcel == parcel)
    return str(tx.scalar(select(parcels.c.id).where(mine)))


def find(tx: Tx, row_id: str) -> Row[tuple[str, str, str, str, str]] | None:
    """A parcel by the id of its row."""
    shown = select(parcels.c.id, parcels.c.installation_id, parcels.c.parcel, parcels.c.number, parcels.c.state)
    return tx.one(shown.where(parcels.c.id == row_id))


def states(tx: Tx, parcel: str) -> Sequence[str]:
    """Where the parcels of this number are: several depots may have one."""
    found = select(parcels.c.state).where(parcels.c.parcel == parcel).order_by(parcels.c.id)
    return [row.state for row in tx.all(found)]


def recent(tx: Tx, installation: Installation, most: int) -> Sequence[Happening]:
    """What was scanned lately, and what became of the message about it."""
    mine = select(parcels).where(parcels.c.installation_id == installation.id)
    return [_happened(row) for row in tx.all(mine.order_by(parcels.c.at.desc()).limit(most))]


def _happened(row: Row[Any]) -> Happening:
    outcome = f"{row.state}, message {row.told}" if row.told else row.state
    return Happening(row.at, f"Parcel {row.parcel}", outcome, well=row.told not in ("rejected", "failed_permanent"))


def by_state(tx: Tx) -> Mapping[str, float]:
    """How many parcels are in each state, on all shelves."""
    counted = select(parcels.c.state, func.count().label("shelf")).group_by(parcels.c.state)
    return {row.state: row.shelf for row in tx.all(counted)}


ON_SHELVES: Final = Gauge("smshub_parcels_shelf", "Parcels, by where they are.", "state", by_state)


def told(tx: Tx, installation: Installation, events: Sequence[Event]) -> None:
    """What became of messages; their reference is the parcel."""
    for event in events:
        mine = (parcels.c.installation_id == installation.id) & (parcels.c.parcel == (event.data["reference"] or ""))
        tx.execute(update(parcels).where(mine).values(told=event.data["status"]))


def sweep(visit: Visit, _subject: str) -> None:
    """Forget what was collected long ago."""
    with visit.runtime.begin() as tx:
        tx.execute(delete(parcels).where(parcels.c.state == "collected", parcels.c.at < tx.now - KEEP_MS))


def clear(tx: Tx, installation: Installation) -> None:
    """The installation is removed: its parcels go with it."""
    tx.execute(delete(parcels).where(parcels.c.installation_id == installation.id))


def count(visit: Visit, _options: Mapping[str, str | None]) -> Iterator[str]:
    """A line for each depot."""
    with visit.runtime.read() as tx:
        counted = select(parcels.c.installation_id, func.count().label("shelf")).group_by(parcels.c.installation_id)
        shelves = {row.installation_id: row.shelf for row in tx.all(counted)}
    for installation in visit.tools.installations.every():
        yield f"{installation.settings['depot']}: {shelves.get(installation.id, 0)}"
