"""What happens to messages when their time comes: scheduled ones start, unknown ones are looked up, unheard ones expire.

Each is a chunk whose `step` says which; they are polled together by their one time, `due_at`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, Text, func, select, update

from core import broken
from core.blacklist import entries as blacklist
from core.carriers.contract import Found, Lookup, NotFound
from core.runtime import Runtime, Tx
from core.schema import Id, chunks, messages, windows
from core.sending import carrier_ids, moves
from core.sending import chunks as queue
from core.sending.answers import requeue
from core.sending.routing import Router
from core.sending.submit import OPTED_OUT, affordable
from core.sending.windows import abandon, change, retire

OWN: Final = ("start", "expire")  # what asks nobody
ASKING: Final = ("lookup",)
STEPS: Final = (*OWN, *ASKING)
LOOKUP_SIZE: Final = 500
FIRST_WAIT_MS: Final = 1_000
LONGEST_WAIT_MS: Final = 600_000
SWEPT: Final = 20  # in one call of a sweep
OTP_DEADLINE_MS: Final = 120_000  # a password is of no use later
SENT_AGAIN: Final = "sent_again"
ASSUMED_SENT: Final = "assumed_sent"
PAGE: Final = 5_000


def take(runtime: Runtime, owner: str) -> bool:
    """Do one due step, whatever it is; False when there is none."""
    return _take(runtime, lambda tx: queue.lease_due(tx, STEPS, owner), owner)


def take_own(runtime: Runtime, owner: str) -> bool:
    """The same, of those that ask no carrier: nobody's network holds them up."""

    def lease(tx: Tx) -> Row[Any] | None:
        return queue.lease_due(tx, OWN, owner) or queue.lease_due(tx, ASKING, owner, carriers=queue.gone(tx))

    return _take(runtime, lease, owner)


def ask(runtime: Runtime, owner: str, carrier: str) -> bool:
    """The same, of look-ups at this carrier: one that hangs holds up its own alone."""
    return _take(runtime, lambda tx: queue.lease_due(tx, ASKING, owner, carriers=[carrier]), owner)


def _take(runtime: Runtime, lease: Callable[[Tx], Row[Any] | None], owner: str) -> bool:
    with runtime.begin() as tx:
        chunk = lease(tx)
        if chunk is None:
            return False
        if chunk.step == "start":
            start(tx, chunk)
        elif chunk.step == "expire":
            expire(tx, chunk)
        else:
            settle_overdue(tx, chunk)
    if chunk.step == "lookup":
        look_up(runtime, chunk, owner)
    return True


def start(tx: Tx, chunk: Row[Any]) -> None:
    """Scheduled messages begin: the blacklist decides again, credits are held now, carriers are chosen now."""
    mine = select(messages).where(messages.c.chunk_id == chunk.id, messages.c.status == "scheduled")
    rows = tx.all(mine.order_by(messages.c.id).with_for_update())
    stopped = blacklist.screen(tx, blacklist.scopes_of(tx, chunk.account_id), [row.number for row in rows])
    blocked = [row for row in rows if row.number in stopped and row.purpose != "otp"]
    change(tx, blocked, "blacklisted", detail=OPTED_OUT)
    free = [row for row in rows if row.number not in stopped or row.purpose == "otp"]
    paid = affordable(tx, chunk.account_id, free, queueing=True)
    change(tx, [row for row in free if row.id not in paid], "no_credit")
    router = Router(tx)
    heaps: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in free:
        if row.id in paid:
            heaps[router.pick(row.country, row.purpose)].append(row)
    for carrier, heap in heaps.items():
        expires_at = min(row.expires_at for row in heap)
        going = queue.create(
            tx,
            account_id=chunk.account_id,
            carrier=carrier,
            purpose=chunk.purpose,
            due_at=tx.now,
            expires_at=expires_at,
            created_at=chunk.created_at,  # what a backup knew of is told from what came after it
        )
        values = {"status": "queued", "status_at": tx.now, "chunk_id": going, "carrier": carrier}
        tx.execute(update(messages).where(tx.among(messages.c.id, [row.id for row in heap])).values(**values))
        moves.follow(tx, [moves.of(row, "queued") for row in heap], tx.new_id())
    tx.execute(update(chunks).where(chunks.c.id == chunk.id).values(status="done", owner=None, lease_until=0))


def expire(tx: Tx, chunk: Row[Any], page: int = PAGE) -> None:
    """Messages that their carrier took and never spoke of again: it promised receipts, and their time is over."""
    unheard = select(messages).where(messages.c.chunk_id == chunk.id, messages.c.status == "sent")
    rows = tx.all(unheard.order_by(messages.c.id).limit(page).with_for_update())
    change(tx, rows, "expired", detail="no_receipt")
    done = {} if len(rows) == page else {"status": "done"}
    tx.execute(update(chunks).where(chunks.c.id == chunk.id).values(owner=None, lease_until=0, **done))


def settle_overdue(tx: Tx, chunk: Row[Any]) -> None:
    """Unknown messages at their deadline: assumed sent, and a one-time password is sent again, once."""
    rows = _unknown(tx, chunk.id)
    over = [row for row in rows if deadline(row) <= tx.now]
    again = [
        row for row in over if row.purpose == "otp" and row.status_detail != SENT_AGAIN and row.expires_at > tx.now
    ]
    if again:
        fresh = queue.like(tx, chunk, step="send", due_at=tx.now, expires_at=min(row.expires_at for row in again))
        requeue(tx, again, fresh, SENT_AGAIN)
    resent = {row.id for row in again}
    assumed = [row for row in over if row.id not in resent]
    change(tx, assumed, "sent", detail=ASSUMED_SENT)
    values = {"charged": True, "sent_at": func.coalesce(messages.c.sent_at, messages.c.status_at)}
    tx.execute(update(messages).where(tx.among(messages.c.id, [row.id for row in assumed])).values(**values))


def deadline(row: Any) -> int:
    """When an unknown message is settled by policy (ms)."""
    return min(row.status_at + OTP_DEADLINE_MS, row.expires_at) if row.purpose == "otp" else int(row.expires_at)


def look_up(runtime: Runtime, chunk: Row[Any], owner: str) -> None:
    """Ask the carrier what became of the unknown ones; ask again later for those it could not tell."""
    with runtime.read() as tx:
        asked = [row.id for row in _unknown(tx, chunk.id, lock=False)]
    told = _ask(runtime, chunk.carrier, asked)
    with runtime.begin() as tx:
        rows = _unknown(tx, chunk.id)
        _found(tx, [row for row in rows if isinstance(told.get(row.id), Found)], told)
        never = [row for row in rows if isinstance(told.get(row.id), NotFound)]
        if never:
            fresh = queue.like(tx, chunk, step="send", due_at=tx.now, expires_at=min(row.expires_at for row in never))
            requeue(tx, never, fresh)
        _wait_on(tx, chunk, [row for row in rows if row.id not in told], owner)


def _ask(runtime: Runtime, name: str, asked: Sequence[str]) -> Mapping[str, Lookup]:
    """What the carrier tells; nothing where it can't be asked just now, or was taken away."""
    carrier = runtime.carriers.get(name)
    if not asked or carrier is None or not carrier.traits.looks_up:
        return {}
    try:
        return carrier.lookup(asked)
    except Exception as error:  # noqa: BLE001 - whatever it is
        broken.tell("carrier.lookup_broke", error, carrier=name)
        return {}


def _found(tx: Tx, rows: Sequence[Row[Any]], told: Any) -> None:
    if not rows:
        return
    lines = [(row.id, _carrier_id(told[row.id])) for row in rows]
    found = tx.values("found", {"id": Id, "carrier_id": Text}, lines)
    values = {
        "status": "sent",
        "status_at": tx.now,
        "charged": True,
        "sent_at": func.coalesce(messages.c.sent_at, tx.now),
        "carrier_id": func.coalesce(found.c.carrier_id, messages.c.carrier_id),
    }
    tx.execute(update(messages).where(messages.c.id == found.c.id).values(**values))
    carrier_ids.remember(tx, rows[0].carrier, lines)
    moves.follow(tx, [moves.of(row, "sent") for row in rows], tx.new_id())


def _carrier_id(answer: Lookup) -> str | None:
    return answer.carrier_id if isinstance(answer, Found) else None


def _wait_on(tx: Tx, chunk: Row[Any], left: Sequence[Row[Any]], owner: str) -> None:
    """The chunk comes back for those still unknown; without any, it waits for receipts like every chunk that was sent."""
    if not left:
        if _unknown(tx, chunk.id, lock=False):
            queue.release(tx, chunk.id, owner, due_at=tx.now + 1)  # only some can be asked about at once
        else:
            retire(tx, chunk)
        return
    first = min(deadline(row) for row in left)
    again = tx.now + min(max(tx.now - chunk.created_at, FIRST_WAIT_MS), LONGEST_WAIT_MS)
    queue.release(tx, chunk.id, owner, due_at=max(min(first, again), tx.now + 1))


def _unknown(tx: Tx, chunk_id: str, *, lock: bool = True) -> Sequence[Row[Any]]:
    mine = (
        select(messages).where(messages.c.chunk_id == chunk_id, messages.c.status == "unknown").order_by(messages.c.id)
    )
    limited = mine.limit(LOOKUP_SIZE)
    return tx.all(limited.with_for_update() if lock else limited)


def sweep_abandoned(runtime: Runtime, *, everyone: bool = False) -> int:
    """Windows left open by processes that died: all whose lease is over, or all there are (`everyone`: nobody else can be alive).

    Each in a transaction of its own: messages are locked in the order of their ids, and two windows do not keep to one.
    """
    return sum(_each(lambda: _abandon_one(runtime, everyone=everyone)))


def _each(sweep: Callable[[], int | None]) -> Iterator[int]:
    """What a sweep did, time after time, until it finds nothing more; a call does not last for ever."""
    for _ in range(SWEPT):
        done = sweep()
        if done is None:
            return
        yield done


def _abandon_one(runtime: Runtime, *, everyone: bool) -> int | None:
    with runtime.begin() as tx:
        left = select(windows).where(windows.c.closed_at.is_(None))
        over = left if everyone else left.where(windows.c.lease_until <= tx.now)
        window = tx.one(over.order_by(windows.c.lease_until).limit(1).with_for_update(skip_locked=True))
        if window is None:
            return None
        abandon(tx, window)
    return 1


def sweep_overdue(runtime: Runtime) -> int:
    """Queued messages past their validity, where nothing is claimed (a pause, a carrier that is gone); how many.

    A chunk a transaction: each has an account of its own, whose ledger rows it locks.
    """
    return sum(_each(lambda: _expire_queued(runtime)))


def _expire_queued(runtime: Runtime) -> int | None:
    with runtime.begin() as tx:
        ready = (chunks.c.status == "ready", chunks.c.step == "send", chunks.c.lease_until <= tx.now)
        stale = select(chunks).where(*ready, chunks.c.expires_at <= tx.now).order_by(chunks.c.id).limit(1)
        chunk = tx.one(stale.with_for_update(skip_locked=True))
        if chunk is None:
            return None
        mine = (messages.c.chunk_id == chunk.id, messages.c.status == "queued")
        rows = tx.all(
            select(messages).where(*mine, messages.c.expires_at <= tx.now).order_by(messages.c.id).with_for_update()
        )
        change(tx, rows, "expired", detail="validity")
        following = tx.scalar(select(func.min(messages.c.expires_at)).where(*mine))
        if following is None:
            retire(tx, chunk)
        else:
            tx.execute(update(chunks).where(chunks.c.id == chunk.id).values(expires_at=following))
    return len(rows)
