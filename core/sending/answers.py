"""What a carrier answered, recorded: transaction B of a window.

Every write is fenced by the attempt number: an answer to an attempt that is not the latest changes nothing. The answer of a
message whose receipt came first still leaves its carrier id and time of sending.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Boolean, Row, Text, func, select, update

from core.carriers.contract import Accepted, Ambiguous, Busy, Outcome, Rejected
from core.runtime import Runtime, Tx
from core.schema import Id, chunks, messages, windows
from core.sending import chunks as queue
from core.sending import moves
from core.sending.message import IN_DOUBT, may_become
from core.sending.windows import Window, renew, retire, to_unknown


def record(runtime: Runtime, window: Window, outcomes: Sequence[Outcome]) -> bool:
    """Write some of a window's answers. Whether the window is still its sender's: if not, no more of it may leave."""
    with runtime.begin() as tx:
        mine = renew(tx, window)
        attempt_of = {attempt.reference: attempt.attempt for attempt in window.attempts}
        by_id = {outcome.reference: outcome for outcome in outcomes if outcome.reference in attempt_of}
        chunk = tx.one(select(chunks).where(chunks.c.id == window.chunk_id))
        locked = (
            select(messages).where(tx.among(messages.c.id, sorted(by_id))).order_by(messages.c.id).with_for_update()
        )
        rows = [row for row in tx.all(locked) if row.attempt == attempt_of[row.id]]
        _accepted(tx, [row for row in rows if isinstance(by_id[row.id], Accepted)], by_id)
        _rejected(tx, [row for row in rows if isinstance(by_id[row.id], Rejected)], by_id)
        _busy(tx, chunk, [row for row in rows if row.status in IN_DOUBT], by_id)
        _ambiguous(tx, chunk, [row for row in rows if row.status == "sending"], by_id)
    runtime.fault("after_record")
    return mine


def close(runtime: Runtime, window: Window) -> None:
    """All answers are in: the chunk may be claimed again. A message left without an answer is unknown."""
    with runtime.begin() as tx:
        chunk = tx.one(select(chunks).where(chunks.c.id == window.chunk_id))
        open_ = (windows.c.id == window.id) & windows.c.closed_at.is_(None)
        if not tx.execute(update(windows).where(open_).values(closed_at=tx.now)):
            return  # the sweep took it for abandoned
        left = select(messages).where(messages.c.chunk_id == window.chunk_id, messages.c.status == "sending")
        rows = tx.all(left.order_by(messages.c.id).with_for_update())
        if chunk is not None and rows:
            to_unknown(tx, chunk, rows, "no_answer")
        queue.release(tx, window.chunk_id, window.owner)
        more = (
            select(messages.c.id).where(messages.c.chunk_id == window.chunk_id, messages.c.status == "queued").limit(1)
        )
        if tx.one(more) is None:
            retire(tx, chunk)
        else:
            tx.ring("dispatch")


def _accepted(tx: Tx, rows: Sequence[Row[Any]], by_id: Mapping[str, Outcome]) -> None:
    """The carrier has them. One whose receipt came first keeps its status; one that was taken back meanwhile is not with it."""
    had = [row for row in rows if row.charged or may_become(row.status, "sent")]
    if not had:
        return
    lines, moved = [], []
    for row in had:
        answer = by_id[row.id]
        carrier_id = answer.carrier_id if isinstance(answer, Accepted) else None
        settles = may_become(row.status, "sent")
        lines.append((row.id, "sent" if settles else row.status, carrier_id, row.charged or settles))
        if settles:
            moved.append(moves.of(row, "sent"))
    answered = tx.values("answered", {"id": Id, "status": Text, "carrier_id": Text, "charged": Boolean}, lines)
    values = {
        "status": answered.c.status,
        "carrier_id": func.coalesce(answered.c.carrier_id, messages.c.carrier_id),
        "charged": answered.c.charged,
        "sent_at": func.coalesce(messages.c.sent_at, tx.now),
    }
    tx.execute(update(messages).where(messages.c.id == answered.c.id).values(**values))
    now_sent = [move.message_id for move in moved]
    tx.execute(update(messages).where(tx.among(messages.c.id, now_sent)).values(status_at=tx.now))
    moves.follow(tx, moved, tx.new_id())


def _rejected(tx: Tx, rows: Sequence[Row[Any]], by_id: Mapping[str, Outcome]) -> None:
    going = [row for row in rows if may_become(row.status, "rejected")]
    if not going:
        return
    codes = {row.id: answer.code for row in going if isinstance(answer := by_id[row.id], Rejected)}
    refused = tx.values("refused", {"id": Id, "code": Text}, list(codes.items()))
    values = {"status": "rejected", "status_at": tx.now, "carrier_code": refused.c.code}
    tx.execute(update(messages).where(messages.c.id == refused.c.id).values(**values))
    moves.follow(tx, [moves.of(row, "rejected", code=codes[row.id]) for row in going], tx.new_id())


def _busy(tx: Tx, chunk: Any, rows: Sequence[Row[Any]], by_id: Mapping[str, Outcome]) -> None:
    """Definitely not taken: queued again, in a chunk that is due when the carrier asked for it."""
    later: dict[int, list[Row[Any]]] = defaultdict(list)
    for row, answer in ((row, by_id[row.id]) for row in rows):
        if isinstance(answer, Busy):
            later[max(1, answer.retry_after_ms)].append(row)
    for wait_ms, group in later.items():
        again = queue.like(
            tx, chunk, step="send", due_at=tx.now + wait_ms, expires_at=min(row.expires_at for row in group)
        )
        requeue(tx, group, again)


def requeue(tx: Tx, rows: Sequence[Row[Any]], chunk_id: str, detail: str | None = None) -> None:
    """Back to `queued`, in another chunk: only for messages that the carrier certainly does not have."""
    values: dict[str, Any] = {"status": "queued", "status_at": tx.now, "chunk_id": chunk_id}
    if detail is not None:
        values["status_detail"] = detail
    tx.execute(update(messages).where(tx.among(messages.c.id, [row.id for row in rows])).values(**values))
    moves.follow(tx, [moves.of(row, "queued", detail=detail) for row in rows], tx.new_id())


def _ambiguous(tx: Tx, chunk: Any, rows: Sequence[Row[Any]], by_id: Mapping[str, Outcome]) -> None:
    by_code: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        answer = by_id[row.id]
        if isinstance(answer, Ambiguous):
            by_code[answer.code].append(row)
    for code, group in by_code.items():
        to_unknown(tx, chunk, group, code)
