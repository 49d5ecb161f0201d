"""What carriers bring back: stored raw first, a row for all that came at once; applied later, in any order and as often as they like.

A receipt that matches no message is parked and tried again for two days: it may have overtaken the answer that names its message.
One that can't be applied at all is a fault of ours: it is told, and tried again for ever; nobody else's wait for it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import Any, Final

import orjson
from sqlalchemy import BigInteger, Row, Select, Text, UpdateBase, bindparam, or_, select, update

from core import broken, outages, prepared
from core.carriers.contract import Inbound, Inbox, Receipt
from core.runtime import Runtime, Tx
from core.schema import Id, receipt_batches, receipts, replies
from core.sending.apart import PUT_OFF_MS, apart
from core.sending.hearing import PUT_OFF, UNMATCHED, Told, hear

ROW_RECEIPTS: Final = 1_000  # the most in one row: some 100 kB
LOOKED_AT: Final = 200  # rows that wait
BATCH: Final = 5_000
PARKED_MS: Final = 2 * 24 * 3_600_000
FIRST_RETRY_MS: Final = 1_000
LONGEST_RETRY_MS: Final = 600_000
BROKEN: Final = "broken"


def inbox(runtime: Runtime) -> Inbox:
    """Where carriers leave what came in; it returns once that is committed."""

    def left(carrier: str, came: Sequence[Receipt], said: Sequence[Inbound], /) -> None:
        with runtime.begin() as tx:
            store(tx, carrier, came)
            _store_replies(tx, carrier, said)
            if said:
                tx.ring("inbound")
        runtime.fault("after_inbox")

    return left


def store(tx: Tx, carrier: str, came: Sequence[Receipt]) -> None:
    """Keep receipts as they came, to be applied in a moment."""
    parts = [came[start : start + ROW_RECEIPTS] for start in range(0, len(came), ROW_RECEIPTS)]
    rows = [(tx.new_id(), carrier, len(part), _written(part), tx.now) for part in parts]
    tx.insert(receipt_batches, ("id", "carrier", "size", "raw", "received_at"), rows)
    if rows:
        tx.ring("inbound")


def _written(part: Sequence[Receipt]) -> str:
    return orjson.dumps([(r.status, r.code, r.at, r.reference, r.carrier_id) for r in part]).decode()


def _store_replies(tx: Tx, carrier: str, said: Sequence[Inbound]) -> None:
    """The same reply brought twice is one: (carrier, carrier_ref) is unique."""
    for one in said:
        row = {
            "id": tx.new_id(),
            "carrier": carrier,
            "carrier_ref": one.carrier_ref,
            "number": one.number,
            "code": one.code,
        }
        values = row | {"text": one.text, "received_at": tx.now, "opt_out": False}
        tx.execute(
            tx.upsert(replies).values(**values).on_conflict_do_nothing(index_elements=["carrier", "carrier_ref"])
        )


def apply(runtime: Runtime, limit: int = BATCH) -> int:
    """Apply waiting receipts, about `limit` of them, in one transaction; how many were looked at.

    Where one of them can't be applied the others are, and that one is put off.
    """
    try:
        with runtime.begin() as tx:
            return _apply(tx, _waiting(tx, limit), _parked(tx, limit))
    except Exception as error:
        if outages.of(error) is not None:
            raise
        broken.tell("receipts.not_applied_together", error)
    with runtime.begin() as tx:
        batches, parked = [row.id for row in _waiting(tx, limit)], [row.id for row in _parked(tx, limit)]
    done = apart(batches, partial(_apply_batches, runtime), partial(_split, runtime))
    return done + apart(parked, partial(_apply_parked, runtime), partial(_put_off, runtime))


def _apply(tx: Tx, batches: Sequence[Row[Any]], parked: Sequence[Row[Any]]) -> int:
    if not (batches or parked):
        return 0
    came = [list(_read(row)) for row in batches]
    told = [Told(row.carrier, row.status, row.code, row.at, row.reference, row.carrier_id) for row in parked]
    became = iter(hear(tx, [*told, *(one for batch in came for one in batch)]))
    _settle(tx, parked, [next(became) for _ in parked])
    _mark(tx, batches, came, [[next(became) for _ in batch] for batch in came])
    return len(parked) + sum(map(len, came))


def _apply_batches(runtime: Runtime, ids: Sequence[str]) -> int:
    with runtime.begin() as tx:
        return _apply(tx, _locked(tx, ids), [])


def _apply_parked(runtime: Runtime, ids: Sequence[str]) -> int:
    mine = select(receipts).where(receipts.c.applied_at.is_(None))
    with runtime.begin() as tx:
        these = mine.where(tx.among(receipts.c.id, ids)).order_by(receipts.c.due_at, receipts.c.id)
        return _apply(tx, [], tx.all(these.with_for_update(skip_locked=True)))


def _split(runtime: Runtime, batch_id: str, error: Exception) -> int:
    """A batch that can't be applied becomes one of each of its receipts, and these are; one that can't be divided is put off."""
    with runtime.begin() as tx:
        split = [part for row in _locked(tx, [batch_id]) for part in _divided(tx, row)]
    if split:
        return apart(split, partial(_apply_batches, runtime), partial(_split, runtime))
    broken.tell("receipts.put_off", error, receipt_batch_id=batch_id)
    with runtime.begin() as tx:
        this = update(_kept).where(_kept.c.id == batch_id, _kept.c.applied_at.is_(None))
        return tx.execute(this.values(retry_at=tx.now + PUT_OFF_MS))


def _divided(tx: Tx, row: Row[Any]) -> list[str]:
    """The ids of the batches that a batch became; none where it is of one receipt, or can't be read."""
    try:
        parts = [orjson.dumps([one]).decode() for one in orjson.loads(row.raw)]
    except (TypeError, ValueError):
        return []
    if len(parts) < 2:
        return []
    ids = tx.new_ids(len(parts))
    columns, common = ("id", "raw"), {"carrier": row.carrier, "size": 1, "received_at": row.received_at}
    tx.insert(receipt_batches, columns, list(zip(ids, parts, strict=True)), common)
    became = {"applied_at": tx.now, "outcome": orjson.dumps({"split": len(parts)}).decode()}
    tx.execute(update(_kept).where(_kept.c.id == row.id).values(**became))
    return ids


def _put_off(runtime: Runtime, receipt_id: str, error: Exception) -> int:
    broken.tell("receipts.put_off", error, receipt_id=receipt_id)
    with runtime.begin() as tx:
        this = update(receipts).where(receipts.c.id == receipt_id, receipts.c.applied_at.is_(None))
        return tx.execute(this.values(outcome=BROKEN, due_at=tx.now + PUT_OFF_MS))


def _waiting(tx: Tx, limit: int) -> Sequence[Row[Any]]:
    """Rows of receipts that nobody else is at, locked: the first of them, up to `limit` receipts, one row at least."""
    for ids in _portions(tx.all(_OPEN, {"now": tx.now}), limit):
        if locked := _locked(tx, ids):
            return locked
    return []


def _locked(tx: Tx, ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Those of these that wait, and that nobody else is at."""
    return tx.all(_locking(tx.postgresql), {"ids": prepared.listed(tx, ids)})


_kept = receipt_batches
_OPEN: Final = (
    select(_kept.c.id, _kept.c.size)
    .where(
        _kept.c.applied_at.is_(None),
        or_(_kept.c.retry_at.is_(None), _kept.c.retry_at <= bindparam("now", type_=BigInteger())),
    )
    .order_by(_kept.c.id)
    .limit(LOOKED_AT)
)


@cache
def _locking(postgresql: bool) -> Select[Any]:
    mine = prepared.among(_kept.c.id, "ids", Id, postgresql=postgresql)
    return (
        select(_kept).where(mine, _kept.c.applied_at.is_(None)).order_by(_kept.c.id).with_for_update(skip_locked=True)
    )


def _portions(rows: Sequence[Row[Any]], limit: int) -> Iterator[list[str]]:
    portion: list[str] = []
    together = 0
    for row in rows:
        if portion and together + row.size > limit:
            yield portion
            portion, together = [], 0
        portion.append(row.id)
        together += row.size
    if portion:
        yield portion


def _read(row: Row[Any]) -> Iterator[Told]:
    return (Told(row.carrier, *values) for values in orjson.loads(row.raw))


def _parked(tx: Tx, limit: int) -> Sequence[Row[Any]]:
    return tx.all(_DUE, {"now": tx.now, "most": limit})


_DUE: Final = (
    select(receipts)
    .where(receipts.c.applied_at.is_(None), receipts.c.due_at <= bindparam("now", type_=BigInteger()))
    .order_by(receipts.c.due_at, receipts.c.id)
    .limit(bindparam("most", type_=BigInteger()))
    .with_for_update(skip_locked=True)
)


def _mark(tx: Tx, batches: Sequence[Row[Any]], came: Sequence[Sequence[Told]], became: Sequence[Sequence[str]]) -> None:
    """These rows were applied; what matched nothing is parked, and so is what has to wait."""
    if not batches:
        return
    strays = [
        (tx.new_id(), *one, row.received_at, _again_at(tx.now, row.received_at, outcome), outcome)
        for row, batch, outcomes in zip(batches, came, became, strict=True)
        for one, outcome in zip(batch, outcomes, strict=True)
        if outcome in {UNMATCHED, PUT_OFF}
    ]
    tx.insert(receipts, ("id", *Told.__annotations__, "received_at", "due_at", "outcome"), strays)
    counts = [(row.id, orjson.dumps(Counter(outcomes)).decode()) for row, outcomes in zip(batches, became, strict=True)]
    tx.connection.execute(_marking(tx.postgresql), prepared.rows(tx, "marked", _MARKED, counts) | {"now": tx.now})


_MARKED: Final[prepared.Columns] = {"id": Id, "outcome": Text}


@cache
def _marking(postgresql: bool) -> UpdateBase:
    marked = prepared.table("marked", _MARKED, postgresql=postgresql)
    values = {"applied_at": bindparam("now", type_=BigInteger()), "outcome": marked.c.outcome}
    return update(receipt_batches).where(receipt_batches.c.id == marked.c.id).values(**values)


def _again_at(now: int, received_at: int, outcome: str) -> int:
    """When to try again: a little later each time, and soon what waits for somebody."""
    if outcome == PUT_OFF:
        return now + FIRST_RETRY_MS
    return now + min(max(now - received_at, FIRST_RETRY_MS), LONGEST_RETRY_MS)


def _settle(tx: Tx, waiting: Sequence[Row[Any]], became: Sequence[str]) -> None:
    """Mark those that found their message now, and those whose time is over."""
    if not waiting:
        return
    lines = []
    for receipt, outcome in zip(waiting, became, strict=True):
        parked = outcome == PUT_OFF or (outcome == UNMATCHED and tx.now - receipt.received_at < PARKED_MS)
        due = _again_at(tx.now, receipt.received_at, outcome) if parked else receipt.due_at
        lines.append((receipt.id, outcome, due, None if parked else tx.now))
    columns = {"id": Id, "outcome": Text, "due_at": BigInteger, "applied_at": BigInteger}
    settled = tx.values("settled", columns, lines)
    values = {"outcome": settled.c.outcome, "due_at": settled.c.due_at, "applied_at": settled.c.applied_at}
    tx.execute(update(receipts).where(receipts.c.id == settled.c.id).values(**values))
