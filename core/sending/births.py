"""Messages of a campaign are written a page at a time: what they have in common is said once, and what follows is drawn from sums."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row

from core.copying import Rows
from core.runtime import Tx
from core.schema import messages
from core.sending import chunks as queue
from core.sending import moves
from core.sending.moves import Batch, Line
from core.sending.pages import Composed, Kind
from core.sending.terms import MINUTE_MS, Terms


@dataclass(frozen=True, slots=True)
class Heap:
    """Messages that differ in nothing but their id, number and text; `carrier` is None where none of them will be sent."""

    kind: Kind
    status: str
    detail: str | None
    carrier: str | None
    rows: Rows


def named(tx: Tx, page: Composed) -> Composed:
    """The page with ids for its messages; where there is COPY, what differs between them is drawn for it."""
    ids = tx.new_ids(page.count)
    kinds: dict[Kind, Rows] = {}
    start = 0
    for kind, rows in page.kinds.items():
        begun = Rows({"id": ids[start : start + len(rows)], **rows.columns})
        kinds[kind] = begun.draw() if tx.postgresql else begun
        start += len(rows)
    return replace(page, kinds=kinds)


def write(tx: Tx, row: Row[Any], terms: Terms, heaps: Sequence[Heap]) -> None:
    """The messages of a page of campaign `row`, in chunks that nobody claims yet, with their holds, counters and events."""
    common = _common(tx, row, terms)
    parts, carriers = _cut(heaps)
    chunk_ids = queue.create_alike(tx, carriers, _of_chunks(tx, row, terms, common["expires_at"]))
    tx.insert_alike(
        messages,
        [
            (heap.rows, common | _of_kind(heap) | {"chunk_id": None if chunk is None else chunk_ids[chunk]})
            for chunk, heap in parts
        ],
    )
    ref = tx.new_id()
    moves.follow_batches(tx, [_batch(row, terms, heap) for _, heap in parts if heap.status != "queued"], f"{ref}:final")
    moves.follow_batches(
        tx, [_batch(row, terms, heap) for _, heap in parts if heap.status == "queued"], ref, quiet=True
    )


def _cut(heaps: Iterable[Heap]) -> tuple[list[tuple[int | None, Heap]], list[str]]:
    """The heaps, cut where a chunk of their carrier is full, each with its chunk; and the carrier of each chunk.

    What is not queued is in none.
    """
    parts: list[tuple[int | None, Heap]] = []
    carriers: list[str] = []
    last: dict[str, tuple[int, int]] = {}  # the newest chunk of a carrier, and the room in it
    for heap in heaps:
        if heap.carrier is None:
            parts.append((None, heap))
            continue
        start = 0
        while start < len(heap.rows):
            chunk, room = last.get(heap.carrier, (0, 0))
            if not room:
                chunk, room = len(carriers), queue.SIZE
                carriers.append(heap.carrier)
            part = heap.rows.part(start, start + room)
            parts.append((chunk, replace(heap, rows=part)))
            start += len(part)
            last[heap.carrier] = chunk, room - len(part)
    return parts, carriers


def _of_chunks(tx: Tx, row: Row[Any], terms: Terms, expires_at: int) -> dict[str, Any]:
    """What all chunks of a page have in common."""
    return {
        "account_id": row.account_id,
        "campaign_id": row.id,
        "purpose": terms.purpose,
        "step": "send",
        "status": "building",
        "due_at": tx.now,
        "expires_at": expires_at,
        "created_at": tx.now,
    }


def _common(tx: Tx, row: Row[Any], terms: Terms) -> dict[str, Any]:
    """What all messages of a page have in common."""
    return {
        "account_id": row.account_id,
        "campaign_id": row.id,
        "sender": row.sender,
        "purpose": row.purpose,
        "reference": row.reference,
        "source": row.source,
        "status_at": tx.now,
        "send_at": row.send_at,
        "created_at": tx.now,
        "expires_at": (row.started_at or tx.now) + row.validity_minutes * MINUTE_MS,
        "mention": terms.mention,
        "charged": False,
        "attempt": 0,
    }


def _of_kind(heap: Heap) -> dict[str, Any]:
    return {
        "country": heap.kind.country,
        "encoding": heap.kind.size.encoding,
        "segments": heap.kind.size.segments,
        "millicredits": heap.kind.millicredits,
        "substitutions": ",".join(heap.kind.size.substitutions) or None,
        "status": heap.status,
        "status_detail": heap.detail,
        "carrier": heap.carrier,
    }


def _batch(row: Row[Any], terms: Terms, heap: Heap) -> Batch:
    """Their births, summed."""
    kind = moves.Kind(row.account_id, row.id, None, heap.status, heap.detail)
    line = Line(heap.kind.country, terms.purpose, heap.kind.size.segments, heap.kind.millicredits)
    return Batch(kind, heap.rows.columns["id"], Counter({line: len(heap.rows)}))
