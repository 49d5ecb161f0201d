"""A database that was brought back from a backup: it does not know what was sent since, so sending waits for an operator.

How that is noticed on PostgreSQL: `core.witness`. An SQLite file is told by its place on the disk, and by a mark that is left beside it:
the newest rows it had. What was queued is then looked up at carriers that can tell by our reference, as if its window had died in
flight; for the others an operator decides.
"""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import Table, func, select, update

from core.runtime import Runtime, Tx
from core.schema import campaigns, chunks, messages, origin, pauses, windows
from core.sending import chunks as queue
from core.sending import steps
from core.sending.windows import change, retire, to_unknown

REASON: Final = "restored"
ADVICE: Final = (
    "another or an older database than before: nothing is sent until `smshub db restored` and `smshub resume`"
)
RECENT_MS: Final = 24 * 3_600_000  # windows are forgotten after two days: an older mark of theirs proves nothing

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a restored hub stands: since when, what waits by carrier, what is being looked up, and campaigns that wait for a word."""

    since: int
    queued: Mapping[str, int]
    unknown: int
    campaigns: tuple[str, ...]


def check_file(tx: Tx, database: Path, mark: Path) -> bool:
    """Whether the SQLite file is another one than this hub worked on last, or an older state of it; then the hub is paused."""
    place = database.stat()
    seen = f"{place.st_dev}:{place.st_ino}"
    known = tx.scalar(select(origin.c.identity))
    if known is None:
        tx.execute(origin.insert().values(one=1, identity=seen, since=tx.now))
        return False
    if known == seen and not _is_behind(tx, _read(mark)):
        return False
    tx.execute(update(origin).values(identity=seen, since=tx.now))
    under_way = (campaigns.c.status == "expanding") | (
        (campaigns.c.status == "scheduled") & (campaigns.c.send_at <= tx.now)
    )
    begun = [row.id for row in tx.all(select(campaigns.c.id).where(under_way))]
    for kind, subject in [("hub", ""), *(("campaign", id_) for id_ in begun)]:
        row = {"kind": kind, "subject": subject, "reason": REASON, "created_at": tx.now}
        paused = tx.upsert(pauses).values(**row)
        again = {"reason": REASON, "created_at": tx.now}
        tx.execute(paused.on_conflict_do_update(index_elements=["kind", "subject"], set_=again))
    log.error("database.restored", advice=ADVICE)
    return True


def leave_mark(tx: Tx, mark: Path) -> None:
    """Write down the newest rows there are, beside the file: a file that is brought back later has older ones."""
    newest = {"message": _newest(tx, messages), "window": _newest(tx, windows)}
    fresh = mark.with_suffix(".new")
    fresh.write_text(json.dumps(newest | {"at": tx.now}))
    fresh.rename(mark)


def _read(mark: Path) -> Mapping[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        read: Mapping[str, Any] = json.loads(mark.read_text())
        return read
    return {}


def _is_behind(tx: Tx, mark: Mapping[str, Any]) -> bool:
    recent = int(mark.get("at", 0)) > tx.now - RECENT_MS
    if recent and str(mark.get("window", "")) > _newest(tx, windows):
        return True
    return str(mark.get("message", "")) > _newest(tx, messages)


def _newest(tx: Tx, table: Table) -> str:
    """The highest id of a table; empty when it has no row."""
    return str(tx.scalar(select(table.c.id).order_by(table.c.id.desc()).limit(1)) or "")


def doubt(runtime: Runtime, *, blind: bool = False) -> int:
    """Treat a chunk that was queued before the restore as a window in flight: its messages are unknown, and looked up; how many.

    Call it until it is 0. `blind`: also where the carrier can't tell; those are settled by receipts, or assumed sent at their deadline.
    """
    with runtime.begin() as tx:
        begins = queue.lease_due(tx, ("start",), REASON)
        if begins is not None:  # it was scheduled for a time since: it may have been sent then
            steps.start(tx, begins)
            return 1
        asked = [name for name, carrier in tx.carriers.items() if blind or carrier.traits.looks_up]
        waiting = select(chunks).where(
            chunks.c.status == "ready",
            chunks.c.step == "send",
            chunks.c.carrier.in_(asked),
            chunks.c.created_at < select(origin.c.since).scalar_subquery(),
        )
        chunk = tx.one(waiting.order_by(chunks.c.due_at).limit(1).with_for_update(skip_locked=True))
        if chunk is None:
            return 0
        mine = select(messages).where(messages.c.chunk_id == chunk.id).order_by(messages.c.id).with_for_update()
        change(tx, tx.all(mine.where(messages.c.status == "queued")), "sending")
        rows = tx.all(mine.where(messages.c.status == "sending"))
        tx.execute(
            update(messages)
            .where(tx.among(messages.c.id, [row.id for row in rows]))
            .values(attempt=messages.c.attempt + 1)
        )
        # As many together as a carrier is asked about at once: those it can't tell of hold up no others, which come in their turn.
        for start in range(0, len(rows), steps.LOOKUP_SIZE):
            to_unknown(tx, chunk, rows[start : start + steps.LOOKUP_SIZE], REASON)
        retire(tx, chunk)
    return len(rows) or 1


def standing(tx: Tx) -> Standing | None:
    """How things stand after a restore; None where sending does not wait for that."""
    paused = tx.one(select(pauses).where(pauses.c.kind == "hub", pauses.c.reason == REASON))
    if paused is None:
        return None
    waiting = (
        select(messages.c.carrier, func.count().label("waiting"))
        .join(chunks, chunks.c.id == messages.c.chunk_id)
        .where(chunks.c.status == "ready", chunks.c.step == "send", messages.c.status == "queued")
    )
    asked = (
        select(func.count())
        .select_from(messages)
        .join(chunks, chunks.c.id == messages.c.chunk_id)
        .where(chunks.c.status == "ready", chunks.c.step == "lookup", messages.c.status == "unknown")
    )
    begun = select(pauses.c.subject).where(pauses.c.kind == "campaign", pauses.c.reason == REASON)
    return Standing(
        since=paused.created_at,
        queued={str(row.carrier): int(row.waiting) for row in tx.all(waiting.group_by(messages.c.carrier))},
        unknown=int(tx.scalar(asked)),
        campaigns=tuple(row.subject for row in tx.all(begun.order_by(pauses.c.subject))),
    )
