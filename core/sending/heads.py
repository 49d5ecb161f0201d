"""Who waits at a carrier, and whose turn it is: otp before notification before marketing, then the account least served.

A lane remembers for half a second which accounts wait, since asking that of many ready chunks costs more than taking one; who
sends a one-time password is asked for each time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Row, Select, Text, bindparam, func, select

from core.runtime import Tx
from core.schema import Id, campaigns, chunks
from core.sending import chunks as queue

RANK: Final = {"otp": 0, "notification": 1, "marketing": 2}
REMEMBERED_MS: Final = 500
CHUNKS: Final = 4
Head = tuple[str, str]  # purpose, account id


@dataclass(frozen=True, slots=True)
class _Asking:
    """The statements: who waits at a carrier, who waits with one-time passwords, and the oldest chunk of one of them."""

    heads: Select[Any]
    passwords: Select[Any]
    oldest: Select[Any]


@dataclass(slots=True)
class Heads:
    """What a lane remembers: who waited, since when each, when that was asked, and how far it came in its chunk."""

    since: dict[Head, int] = field(default_factory=dict)
    asked_at: int | None = None
    reached: dict[str, str] = field(default_factory=dict)  # of the chunks taken last, up to which message
    left_alone: frozenset[str] = frozenset()  # accounts whose turn it is not, though they wait

    def fresh(self, now: int) -> bool:
        return self.asked_at is not None and 0 <= now - self.asked_at < REMEMBERED_MS

    def reach(self, chunk_id: str, message_id: str | None) -> None:
        """It came so far in this chunk; None: to its end."""
        self.reached.pop(chunk_id, None)
        if message_id is not None:
            self.reached[chunk_id] = message_id
        while len(self.reached) > CHUNKS:
            del self.reached[next(iter(self.reached))]

    def refresh(self, tx: Tx, asking: _Asking, given: Mapping[str, Any]) -> None:
        self.since = _waiting(tx, asking.heads, given)
        self.asked_at = tx.now


def next_chunk(tx: Tx, carrier: str, served: Mapping[str, int], heads: Heads) -> Row[Any] | None:
    """The chunk whose turn it is, locked; None when nothing is due."""
    paused = queue.Pauses(tx)
    if paused.hub or paused.carrier(carrier):
        return None
    asking = _asking(paused)
    given = {"at_carrier": carrier, "now": tx.now}
    remembered = heads.fresh(tx.now)
    if remembered:
        heads.since |= _waiting(tx, asking.passwords, given)
    else:
        heads.refresh(tx, asking, given)
    row = _first(tx, asking, given, served, heads)
    if row is None and remembered:
        heads.refresh(tx, asking, given)
        row = _first(tx, asking, given, served, heads)
    return row


def _first(
    tx: Tx, asking: _Asking, given: Mapping[str, Any], served: Mapping[str, int], heads: Heads
) -> Row[Any] | None:
    for head in _in_turn(heads, served):
        row = tx.one(asking.oldest, {**given, "of_purpose": head[0], "of_account": head[1]})
        if row is not None:
            return row
        del heads.since[head]  # it has nothing more, or others are at it
    return None


def _in_turn(heads: Heads, served: Mapping[str, int]) -> list[Head]:
    waiting = [head for head in heads.since if head[1] not in heads.left_alone]
    return sorted(waiting, key=lambda head: (RANK[head[0]], served.get(head[1], 0), heads.since[head]))


def _waiting(tx: Tx, heads: Select[Any], given: Mapping[str, Any]) -> dict[Head, int]:
    return {(row.purpose, row.account_id): row.since for row in tx.all(heads, given)}


def _asking(paused: queue.Pauses) -> _Asking:
    """Made once where nothing is paused, as nearly always."""
    conditions = paused.allows()
    return _made(conditions) if conditions else _USUAL


def _made(conditions: Sequence[ColumnElement[bool]]) -> _Asking:
    now = bindparam("now", type_=BigInteger())
    ready = (
        queue.SENDABLE,
        chunks.c.carrier == bindparam("at_carrier", type_=Text()),
        chunks.c.due_at <= now,
        chunks.c.lease_until <= now,
        *conditions,
    )
    heads = select(chunks.c.purpose, chunks.c.account_id, func.min(chunks.c.due_at).label("since")).where(*ready)
    heads = heads.group_by(chunks.c.purpose, chunks.c.account_id)
    theirs = (
        chunks.c.purpose == bindparam("of_purpose", type_=Text()),
        chunks.c.account_id == bindparam("of_account", type_=Id()),
    )
    # Whether its campaign was called off is asked in the same breath.
    campaign = select(campaigns.c.status).where(campaigns.c.id == chunks.c.campaign_id).scalar_subquery()
    oldest = select(chunks, campaign.label("campaign_status")).where(*ready, *theirs)
    oldest = oldest.order_by(chunks.c.due_at, chunks.c.id).limit(1).with_for_update(of=chunks, skip_locked=True)
    return _Asking(heads, heads.where(chunks.c.purpose == "otp"), oldest)


_USUAL: Final = _made(())
