"""What is waiting to be done, counted for whoever watches over the hub. Every count walks a partial index of open work only."""

from collections.abc import Mapping

from sqlalchemy import func, select

from core.runtime import Tx
from core.schema import chunks, jobs, outbox, receipt_batches, receipts, replies


def counts(tx: Tx) -> Mapping[str, int]:
    """How much is due and not done, by kind of work."""
    due = {
        "chunks": (chunks.c.status == "ready") & (chunks.c.due_at <= tx.now),
        "receipt_batches": receipt_batches.c.applied_at.is_(None),
        "receipts": receipts.c.applied_at.is_(None) & (receipts.c.due_at <= tx.now),
        "replies": replies.c.applied_at.is_(None),
        "jobs": jobs.c.done_at.is_(None) & (jobs.c.due_at <= tx.now),
        "outbox": outbox.c.relayed_at.is_(None),
    }
    tables = {
        "chunks": chunks,
        "receipt_batches": receipt_batches,
        "receipts": receipts,
        "replies": replies,
        "jobs": jobs,
        "outbox": outbox,
    }
    return {
        name: int(tx.scalar(select(func.count()).select_from(tables[name]).where(open_))) for name, open_ in due.items()
    }
