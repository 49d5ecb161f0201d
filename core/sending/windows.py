"""Windows: what one lane has in flight. Claimed in one transaction, recorded in another, the network between them.

Transaction A takes a chunk and moves a window of its messages to `sending`, rechecking the blacklist, validity, hours and pauses: a
STOP binds every window claimed after it commits. Transaction B records answers `where attempt = ?`, so that whoever comes late
with an old attempt changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import starmap
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Row, Text, UpdateBase, bindparam, func, select, update

from core.blacklist.screening import screen_many
from core.carriers.contract import Attempt, Traits
from core.credits import ledger
from core.runtime import Runtime, Tx
from core.schema import Id, chunks, messages, windows
from core.sending import chunks as queue
from core.sending import moves
from core.sending.folding import fold
from core.sending.heads import Heads, next_chunk
from core.sending.hours import opens_at
from core.sending.moves import Batch, Kind, Line, Move
from core.sending.submit import OPTED_OUT
from core.sending.terms import MINUTE_MS
from core.text.compose import MOST_SEGMENTS

QUIET_HOURS: Final = "quiet_hours"
LEASE_MARGIN_MS: Final = 10_000  # above lanes.SUBMIT_WITHIN_MS: who is held up for longer than that sends no more
GRACE_MARGIN_MS: Final = 2_000
UNHEARD_MS: Final = 24 * 3_600_000  # after its validity a message that its carrier should have reported is given up
HELD_MS: Final = 250  # until a message that somebody holds is tried again
SYSTEM: Final = "system"
FIRST: Final = "00000000-0000-0000-0000-000000000000"  # before every id


class Taken(NamedTuple):
    """What the way to a carrier needs of a message: columns of its row, as they are once it was claimed."""

    id: str
    number: int
    country: str
    sender: str
    purpose: str
    text: str
    encoding: str
    segments: int
    millicredits: int
    status_detail: str | None
    source: str
    expires_at: int
    attempt: int


COLUMNS: Final = [messages.c[name] for name in Taken.__annotations__]


@dataclass(frozen=True, slots=True)
class Window:
    """Messages claimed for one carrier by `owner`; all of one chunk. Empty when the chunk had nothing to send just now.

    `lines`: what is counted of each message, by its id; `all`: of all of them. `more`: whether the chunk may hold others that are queued.
    """

    id: str
    chunk_id: str
    account_id: str
    carrier: str
    owner: str
    attempts: tuple[Attempt, ...]
    campaign_id: str | None = None
    lines: Mapping[str, Line] = field(default_factory=dict)
    all: Counter[Line] = field(default_factory=Counter)
    more: bool = True

    @property
    def segments(self) -> int:
        return sum(attempt.segments for attempt in self.attempts)

    def batch(
        self, ids: Sequence[str], lines: Counter[Line], before: str, after: str, code: str | None = None
    ) -> Batch:
        """The move of these messages of it, which are so many of each line."""
        kind = Kind(self.account_id, self.campaign_id, before, after, None, code)
        return Batch(kind, ids, lines, self._numbers(ids) if after == "failed_permanent" else ())

    def sum(self, ids: Sequence[str]) -> Counter[Line]:
        """How many of each line these messages of it are."""
        return self.all if len(ids) == len(self.lines) else Counter(map(self.lines.__getitem__, ids))

    def _numbers(self, ids: Iterable[str]) -> Sequence[int]:
        number_of = {attempt.reference: attempt.number for attempt in self.attempts}
        return [number_of[id_] for id_ in ids]


def claim(
    runtime: Runtime, carrier: str, owner: str, size: int, served: Mapping[str, int], heads: Heads | None = None
) -> Window | None:
    """The next window for a lane of this carrier, of at most `size` segments; None when nothing is due.

    otp goes before notification before marketing; within a purpose, the account least served (segments, by account id) first.
    Raises ledger.InUseError: nothing was claimed, since credits that another transaction has would change.
    """
    with runtime.begin() as tx:
        traits = runtime.carriers[carrier].traits
        heads = heads or Heads()
        chunk = next_chunk(tx, carrier, served, heads)
        if chunk is None:
            return None
        limit = min(size, traits.window)
        if chunk.campaign_status == "cancelled":
            _take_back(tx, chunk, limit)
            tx.ring("dispatch")
            return _window(tx, chunk, carrier, owner, ())
        taken, more = _take(tx, chunk, limit, size, heads)
        window = _window(tx, chunk, carrier, owner, _screen(tx, chunk, taken), more=more)
        if window.attempts:
            _open(tx, window, traits)
        elif more:
            tx.ring("dispatch")
        else:
            retire(tx, chunk)
    return window


def _take_back(tx: Tx, chunk: Row[Any], limit: int) -> None:
    """A campaign was called off; then its messages are too, whoever comes first: this claim or the job that takes them back."""
    mine = select(messages).where(messages.c.chunk_id == chunk.id, messages.c.status == "queued")
    rows = tx.all(mine.order_by(messages.c.id).limit(limit).with_for_update(skip_locked=True))
    ledger.take(tx, chunk.account_id)
    change(tx, rows, "cancelled")
    if len(rows) < limit:
        retire(tx, chunk)


def _take(tx: Tx, chunk: Row[Any], limit: int, segments: int, heads: Heads) -> tuple[list[Taken], bool]:
    """Move the next messages of a chunk to `sending`: as many as fit, one at least. And whether there may be more.

    A chunk is taken in the order of ids, so what the last window left behind it need not be walked again, but for the end.
    """
    after = heads.reached.get(chunk.id, FIRST)
    taken = _taken(tx, chunk, limit, segments, after)
    more = _filled(taken, limit, segments)
    if not more and after != FIRST:
        taken += _taken(tx, chunk, limit - len(taken), segments - sum(row.segments for row in taken), FIRST)
        more = _filled(taken, limit, segments)
    left = segments - sum(row.segments for row in taken)
    if taken and (folded := fold(tx, chunk, min(limit - len(taken), left), max(row.id for row in taken))):
        joined = _taken(tx, chunk, folded, left, FIRST)
        heads.reach(chunk.id, None)  # what came in may have any id
        return sorted([*taken, *joined]), len(joined) < folded
    heads.reach(chunk.id, taken[-1].id if more else None)
    return sorted(taken), more


def _filled(taken: Sequence[Taken], limit: int, segments: int) -> bool:
    """Whether they are as many as were asked for, so that there may be others."""
    if not taken:
        return False
    return len(taken) == limit or segments - sum(row.segments for row in taken) < MOST_SEGMENTS


def _taken(tx: Tx, chunk: Row[Any], limit: int, segments: int, after: str) -> list[Taken]:
    given = {"chunk": chunk.id, "most": limit, "room": segments, "now": tx.now, "to": chunk.carrier, "after": after}
    return sorted(starmap(Taken, tx.tuples(_TAKING, given)))


def _taking() -> UpdateBase:
    queued = (
        messages.c.chunk_id == bindparam("chunk", type_=Id()),
        messages.c.id > bindparam("after", type_=Id()),
        messages.c.status == "queued",
    )
    most, room = bindparam("most", type_=BigInteger()), bindparam("room", type_=BigInteger())
    # Who is being called off, and waits for its ledger, is passed over: nobody else waits for that.
    free = select(messages.c.id, messages.c.segments).where(*queued).order_by(messages.c.id).limit(most)
    first = free.with_for_update(skip_locked=True).subquery()
    upto = func.sum(first.c.segments).over(order_by=first.c.id, rows=(None, 0)).label("upto")
    summed = select(first.c.id, first.c.segments, upto).subquery()
    fitting = (summed.c.upto <= room) | (summed.c.upto == summed.c.segments)
    going = select(summed.c.id).where(fitting).cte("going")
    values = {
        "status": "sending",
        "attempt": messages.c.attempt + 1,
        "status_at": bindparam("now", type_=BigInteger()),
        "carrier": bindparam("to", type_=Text()),
    }
    taken = update(messages).where(messages.c.id == going.c.id, messages.c.status == "queued").values(**values)
    return taken.returning(*COLUMNS)


_TAKING: Final = _taking()


def _window(tx: Tx, chunk: Row[Any], carrier: str, owner: str, rows: Sequence[Taken], *, more: bool = True) -> Window:
    lines = {row.id: Line(row.country, row.purpose, row.segments, row.millicredits) for row in rows}
    return Window(
        id=tx.new_id(),
        chunk_id=chunk.id,
        account_id=chunk.account_id,
        carrier=carrier,
        owner=owner,
        attempts=tuple([_attempt(tx.now, row) for row in rows]),
        campaign_id=chunk.campaign_id,
        lines=lines,
        all=Counter(lines.values()),
        more=more,
    )


def _screen(tx: Tx, chunk: Row[Any], rows: Sequence[Taken]) -> Sequence[Taken]:
    """Those that may go now. The others are settled here: opted out, past their validity, or outside the hours."""
    if not rows:
        return rows
    stopped = {number for _, number in screen_many(tx, [(chunk.account_id, row.number) for row in rows])}
    opens = _opening(tx, rows)
    if not stopped and opens is None and min(row.expires_at for row in rows) > tx.now:
        going = rows
    else:
        going = list(_sorted_out(tx, chunk, rows, stopped, opens or {}))
    if quiet := [row.id for row in going if row.status_detail == QUIET_HOURS]:
        tx.execute(update(messages).where(tx.among(messages.c.id, quiet)).values(status_detail=None))
    return going


def _sorted_out(
    tx: Tx, chunk: Row[Any], rows: Sequence[Taken], stopped: set[int], opens: Mapping[str, int]
) -> Iterator[Taken]:
    blocked: list[Taken] = []
    late: list[Taken] = []
    waiting: dict[int, list[Taken]] = defaultdict(list)
    for row in rows:
        opening = opens.get(row.country, tx.now) if row.purpose == "marketing" else tx.now
        if row.number in stopped and row.purpose != "otp" and row.source != SYSTEM:
            blocked.append(row)
        elif row.expires_at <= tx.now:
            late.append(row)
        elif opening > tx.now:
            waiting[opening].append(row)
        else:
            yield row
    _settle(tx, chunk, blocked, "blacklisted", OPTED_OUT)
    _settle(tx, chunk, late, "expired", "validity")
    for opening, held in waiting.items():
        later = queue.like(tx, chunk, step="send", due_at=opening, expires_at=min(row.expires_at for row in held))
        _put_back(tx, held, status="queued", chunk_id=later, status_detail=QUIET_HOURS)


def _opening(tx: Tx, rows: Sequence[Taken]) -> Mapping[str, int] | None:
    """When the hours of each country open, of those that are closed; None where all are open."""
    if tx.rules.hours is None:
        return None
    countries = {row.country for row in rows if row.purpose == "marketing"}
    opens = {country: opens_at(tx.rules.hours, country, tx.now) for country in countries}
    return {country: at for country, at in opens.items() if at > tx.now} or None


def _settle(tx: Tx, chunk: Row[Any], rows: Sequence[Taken], status: str, detail: str) -> None:
    if not rows:
        return
    ledger.take(tx, chunk.account_id)
    _put_back(tx, rows, status=status, status_detail=detail, status_at=tx.now)
    lines = Counter(Line(row.country, row.purpose, row.segments, row.millicredits) for row in rows)
    kind = Kind(chunk.account_id, chunk.campaign_id, "queued", status, detail)
    moves.follow_batches(tx, [Batch(kind, [row.id for row in rows], lines)], tx.new_id())


def _put_back(tx: Tx, rows: Sequence[Taken], **values: Any) -> None:
    """They were taken and may not go: this was no attempt."""
    these = update(messages).where(tx.among(messages.c.id, [row.id for row in rows]))
    tx.execute(these.values(attempt=messages.c.attempt - 1, **values))


def _attempt(now: int, row: Taken) -> Attempt:
    return Attempt(
        row.id,
        row.number,
        row.sender,
        row.text,
        row.encoding,
        row.segments,
        max(1, (row.expires_at - now) // MINUTE_MS),
        row.attempt,
    )


def _open(tx: Tx, window: Window, traits: Traits) -> None:
    columns = ("id", "chunk_id", "carrier", "owner", "size", "claimed_at", "lease_until")
    size, lease = len(window.attempts), tx.now + _lease_ms(traits)
    with tx.pipelined():
        tx.insert(windows, columns, [(window.id, window.chunk_id, window.carrier, window.owner, size, tx.now, lease)])
        # Held until the window is closed, by its answers or by the sweep that finds it abandoned.
        tx.connection.execute(_HOLDING, {"chunk": window.chunk_id, "by": window.owner})
    ids = list(window.lines)
    moves.follow_batches(tx, [window.batch(ids, window.sum(ids), "queued", "sending")], window.id)


_HOLDING: Final = (
    update(chunks)
    .where(chunks.c.id == bindparam("chunk", type_=Id()))
    .values(owner=bindparam("by", type_=Text()), lease_until=queue.NEVER)
)


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
    moves.follow(tx, put_in_doubt(tx, chunk, rows, code), tx.new_id())


def put_in_doubt(tx: Tx, chunk: Any, rows: Sequence[Row[Any]], code: str) -> list[Move]:
    """The same; whoever asks for it has to follow these moves."""
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
    return [moves.of(row, "unknown", code=code) for row in rows]


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
    """A chunk with nothing left to send: it waits for receipts where they are promised, and is done where not.

    One that has something left after all is free again in a moment: somebody held its message, perhaps to call it off.
    """
    mine = messages.c.chunk_id == chunk.id
    if tx.one(select(messages.c.id).where(mine, messages.c.status == "queued").limit(1)) is not None:
        tx.execute(
            update(chunks).where(chunks.c.id == chunk.id).values(owner=None, lease_until=0, due_at=tx.now + HELD_MS)
        )
        return
    unheard = (messages.c.chunk_id == chunk.id) & (messages.c.status == "sent")
    last = tx.scalar(select(func.max(messages.c.expires_at)).where(unheard))
    waits = last is not None and _promises_receipts(tx, chunk.carrier)
    following = {"step": "expire", "due_at": last + UNHEARD_MS} if waits else {"status": "done"}
    tx.execute(update(chunks).where(chunks.c.id == chunk.id).values(owner=None, lease_until=0, **following))


def _promises_receipts(tx: Tx, carrier: str) -> bool:
    """A carrier that was taken away promises nothing any more."""
    return carrier in tx.carriers and tx.carriers[carrier].traits.promises_receipts
