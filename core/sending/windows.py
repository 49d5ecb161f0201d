"""Windows: what one lane has in flight. Claimed in one transaction, recorded in another, the network between them.

Transaction A takes a chunk and moves a window of its messages to `sending`, rechecking the blacklist, validity, hours and pauses: a
STOP binds every window claimed after it commits. Transaction B records answers `where attempt = ?`, so that whoever comes late
with an old attempt changes nothing.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, func, select, update

from core.blacklist import entries as blacklist
from core.carriers.contract import Attempt, Traits
from core.runtime import Runtime, Tx
from core.schema import campaigns, chunks, messages, windows
from core.sending import chunks as queue
from core.sending import moves
from core.sending.hours import opens_at
from core.sending.submit import OPTED_OUT
from core.sending.terms import MINUTE_MS

RANK: Final = {"otp": 0, "notification": 1, "marketing": 2}
QUIET_HOURS: Final = "quiet_hours"
LEASE_MARGIN_MS: Final = 30_000
GRACE_MARGIN_MS: Final = 2_000
UNHEARD_MS: Final = 24 * 3_600_000  # after its validity a message that its carrier should have reported is given up
SYSTEM: Final = "system"


@dataclass(frozen=True, slots=True)
class Window:
    """Messages claimed for one carrier by `owner`; all of one chunk. Empty when the chunk had nothing to send just now."""

    id: str
    chunk_id: str
    account_id: str
    carrier: str
    owner: str
    attempts: tuple[Attempt, ...]

    @property
    def segments(self) -> int:
        return sum(attempt.segments for attempt in self.attempts)


def claim(runtime: Runtime, carrier: str, owner: str, size: int, served: dict[str, int]) -> Window | None:
    """The next window for a lane of this carrier, of at most `size` segments; None when nothing is due.

    otp goes before notification before marketing; within a purpose, the account least served (segments, by account id) first.
    """
    with runtime.begin() as tx:
        traits = runtime.carriers[carrier].traits
        chunk = _next_chunk(tx, carrier, served)
        if chunk is None:
            return None
        rows = _queued(tx, chunk.id, min(size, traits.window))
        going = [] if _cancelled(tx, chunk, rows) else _screen(tx, chunk, rows)
        going = _within(going, size)
        window = Window(
            tx.new_id(), chunk.id, chunk.account_id, carrier, owner, tuple(_attempt(tx, row) for row in going)
        )
        _send(tx, window, going, traits)
        left = len(going) < len(rows) or len(rows) == min(size, traits.window)
        if not going and not left:
            retire(tx, chunk)
        elif going:
            # Held until the window is closed, by its answers or by the sweep that finds it abandoned.
            tx.execute(update(chunks).where(chunks.c.id == chunk.id).values(owner=owner, lease_until=queue.NEVER))
        else:
            tx.ring("dispatch")
    return window


def _next_chunk(tx: Tx, carrier: str, served: dict[str, int]) -> Row[Any] | None:
    paused = queue.Pauses(tx)
    if paused.hub or paused.carrier(carrier):
        return None
    ready = (
        chunks.c.status == "ready",
        chunks.c.step == "send",
        chunks.c.carrier == carrier,
        chunks.c.due_at <= tx.now,
        chunks.c.lease_until <= tx.now,
        *paused.allows(),
    )
    waiting = select(chunks.c.account_id, chunks.c.purpose, func.min(chunks.c.due_at).label("since"))
    heads = tx.all(waiting.where(*ready).group_by(chunks.c.account_id, chunks.c.purpose))
    for head in sorted(heads, key=lambda head: (RANK[head.purpose], served.get(head.account_id, 0), head.since)):
        theirs = select(chunks).where(*ready, chunks.c.account_id == head.account_id, chunks.c.purpose == head.purpose)
        oldest = theirs.order_by(chunks.c.due_at, chunks.c.id).limit(1).with_for_update(skip_locked=True)
        if (row := tx.one(oldest)) is not None:
            return row
    return None


def _queued(tx: Tx, chunk_id: str, limit: int) -> Sequence[Row[Any]]:
    mine = select(messages).where(messages.c.chunk_id == chunk_id, messages.c.status == "queued")
    return tx.all(mine.order_by(messages.c.id).limit(limit).with_for_update())


def _cancelled(tx: Tx, chunk: Row[Any], rows: Sequence[Row[Any]]) -> bool:
    """Whether its campaign was called off; then its messages are too, whoever comes first: this claim or the job that takes them back."""
    if chunk.campaign_id is None:
        return False
    status = tx.scalar(select(campaigns.c.status).where(campaigns.c.id == chunk.campaign_id))
    if status == "cancelled":
        change(tx, rows, "cancelled")
    return bool(status == "cancelled")


def _screen(tx: Tx, chunk: Row[Any], rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Those that may go now. The others are settled here: opted out, past their validity, or outside the hours."""
    if not rows:
        return []
    stopped = blacklist.screen(tx, blacklist.scopes_of(tx, chunk.account_id), [row.number for row in rows])
    going: list[Row[Any]] = []
    blocked: list[Row[Any]] = []
    late: list[Row[Any]] = []
    waiting: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        opens = _opens_at(tx, row)
        if row.number in stopped and row.purpose != "otp" and row.source != SYSTEM:
            blocked.append(row)
        elif row.expires_at <= tx.now:
            late.append(row)
        elif opens > tx.now:
            waiting[opens].append(row)
        else:
            going.append(row)
    change(tx, blocked, "blacklisted", detail=OPTED_OUT)
    change(tx, late, "expired", detail="validity")
    for opens, held in waiting.items():
        later = queue.like(tx, chunk, step="send", due_at=opens, expires_at=min(row.expires_at for row in held))
        ids = [row.id for row in held]
        tx.execute(
            update(messages).where(tx.among(messages.c.id, ids)).values(chunk_id=later, status_detail=QUIET_HOURS)
        )
    return going


def _opens_at(tx: Tx, row: Row[Any]) -> int:
    if tx.rules.hours is None or row.purpose != "marketing":
        return tx.now
    return opens_at(tx.rules.hours, row.country, tx.now)


def _within(rows: list[Row[Any]], segments: int) -> list[Row[Any]]:
    """As many from the front as fit, one at least."""
    total = 0
    fitting: list[Row[Any]] = []
    for row in rows:
        total += row.segments
        if fitting and total > segments:
            break
        fitting.append(row)
    return fitting


def _attempt(tx: Tx, row: Row[Any]) -> Attempt:
    return Attempt(
        reference=row.id,
        number=row.number,
        sender=row.sender,
        text=row.text,
        encoding=row.encoding,
        segments=row.segments,
        validity_minutes=max(1, (row.expires_at - tx.now) // MINUTE_MS),
        attempt=row.attempt + 1,
    )


def _send(tx: Tx, window: Window, rows: Sequence[Row[Any]], traits: Traits) -> None:
    if not rows:
        return
    values = {"status": "sending", "attempt": messages.c.attempt + 1, "status_at": tx.now, "carrier": window.carrier}
    ids = [row.id for row in rows]
    tx.execute(update(messages).where(tx.among(messages.c.id, ids)).values(**values))
    quiet = [row.id for row in rows if row.status_detail == QUIET_HOURS]
    if quiet:
        tx.execute(update(messages).where(tx.among(messages.c.id, quiet)).values(status_detail=None))
    columns = ("id", "chunk_id", "carrier", "owner", "size", "claimed_at", "lease_until")
    lease = tx.now + _lease_ms(traits)
    tx.insert(windows, columns, [(window.id, window.chunk_id, window.carrier, window.owner, len(rows), tx.now, lease)])
    moves.follow(tx, [moves.of(row, "sending") for row in rows], window.id)


def abandon(tx: Tx, window: Row[Any]) -> None:
    """A window whose process died: nobody knows which of its messages the carrier has. They are `unknown`, and looked up."""
    chunk = tx.one(select(chunks).where(chunks.c.id == window.chunk_id))
    left = select(messages).where(messages.c.chunk_id == window.chunk_id, messages.c.status == "sending")
    rows = tx.all(left.order_by(messages.c.id).with_for_update())
    if chunk is not None and rows:
        to_unknown(tx, chunk, rows, "abandoned")
    tx.execute(update(windows).where(windows.c.id == window.id).values(closed_at=tx.now))
    queue.release(tx, window.chunk_id, window.owner)


def to_unknown(tx: Tx, chunk: Any, rows: Sequence[Row[Any]], code: str) -> None:
    """Rows that may or may not have reached the carrier move to a chunk that finds out, after the grace delay."""
    asks = queue.like(
        tx,
        chunk,
        step="lookup",
        due_at=tx.now + _grace_ms(tx, chunk.carrier),
        expires_at=min(row.expires_at for row in rows),
    )
    ids = [row.id for row in rows]
    values = {"status": "unknown", "status_at": tx.now, "carrier_code": code, "chunk_id": asks}
    tx.execute(update(messages).where(tx.among(messages.c.id, ids)).values(**values))
    moves.follow(tx, [moves.of(row, "unknown", code=code) for row in rows], tx.new_id())


def _grace_ms(tx: Tx, carrier: str) -> int:
    """How long to wait before asking what became of a message: until no submit of it can still be under way."""
    timeout = tx.carriers[carrier].traits.submit_timeout_ms if carrier in tx.carriers else 0
    return timeout + GRACE_MARGIN_MS


def renew(tx: Tx, window: Window) -> bool:
    """Keep an open window while its answers come in; False when the sweep took it for abandoned, and its messages may be anywhere."""
    lease = tx.now + _lease_ms(tx.carriers[window.carrier].traits)
    mine = (windows.c.id == window.id) & windows.c.closed_at.is_(None)
    return tx.execute(update(windows).where(mine).values(lease_until=lease)) == 1


def _lease_ms(traits: Traits) -> int:
    return traits.submit_timeout_ms + LEASE_MARGIN_MS


def change(tx: Tx, rows: Sequence[Row[Any]], status: str, *, detail: str | None = None) -> None:
    """Move rows that this transaction has locked to one status, with all that follows."""
    if not rows:
        return
    values: dict[str, Any] = {"status": status, "status_at": tx.now}
    if detail is not None:
        values["status_detail"] = detail
    moved = [moves.of(row, status, detail=detail) for row in rows]
    tx.execute(update(messages).where(tx.among(messages.c.id, [row.id for row in rows])).values(**values))
    moves.follow(tx, moved, tx.new_id())


def retire(tx: Tx, chunk: Any) -> None:
    """A chunk with nothing left to send: it waits for receipts where they are promised, and is done where not."""
    unheard = (messages.c.chunk_id == chunk.id) & (messages.c.status == "sent")
    last = tx.scalar(select(func.max(messages.c.expires_at)).where(unheard))
    waits = last is not None and _promises_receipts(tx, chunk.carrier)
    following = {"step": "expire", "due_at": last + UNHEARD_MS} if waits else {"status": "done"}
    tx.execute(update(chunks).where(chunks.c.id == chunk.id).values(owner=None, lease_until=0, **following))


def _promises_receipts(tx: Tx, carrier: str) -> bool:
    """A carrier that was taken away promises nothing any more."""
    return carrier in tx.carriers and tx.carriers[carrier].traits.promises_receipts
