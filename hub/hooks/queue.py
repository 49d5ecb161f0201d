"""Deliveries waiting to be made: written down in the transaction that relays their events, replayed, buried, forgotten, counted."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import orjson
from sqlalchemy import Row, Select, delete, func, select, union_all, update

from connectors.contract import Event
from core import Refused, Runtime, Tx, prepared, schema
from hub.api.show import iso
from hub.hooks import batches, filters
from hub.hooks.relay import Take
from hub.hooks.tables import deliveries, hooks

KEEP_MS: Final = 30 * 24 * 3600 * 1000
BURY_ROWS: Final = 1000
_STATUSES: Final = ("pending", "delivered", "dead")


@dataclass(frozen=True, slots=True)
class Measures:
    """For whoever watches: POSTs that were taken, attempts that failed, deliveries given up, and the age of the oldest that waits."""

    delivered: int
    failed: int
    dead: int
    oldest_pending_ms: int


def sink(tx: Tx, wanted: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Take]:
    """The hooks, as a listener of the relay: for each (account, type) that some hook wants, what writes its deliveries down."""
    accounts = sorted({account_id for account_id, _ in wanted})
    rows = tx.all(_listening(tx.postgresql), {"accounts": prepared.listed(tx, accounts)})
    listening: dict[tuple[str, str], list[Row[Any]]] = {}
    for row in rows:
        for kind in json.loads(row.events):
            if (row.account_id, kind) in wanted:
                listening.setdefault((row.account_id, kind), []).append(row)
    return {key: _taking(found) for key, found in listening.items()}


@cache
def _listening(postgresql: bool) -> Select[Any]:
    theirs = prepared.among(hooks.c.account_id, "accounts", schema.Id, postgresql=postgresql)
    return select(hooks).where(theirs, hooks.c.disabled_at.is_(None)).order_by(hooks.c.id)


def _taking(listening: Sequence[Row[Any]]) -> Take:
    def take(tx: Tx, events: Sequence[Event]) -> None:
        shown = [(event, shape(event)) for event in events]
        for hook in listening:
            put = _put_batch if hook.batch else _put_each
            put(tx, hook, _passing(json.loads(hook.filters), shown))

    return take


def _passing(criteria: Mapping[str, Any], shown: Sequence[tuple[Event, bytes]]) -> Sequence[tuple[Event, bytes]]:
    if not criteria:
        return shown
    return [pair for pair in shown if filters.matches(criteria, pair[0].type, pair[0].data)]


def shape(event: Event) -> bytes:
    """The event as it is posted."""
    return orjson.dumps({"id": event.id, "type": event.type, "timestamp": iso(event.timestamp), "data": event.data})


def put(tx: Tx, hook: Row[Any], event: Event) -> Row[Any]:
    """One delivery for this hook alone (a ping); due at once."""
    written = shape(event)
    delivery_id = tx.new_id()
    _insert(tx, hook, [(delivery_id, event.id, event.type, [written], tx.now)])
    return _row(tx, delivery_id)


def _put_each(tx: Tx, hook: Row[Any], shown: Sequence[tuple[Event, bytes]]) -> None:
    ids = tx.new_ids(len(shown))
    new = [(id_, event.id, event.type, [written], tx.now) for id_, (event, written) in zip(ids, shown, strict=True)]
    _insert(tx, hook, new)


def _put_batch(tx: Tx, hook: Row[Any], shown: Sequence[tuple[Event, bytes]]) -> None:
    """In rows of up to 500; those that are not full wait a moment for company."""
    pieces = list(batches.pieces([event for _, event in shown]))
    ids = tx.new_ids(len(pieces))
    new = [
        (id_, id_, shown[0][0].type, piece, batches.due(tx, len(piece))) for id_, piece in zip(ids, pieces, strict=True)
    ]
    _insert(tx, hook, new)


def _insert(tx: Tx, hook: Row[Any], new: Sequence[tuple[str, str, str, Sequence[bytes], int]]) -> None:
    common = {"hook_id": hook.id, "account_id": hook.account_id, "status": "pending", "attempt": 0, "base": 0}
    rows = [
        (id_, webhook_id, kind, _body(hook, written), len(written), due, tx.now)
        for id_, webhook_id, kind, written, due in new
    ]
    tx.insert(deliveries, ("id", "webhook_id", "type", "body", "size", "due_at", "created_at"), rows, common)
    if rows:
        tx.ring("hooks")


def _body(hook: Row[Any], written: Sequence[bytes]) -> str:
    return batches.body_of(written) if hook.batch else written[0].decode()


def page(tx: Tx, hook_id: str, status: str | None, limit: int, after: str | None) -> Sequence[Row[Any]]:
    """At most `limit` deliveries of a hook, newest first, after the id `after`; of one status or of all."""
    shown = [column for column in deliveries.c if column.name != "body"]
    older = [deliveries.c.id < after] if after else []
    newest = [
        select(*shown)
        .where(deliveries.c.hook_id == hook_id, deliveries.c.status == one, *older)
        .order_by(deliveries.c.id.desc())
        .limit(limit)
        .subquery()
        for one in ([status] if status else _STATUSES)  # a walk of one index each
    ]
    every = union_all(*(select(part) for part in newest)).subquery()
    return tx.all(select(every).order_by(every.c.id.desc()).limit(limit))


def replay(tx: Tx, account_id: str, delivery_id: str) -> Row[Any]:
    """Make it pending again, due at once, with a schedule begun anew and the same webhook-id. One that is being posted is left to it.

    Refuses `not_found`, and `hook_disabled` where its hook is off.
    """
    row = tx.one(
        select(deliveries.c.hook_id).where(deliveries.c.id == delivery_id, deliveries.c.account_id == account_id)
    )
    if row is None:
        raise Refused("not_found", "There is no such delivery.")
    hook = tx.one(select(hooks.c.disabled_at, hooks.c.disabled_reason).where(hooks.c.id == row.hook_id))
    if hook is None or hook.disabled_reason == "deleted":
        raise Refused("not_found", "The hook of this delivery was deleted.")
    if hook.disabled_at is not None:
        raise Refused(
            "hook_disabled",
            "The hook of this delivery is switched off: switch it on (POST /hooks/{id}/enable), then replay.",
        )
    idle = func.coalesce(deliveries.c.lease_until, 0) <= tx.now
    again = {
        "status": "pending",
        "base": deliveries.c.attempt,
        "due_at": tx.now,
        "lease_until": None,
        "delivered_at": None,
    }
    tx.execute(update(deliveries).where(deliveries.c.id == delivery_id, idle).values(**again))
    tx.ring("hooks")
    return _row(tx, delivery_id)


def bury(tx: Tx, hook_id: str, rows: int = BURY_ROWS) -> int:
    """Give up some of what waits for a hook that is off; how many. The caller has locked or changed the hook's row before."""
    some = select(deliveries.c.id).where(deliveries.c.hook_id == hook_id, deliveries.c.due_at.is_not(None)).limit(rows)
    dead = {"status": "dead", "due_at": None, "lease_until": None, "last_error": "the hook is switched off"}
    buried = tx.execute(update(deliveries).where(deliveries.c.id.in_(some)).values(**dead))
    tx.execute(update(hooks).where(hooks.c.id == hook_id).values(dead=hooks.c.dead + buried))
    return buried


def tidy(runtime: Runtime, rows: int = BURY_ROWS) -> int:
    """A sweep, called every minute or so: bury what waits for hooks that are off, and forget what was settled 30 days ago; how many rows."""
    return _bury_one(runtime, rows) + _forget(runtime, rows)


def _bury_one(runtime: Runtime, rows: int) -> int:
    waiting = select(deliveries.c.id).where(deliveries.c.hook_id == hooks.c.id, deliveries.c.due_at.is_not(None))
    off = select(hooks.c.id).where(hooks.c.disabled_at.is_not(None), waiting.exists()).limit(1)
    with runtime.begin() as tx:
        hook = tx.one(off.with_for_update(skip_locked=True))
        return bury(tx, hook.id, rows) if hook else 0


def _forget(runtime: Runtime, rows: int) -> int:
    """By id, which is by age: the primary key is walked from its beginning."""
    with runtime.begin() as tx:
        oldest = select(deliveries.c.id).where(
            deliveries.c.id < _first_id_of(tx.now - KEEP_MS), deliveries.c.due_at.is_(None)
        )
        return tx.execute(delete(deliveries).where(deliveries.c.id.in_(oldest.order_by(deliveries.c.id).limit(rows))))


def _first_id_of(at: int) -> str:
    """The least UUIDv7 of a millisecond (RFC 9562 section 5.7)."""
    stamp = f"{at:012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7000-8000-000000000000"


def measure(tx: Tx) -> Measures:
    """Counts since the beginning, over every hook there ever was."""
    sums = tx.one(
        select(*(func.coalesce(func.sum(hooks.c[name]), 0).label(name) for name in ("delivered", "failed", "dead")))
    )
    since = tx.scalar(select(func.min(deliveries.c.created_at)).where(deliveries.c.due_at.is_not(None)))
    counts = (int(sums.delivered), int(sums.failed), int(sums.dead)) if sums else (0, 0, 0)
    return Measures(*counts, oldest_pending_ms=max(0, tx.now - since) if since is not None else 0)


def _row(tx: Tx, delivery_id: str) -> Row[Any]:
    row = tx.one(select(deliveries).where(deliveries.c.id == delivery_id))
    if row is None:
        raise Refused("not_found", "There is no such delivery.")
    return row
