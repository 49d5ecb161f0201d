"""What is waiting to be done, counted for whoever watches over the hub. Every count walks a partial index of open work only."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Table, func, select

from core.runtime import Tx
from core.schema import chunks, jobs, outbox, receipt_batches, receipts, replies
from core.sending.receipts import BROKEN


def counts(tx: Tx) -> Mapping[str, int]:
    """How much is due and not done, by kind of work. `put_off`: receipts and replies that could not be applied, by a fault of ours."""
    batches, parked, said = (table.c.applied_at.is_(None) for table in (receipt_batches, receipts, replies))
    due = {
        "chunks": _count(tx, chunks, (chunks.c.status == "ready") & (chunks.c.due_at <= tx.now)),
        "receipt_batches": _count(tx, receipt_batches, batches),
        "receipts": _count(tx, receipts, parked & (receipts.c.due_at <= tx.now)),
        "replies": _count(tx, replies, said),
        "jobs": _count(tx, jobs, jobs.c.done_at.is_(None) & (jobs.c.due_at <= tx.now)),
        "outbox": _count(tx, outbox, outbox.c.relayed_at.is_(None)),
    }
    put_off = (
        (receipt_batches, batches & receipt_batches.c.retry_at.is_not(None)),
        (receipts, parked & (receipts.c.outcome == BROKEN)),
        (replies, said & replies.c.retry_at.is_not(None)),
    )
    return due | {"put_off": sum(_count(tx, table, open_) for table, open_ in put_off)}


def _count(tx: Tx, table: Table, open_: ColumnElement[bool]) -> int:
    return int(tx.scalar(select(func.count()).select_from(table).where(open_)))
