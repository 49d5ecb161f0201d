"""Batches: what waits for a hook that wants arrays is put together when it is posted for the first time, and stays so ever after.

Until then it lies as it came, in rows of up to 500 events each: a row that grew with every event would be written again and again.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Row, delete, select, update

from core import Tx
from hub.hooks.tables import deliveries

BATCH_EVENTS: Final = 500
BATCH_BYTES: Final = 4_000_000  # well-known receivers take 5 MB; one event alone is posted whatever its size
BATCH_LINGER_MS: Final = 1000  # how long a batch that is not full waits for company


def due(tx: Tx, size: int) -> int:
    """When a new batch of so many events is to be posted."""
    return tx.now if size >= BATCH_EVENTS else tx.now + BATCH_LINGER_MS


def pieces(written: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Events that were written each, in portions that may be one post, in order."""
    while written:
        count = sum(1 for _ in _within(map(len, written[:BATCH_EVENTS]), BATCH_BYTES)) or 1
        yield written[:count]
        written = written[count:]


def body_of(written: Sequence[bytes]) -> str:
    """The body of events that were written each."""
    return f"[{b','.join(written).decode()}]"


def gathered(tx: Tx, first: Row[Any]) -> str:
    """The body of a delivery that is about to be posted, with the events of its type that wait beside it taken in, up to 500.

    The caller has locked its row. One that was attempted, or is no batch, is as it was: a repeat is the same, byte for byte.
    """
    body: str = first.body
    if first.attempt or first.size >= BATCH_EVENTS or first.webhook_id != first.id:
        return body
    company = list(_fitting(_company(tx, first), BATCH_EVENTS - first.size))
    if not company:
        return body
    ids = [row.id for row in company]
    bodies = dict(tx.tuples(select(deliveries.c.id, deliveries.c.body).where(tx.among(deliveries.c.id, ids))))
    lengths = (len(bodies[id_].encode()) for id_ in ids)
    company = company[: sum(1 for _ in _within(lengths, BATCH_BYTES - len(body.encode())))]
    ids = [row.id for row in company]
    if not ids:
        return body
    body = f"[{','.join([body[1:-1], *(bodies[id_][1:-1] for id_ in ids)])}]"
    size = first.size + sum(row.size for row in company)
    tx.execute(update(deliveries).where(deliveries.c.id == first.id).values(body=body, size=size))
    tx.execute(delete(deliveries).where(tx.among(deliveries.c.id, ids)))
    return body


def _company(tx: Tx, first: Row[Any]) -> Sequence[Row[Any]]:
    never = (deliveries.c.attempt == 0) & (deliveries.c.webhook_id == deliveries.c.id)
    beside = (deliveries.c.hook_id == first.hook_id) & (deliveries.c.type == first.type) & (deliveries.c.id != first.id)
    wanted = select(deliveries.c.id, deliveries.c.size).where(deliveries.c.due_at.is_not(None), beside, never)
    oldest = wanted.order_by(deliveries.c.due_at, deliveries.c.id).limit(BATCH_EVENTS - first.size)
    return tx.all(oldest.with_for_update(skip_locked=True))


def _fitting(rows: Sequence[Row[Any]], room: int) -> Iterator[Row[Any]]:
    """Those that fit whole, up to the first that does not."""
    return (row for row, _ in zip(rows, _within((row.size for row in rows), room), strict=False))


def _within(sizes: Iterable[int], room: int) -> Iterator[int]:
    """Sizes that fit into a room together, up to the first that does not."""
    for size in sizes:
        room -= size
        if room < 0:
            return
        yield size
