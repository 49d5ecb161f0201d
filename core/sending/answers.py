"""What a carrier answered, recorded: transaction B of a window.

Every write is fenced by the attempt number: an answer to an attempt that is not the latest changes nothing. The answer of a
message whose receipt came first still leaves its carrier id and time of sending.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeVar

from sqlalchemy import BigInteger, Boolean, Row, Text, UpdateBase, bindparam, case, func, select, update
from sqlalchemy.exc import OperationalError

from core import prepared
from core.carriers.contract import Accepted, Ambiguous, Busy, Known, Outcome, Receipt, Rejected
from core.database import deadlocked
from core.runtime import Runtime, Tx
from core.schema import Id, chunks, messages, windows
from core.sending import carrier_ids, moves, receipts
from core.sending import chunks as queue
from core.sending.hearing import Course, Step, course
from core.sending.message import IN_DOUBT, RANK, may_become
from core.sending.moves import Batch, Move
from core.sending.windows import Window, put_in_doubt, renew, retire, to_unknown

Done = TypeVar("Done")
BUSY_STEP_MS: Final = 100  # those that are to be tried again within the same moment wait in one chunk


def record(
    runtime: Runtime, window: Window, outcomes: Sequence[Outcome], *, last: bool = False, wait_ms: int | None = None
) -> bool:
    """Write some of a window's answers. Whether the window is still its sender's: if not, no more of it may leave.

    last: all its answers are in; it is closed with them. wait_ms: for how long rows are waited for that others have, if not as long as
    usual; then it raises.
    """
    attempt_of = {attempt.reference: attempt.attempt for attempt in window.attempts}
    by_id = {outcome.reference: outcome for outcome in outcomes if outcome.reference in attempt_of}
    mine, left = _twice(lambda: _most(runtime, window, by_id, attempt_of, last=last, wait_ms=wait_ms))
    if left:  # in a transaction of its own: messages are locked in the order of their ids
        mine = _twice(lambda: _rest(runtime, window, left, by_id, attempt_of, last=last, wait_ms=wait_ms))
    runtime.fault("after_record")
    return mine


def _twice(write: Callable[[], Done]) -> Done:
    """Once more where PostgreSQL ended it for somebody else's sake: what a carrier answered is not to be lost for that."""
    try:
        return write()
    except OperationalError as error:
        if not deadlocked(error):
            raise
        return write()


@contextmanager
def _begun(runtime: Runtime, wait_ms: int | None) -> Iterator[Tx]:
    with runtime.begin() as tx:
        if wait_ms is not None:
            tx.wait_at_most(wait_ms)
        yield tx


def _most(
    runtime: Runtime,
    window: Window,
    by_id: Mapping[str, Outcome],
    attempt_of: Mapping[str, int],
    *,
    last: bool,
    wait_ms: int | None,
) -> tuple[bool, list[str]]:
    """What nearly all answers are. Whether the window is still ours, and the messages that are to be looked at more closely.

    The window's row is locked before any message, as by whoever finds it abandoned.
    """
    whole = last and all(isinstance(answer, Accepted) for answer in by_id.values())
    with _begun(runtime, wait_ms) as tx:
        mine = _shut(tx, window) if whole else renew(tx, window)
        left = sorted(by_id.keys() - _sent(tx, window, by_id, attempt_of))
        if whole and mine:
            _open_again(tx, window) if left else _free(tx, window)
    return mine, left


def _rest(
    runtime: Runtime,
    window: Window,
    left: Sequence[str],
    by_id: Mapping[str, Outcome],
    attempt_of: Mapping[str, int],
    *,
    last: bool,
    wait_ms: int | None,
) -> bool:
    with _begun(runtime, wait_ms) as tx:
        mine = renew(tx, window)
        _look_closer(tx, window, left, by_id, attempt_of)
        receipts.store(tx, window.carrier, [told for id_ in left for told in _told(by_id[id_])])
        return _end(tx, window) if last else mine


def _told(answer: Outcome) -> Iterator[Receipt]:
    """The receipts that came with it, as if they had come by themselves: they go their own way."""
    if isinstance(answer, Accepted):
        for known in answer.receipts:
            yield Receipt(*known, answer.reference, answer.carrier_id)


def close(runtime: Runtime, window: Window, *, wait_ms: int | None = None) -> None:
    """No more answers will come: the chunk may be claimed again. A message left without an answer is unknown."""
    with _begun(runtime, wait_ms) as tx:
        if not _shut(tx, window):
            return  # the sweep took it for abandoned
        left = select(messages).where(messages.c.chunk_id == window.chunk_id, messages.c.status == "sending")
        rows = tx.all(left.order_by(messages.c.id).with_for_update())
        if rows:
            to_unknown(tx, _chunk(tx, window), rows, "no_answer")
        _free(tx, window)


def _end(tx: Tx, window: Window) -> bool:
    """Close a window of which every message has its answer; False when the sweep took it for abandoned."""
    shut = _shut(tx, window)
    if shut:
        _free(tx, window)
    return shut


def _shut(tx: Tx, window: Window) -> bool:
    return tx.execute(_SHUTTING, {"window": window.id, "now": tx.now}) == 1


_SHUTTING: Final = (
    update(windows)
    .where(windows.c.id == bindparam("window", type_=Id()), windows.c.closed_at.is_(None))
    .values(closed_at=bindparam("now", type_=BigInteger()))
)


def _open_again(tx: Tx, window: Window) -> None:
    """It is not over yet: something else happened to some of its messages."""
    tx.execute(update(windows).where(windows.c.id == window.id).values(closed_at=None))
    renew(tx, window)


def _free(tx: Tx, window: Window) -> None:
    """The chunk may be claimed again, unless it has nothing more to send."""
    if window.more:
        queue.release(tx, window.chunk_id, window.owner)
        if tx.carriers[window.carrier].traits.lanes > 1:  # else nobody waits for it: its only lane goes on by itself
            tx.ring("dispatch")
    else:
        retire(tx, _chunk(tx, window))


def _chunk(tx: Tx, window: Window) -> Any:
    return tx.one(select(chunks).where(chunks.c.id == window.chunk_id))


def _sent(tx: Tx, window: Window, by_id: Mapping[str, Outcome], attempt_of: Mapping[str, int]) -> set[str]:
    """Nearly always all: those that were accepted, and are as their claim left them. In one statement; their ids.

    Receipts that came with the answers are applied with them: each step is counted and told, the last status is written.
    """
    accepted = sorted(answer for answer in by_id.values() if isinstance(answer, Accepted))
    if not accepted:
        return set()
    courses: dict[tuple[Known, ...], Course] = {}
    ways = [courses.get(known) or courses.setdefault(known, course(known)) for _, _, known in accepted]
    lines = [
        (id_, attempt_of[id_], carrier_id, way.status, way.code)
        for (id_, carrier_id, _), way in zip(accepted, ways, strict=True)
    ]
    given = prepared.rows(tx, "answered", _ANSWERED, lines) | {"now": tx.now}
    found = {row[0] for row in tx.tuples(_recording(tx.postgresql), given)}
    if found:
        carrier_ids.remember(tx, window.carrier, [(id_, given) for id_, given, _ in accepted if id_ in found])
        sent = [(id_, way) for (id_, _, _), way in zip(accepted, ways, strict=True) if id_ in found]
        moves.follow_batches(tx, _batches(window, sent), tx.new_id())
    return found


def _batches(window: Window, sent: Sequence[tuple[str, Course]]) -> list[Batch]:
    """What became of them, in the order in which it did."""
    steps: dict[Step, list[str]] = {("sending", "sent", None): [id_ for id_, _ in sent]}
    for way, alike in groupby(sent, itemgetter(1)):  # runs of them went one way
        ids = [id_ for id_, _ in alike]
        for step in way.steps:
            steps.setdefault(step, []).extend(ids)
    ranked = sorted(steps.items(), key=lambda item: RANK.get(item[0][1], 0))
    return [window.batch(ids, window.sum(ids), *step) for step, ids in ranked]


_ANSWERED: Final[prepared.Columns] = {
    "id": Id,
    "attempt": BigInteger,
    "carrier_id": Text,
    "status": Text,
    "code": Text,
}


@cache
def _recording(postgresql: bool) -> UpdateBase:
    answered = prepared.table("answered", _ANSWERED, postgresql=postgresql)
    now = bindparam("now", type_=BigInteger())
    values = {
        "status": answered.c.status,
        "carrier_code": case((answered.c.status == "sent", messages.c.carrier_code), else_=answered.c.code),
        "status_at": now,
        "sent_at": func.coalesce(messages.c.sent_at, now),
        "charged": True,
        "carrier_id": func.coalesce(answered.c.carrier_id, messages.c.carrier_id),
    }
    ours = (messages.c.attempt == answered.c.attempt) & (messages.c.status == "sending")
    return update(messages).where(messages.c.id == answered.c.id, ours).values(**values).returning(messages.c.id)


def _look_closer(
    tx: Tx, window: Window, left: Sequence[str], by_id: Mapping[str, Outcome], attempt_of: Mapping[str, int]
) -> None:
    """The others: those that were not accepted, and those that something else happened to meanwhile."""
    locked = select(messages).where(tx.among(messages.c.id, left)).order_by(messages.c.id).with_for_update()
    rows = [row for row in tx.all(locked) if row.attempt == attempt_of[row.id]]
    chunk = _chunk(tx, window)
    moved = [
        *_accepted(tx, [row for row in rows if isinstance(by_id[row.id], Accepted)], by_id),
        *_rejected(tx, [row for row in rows if isinstance(by_id[row.id], Rejected)], by_id),
        *_busy(tx, chunk, [row for row in rows if row.status in IN_DOUBT], by_id),
        *_ambiguous(tx, chunk, [row for row in rows if row.status == "sending"], by_id),
    ]
    moves.follow(tx, moved, tx.new_id())  # together: the ledger's rows are locked once, in their order


def _accepted(tx: Tx, rows: Sequence[Row[Any]], by_id: Mapping[str, Outcome]) -> list[Move]:
    """The carrier has them. One whose receipt came first keeps its status; one that was taken back meanwhile is not with it."""
    had = [row for row in rows if row.charged or may_become(row.status, "sent")]
    if not had:
        return []
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
    carrier_ids.remember(tx, had[0].carrier, [(message_id, given) for message_id, _, given, _ in lines])
    now_sent = [move.message_id for move in moved]
    tx.execute(update(messages).where(tx.among(messages.c.id, now_sent)).values(status_at=tx.now))
    return moved


def _rejected(tx: Tx, rows: Sequence[Row[Any]], by_id: Mapping[str, Outcome]) -> list[Move]:
    going = [row for row in rows if may_become(row.status, "rejected")]
    if not going:
        return []
    codes = {row.id: answer.code for row in going if isinstance(answer := by_id[row.id], Rejected)}
    refused = tx.values("refused", {"id": Id, "code": Text}, list(codes.items()))
    values = {"status": "rejected", "status_at": tx.now, "carrier_code": refused.c.code}
    tx.execute(update(messages).where(messages.c.id == refused.c.id).values(**values))
    return [moves.of(row, "rejected", code=codes[row.id]) for row in going]


def _busy(tx: Tx, chunk: Any, rows: Sequence[Row[Any]], by_id: Mapping[str, Outcome]) -> list[Move]:
    """Definitely not taken: queued again, in a chunk that is due when the carrier asked for it."""
    later: dict[int, list[Row[Any]]] = defaultdict(list)
    for row, answer in ((row, by_id[row.id]) for row in rows):
        if isinstance(answer, Busy):
            due_at = tx.now + max(1, answer.retry_after_ms)
            later[due_at + -due_at % BUSY_STEP_MS].append(row)
    moved: list[Move] = []
    for due_at, group in sorted(later.items()):
        expires_at = min(row.expires_at for row in group)
        again = queue.joined(tx, chunk, len(group), due_at=due_at, expires_at=expires_at)
        moved += _queue(tx, group, again)
    return moved


def requeue(tx: Tx, rows: Sequence[Row[Any]], chunk_id: str, detail: str | None = None) -> None:
    """Back to `queued`, in another chunk: only for messages that the carrier certainly does not have."""
    moves.follow(tx, _queue(tx, rows, chunk_id, detail), tx.new_id())


def _queue(tx: Tx, rows: Sequence[Row[Any]], chunk_id: str, detail: str | None = None) -> list[Move]:
    values: dict[str, Any] = {"status": "queued", "status_at": tx.now, "chunk_id": chunk_id}
    if detail is not None:
        values["status_detail"] = detail
    tx.execute(update(messages).where(tx.among(messages.c.id, [row.id for row in rows])).values(**values))
    return [moves.of(row, "queued", detail=detail) for row in rows]


def _ambiguous(tx: Tx, chunk: Any, rows: Sequence[Row[Any]], by_id: Mapping[str, Outcome]) -> list[Move]:
    by_code: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        answer = by_id[row.id]
        if isinstance(answer, Ambiguous):
            by_code[answer.code].append(row)
    return [move for code, group in by_code.items() for move in put_in_doubt(tx, chunk, group, code)]
