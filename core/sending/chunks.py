"""Chunks: the unit of queueing. A chunk is one account, carrier, purpose and campaign, and has one time that is polled."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, or_, select, update

from core.runtime import Tx
from core.schema import chunks, lanes, pauses

SIZE: Final = 5_000
LEASE_MS: Final = 30_000
ANY_CARRIER: Final = ""  # of a chunk that is not for a carrier yet
NEVER: Final = 2**62


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
) -> str:
    """A new chunk; its id."""
    chunk_id = tx.new_id()
    columns = (
        "id",
        "account_id",
        "campaign_id",
        "carrier",
        "purpose",
        "step",
        "status",
        "due_at",
        "expires_at",
        "lease_until",
        "created_at",
    )
    row = (chunk_id, account_id, campaign_id, carrier, purpose, step, status, due_at, expires_at, 0, tx.now)
    tx.insert(chunks, columns, [row])
    if status == "ready" and due_at <= tx.now:
        tx.ring("dispatch")
    return chunk_id


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


def lease_due(tx: Tx, steps: Sequence[str], owner: str, lease_ms: int = LEASE_MS) -> Row[Any] | None:
    """Take one due chunk of these steps, whatever its carrier. What is with one that was taken away is settled too: it had a lane."""
    served = {row.carrier for row in tx.all(select(lanes.c.carrier))}
    due = select(chunks).where(
        chunks.c.status == "ready",
        chunks.c.step.in_(steps),
        chunks.c.carrier.in_(sorted({ANY_CARRIER, *tx.carriers, *served})),
        chunks.c.due_at <= tx.now,
        chunks.c.lease_until <= tx.now,
    )
    row = tx.one(due.order_by(chunks.c.due_at).limit(1).with_for_update(skip_locked=True))
    if row is not None:
        tx.execute(update(chunks).where(chunks.c.id == row.id).values(owner=owner, lease_until=tx.now + lease_ms))
    return row


def release(tx: Tx, chunk_id: str, owner: str, **changes: Any) -> bool:
    """Give a leased chunk back, changed; False when the lease was lost meanwhile."""
    mine = (chunks.c.id == chunk_id) & (chunks.c.owner == owner)
    return tx.execute(update(chunks).where(mine).values(owner=None, lease_until=0, **changes)) == 1


class Pauses:
    """What is paused, as one transaction sees it."""

    def __init__(self, tx: Tx) -> None:
        self.by_kind: dict[str, set[str]] = {"hub": set(), "carrier": set(), "account": set(), "campaign": set()}
        for row in tx.all(select(pauses.c.kind, pauses.c.subject)):
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


def resume(tx: Tx, kind: str, subject: str) -> bool:
    """Go on; False when it was not paused."""
    tx.ring("dispatch")
    return tx.execute(pauses.delete().where(pauses.c.kind == kind, pauses.c.subject == subject)) == 1
