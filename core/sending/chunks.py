"""Chunks: the unit of queueing. A chunk is one account, carrier, purpose and campaign, and has one time that is polled."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, Text, bindparam, func, literal_column, or_, select, update

from core.copying import Rows
from core.runtime import Tx
from core.schema import Id, chunks, lanes, messages, pauses

SIZE: Final = 5_000
LEASE_MS: Final = 30_000
ANY_CARRIER: Final = ""  # of a chunk that is not for a carrier yet
NEVER: Final = 2**62
# The condition of an index, word for word: with parameters neither database sees that it is the same.
SENDABLE: Final = (chunks.c.status == literal_column("'ready'")) & (chunks.c.step == literal_column("'send'"))


def create(  # noqa: PLR0913 - a chunk's columns
    tx: Tx,
    *,
    account_id: str,
    carrier: str,
    purpose: str,
    due_at: int,
    expires_at: int,
    step: str = "send",
    campaign_id: str | None = None,
    status: str = "ready",
    created_at: int | None = None,
) -> str:
    """A new chunk; its id. `created_at` is of the chunk that it takes the place of, if it does."""
    common = {"account_id": account_id, "campaign_id": campaign_id, "purpose": purpose, "step": step, "status": status}
    times = {"due_at": due_at, "expires_at": expires_at, "created_at": tx.now if created_at is None else created_at}
    (chunk_id,) = create_alike(tx, [carrier], {**common, **times})
    return chunk_id


def create_alike(tx: Tx, carriers: Sequence[str], common: Mapping[str, Any]) -> list[str]:
    """A new chunk for each of these carriers, with the other columns in common; their ids in order."""
    ids = tx.new_ids(len(carriers))
    if ids:
        tx.insert_alike(chunks, [(Rows({"id": ids, "carrier": carriers}), {**common, "lease_until": 0})])
        if common["status"] == "ready" and common["due_at"] <= tx.now:
            tx.ring("dispatch")
    return ids


def like(tx: Tx, chunk: Any, *, step: str, due_at: int, expires_at: int | None = None) -> str:
    """A new chunk of the same account, carrier, purpose and campaign, for messages that must wait for something else."""
    return create(
        tx,
        account_id=chunk.account_id,
        carrier=chunk.carrier,
        purpose=chunk.purpose,
        campaign_id=chunk.campaign_id,
        step=step,
        due_at=due_at,
        expires_at=chunk.expires_at if expires_at is None else expires_at,
    )


def joined(tx: Tx, chunk: Any, count: int, *, due_at: int, expires_at: int) -> str:
    """For `count` messages: the newest chunk of the same kind that is due at this very time, which nobody has begun, if it has room; else a new one."""
    same = (chunks.c.purpose == chunk.purpose) & (chunks.c.account_id == chunk.account_id)
    waits = (chunks.c.due_at == due_at) & (chunks.c.due_at > tx.now) & (chunks.c.lease_until == 0)
    campaign = chunks.c.campaign_id.is_not_distinct_from(chunk.campaign_id)
    alike = select(chunks.c.id).where(SENDABLE, chunks.c.carrier == chunk.carrier, same, waits, campaign)
    newest = alike.order_by(chunks.c.id.desc()).limit(1)  # those before it are full
    found: str | None = tx.scalar(newest.with_for_update(skip_locked=True))
    if found is None or not _has_room(tx, found, count):
        return like(tx, chunk, step="send", due_at=due_at, expires_at=expires_at)
    sooner = (chunks.c.id == found) & (chunks.c.expires_at > expires_at)
    tx.execute(update(chunks).where(sooner).values(expires_at=expires_at))
    return found


def _has_room(tx: Tx, chunk_id: str, count: int) -> bool:
    theirs = select(messages.c.id).where(messages.c.chunk_id == chunk_id).limit(SIZE).subquery()
    return int(tx.scalar(select(func.count()).select_from(theirs))) + count <= SIZE


def gone(tx: Tx) -> set[str]:
    """Carriers that were taken away. What is with them is settled too: they had a lane."""
    return {row.carrier for row in tx.all(select(lanes.c.carrier))} - tx.carriers.keys()


def lease_due(
    tx: Tx, steps: Sequence[str], owner: str, lease_ms: int = LEASE_MS, *, carriers: Collection[str] | None = None
) -> Row[Any] | None:
    """Take one due chunk of these steps, of these carriers or whatever its carrier."""
    which = {ANY_CARRIER, *tx.carriers, *gone(tx)} if carriers is None else carriers
    due = select(chunks).where(
        chunks.c.status == "ready",
        chunks.c.step.in_(steps),
        chunks.c.carrier.in_(sorted(which)),
        chunks.c.due_at <= tx.now,
        chunks.c.lease_until <= tx.now,
    )
    row = tx.one(due.order_by(chunks.c.due_at).limit(1).with_for_update(skip_locked=True))
    if row is not None:
        tx.execute(update(chunks).where(chunks.c.id == row.id).values(owner=owner, lease_until=tx.now + lease_ms))
    return row


def release(tx: Tx, chunk_id: str, owner: str, **changes: Any) -> bool:
    """Give a leased chunk back, changed; False when the lease was lost meanwhile."""
    releasing = _RELEASING.values(**changes) if changes else _RELEASING
    return tx.execute(releasing, {"chunk": chunk_id, "by": owner}) == 1


_RELEASING: Final = (
    update(chunks)
    .where(chunks.c.id == bindparam("chunk", type_=Id()), chunks.c.owner == bindparam("by", type_=Text()))
    .values(owner=None, lease_until=0)
)


_PAUSED: Final = select(pauses.c.kind, pauses.c.subject)


class Pauses:
    """What is paused, as one transaction sees it."""

    def __init__(self, tx: Tx) -> None:
        self.by_kind: dict[str, set[str]] = {"hub": set(), "carrier": set(), "account": set(), "campaign": set()}
        for row in tx.all(_PAUSED):
            self.by_kind[row.kind].add(row.subject)

    @property
    def hub(self) -> bool:
        return bool(self.by_kind["hub"])

    def carrier(self, name: str) -> bool:
        return name in self.by_kind["carrier"]

    def allows(self) -> list[Any]:
        """Conditions for chunks whose account and campaign are not paused."""
        conditions: list[Any] = []
        if self.by_kind["account"]:
            conditions.append(chunks.c.account_id.not_in(sorted(self.by_kind["account"])))
        if self.by_kind["campaign"]:
            conditions.append(
                or_(chunks.c.campaign_id.is_(None), chunks.c.campaign_id.not_in(sorted(self.by_kind["campaign"])))
            )
        return conditions


def pause(tx: Tx, kind: str, subject: str, reason: str) -> None:
    """Nothing of this hub, carrier, account or campaign is claimed from now on. Pausing twice is pausing once."""
    row = {"kind": kind, "subject": subject, "reason": reason, "created_at": tx.now}
    tx.execute(tx.upsert(pauses).values(**row).on_conflict_do_nothing())


def paused(tx: Tx) -> Sequence[Row[Any]]:
    """What is paused, the oldest first: kind, subject, reason and since when."""
    return tx.all(select(pauses).order_by(pauses.c.created_at, pauses.c.kind, pauses.c.subject))


def resume(tx: Tx, kind: str, subject: str) -> bool:
    """Go on; False when it was not paused."""
    tx.ring("dispatch")
    return tx.execute(pauses.delete().where(pauses.c.kind == kind, pauses.c.subject == subject)) == 1
