"""What follows when messages change status, in the transaction that changed them: money, counters, events, the address book.

Whoever moves messages says from what to what; the consequences are drawn here and nowhere else, so they can't be forgotten. Messages
of one account and campaign that move alike are one `Batch`: a window of 500 is one value, not 500.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from core import events
from core.audience.archive import archive_numbers
from core.credits import ledger
from core.database import COPY_FROM_ROWS
from core.runtime import Tx
from core.schema import campaign_counts, send_counts
from core.sending.message import CHARGED, money, owed

HOUR_MS: Final = 3_600_000
SENDS: Final = ("id", "account_id", "hour", "country", "purpose", "messages", "segments", "millicredits")


class Kind(NamedTuple):
    """What messages that move alike have in common; `before` is None at their birth."""

    account_id: str
    campaign_id: str | None
    before: str | None
    after: str
    detail: str | None = None
    code: str | None = None


class Line(NamedTuple):
    """What is counted of a message."""

    country: str
    purpose: str
    segments: int
    millicredits: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages that move alike: their ids in order, how many there are of each line, and the numbers of those that failed for good."""

    kind: Kind
    ids: Sequence[str]
    lines: Counter[Line]
    numbers: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """One message's change of status; `before` is None at its birth."""

    message_id: str
    account_id: str
    campaign_id: str | None
    number: int
    country: str
    purpose: str
    segments: int
    millicredits: int
    before: str | None
    after: str
    detail: str | None = None
    code: str | None = None


def of(row: Any, after: str, *, detail: str | None = None, code: str | None = None, before: str | None = None) -> Move:
    """The move of a message row to `after`, from the status it was read with."""
    return _move(row, before or row.status, after, detail, code)


def born(message: Any) -> Move:
    """The birth of a message, in the status it was written with."""
    return _move(message, None, message.status, message.status_detail, None)


def _move(row: Any, before: str | None, after: str, detail: str | None, code: str | None) -> Move:
    return Move(
        row.id,
        row.account_id,
        row.campaign_id,
        row.number,
        row.country,
        row.purpose,
        row.segments,
        row.millicredits,
        before,
        after,
        detail,
        code,
    )


def follow(tx: Tx, moves: Sequence[Move], ref: str, *, quiet: bool = False) -> None:
    """Draw the consequences of these moves; `ref` names the batch and is used once. Raises `not_enough_credits` for holds.

    quiet: no events (births of queued messages: the caller has the answer already).
    """
    heaps: dict[Kind, list[Move]] = defaultdict(list)
    for move in moves:
        kind = Kind(move.account_id, move.campaign_id, move.before, move.after, move.detail, move.code)
        heaps[kind].append(move)
    follow_batches(tx, [_batch(kind, heap) for kind, heap in heaps.items()], ref, quiet=quiet)


def _batch(kind: Kind, heap: Sequence[Move]) -> Batch:
    lines = Counter(Line(move.country, move.purpose, move.segments, move.millicredits) for move in heap)
    return Batch(kind, [move.message_id for move in heap], lines, [move.number for move in heap])


def follow_batches(tx: Tx, batches: Sequence[Batch], ref: str, *, quiet: bool = False) -> None:
    """The same of batches; the moves of one message are in batches that stand in their order."""
    if not batches:
        return
    _archive(tx, batches)
    counted, sent = _counted(tx, batches), _counted_sent(tx, batches)
    told = [] if quiet else _told(tx, batches)
    few = max(map(len, (counted, sent, told))) < COPY_FROM_ROWS
    with tx.pipelined() if few else nullcontext():
        tx.insert(campaign_counts, ("id", "campaign_id", "status", "country", "messages", "millicredits"), counted)
        tx.insert(send_counts, SENDS, sent)
        events.append(tx, told)
    _pay(tx, batches, ref)  # last: ledger rows are the ones others wait for


def _sums(batches: Iterable[Batch], verb: str) -> dict[str, int]:
    """Millicredits by account of the batches whose money verb it is."""
    by_account: dict[str, int] = defaultdict(int)
    for batch in batches:
        if money(batch.kind.before, batch.kind.after) == verb:
            by_account[batch.kind.account_id] += sum(line.millicredits * count for line, count in batch.lines.items())
    return by_account


def _pay(tx: Tx, batches: Sequence[Batch], ref: str) -> None:
    sums = {verb: _sums(batches, verb) for verb in ledger.PATHS}
    accounts = sorted({account_id for by_account in sums.values() for account_id in by_account})
    ledger.settle(
        tx,
        [
            ledger.Due(verb, account_id, by_account.get(account_id, 0), f"{ref}:{account_id}")
            for account_id in accounts
            for verb, by_account in sums.items()
        ],
    )


def _counted(tx: Tx, batches: Sequence[Batch]) -> list[tuple[Any, ...]]:
    deltas: Counter[tuple[str, str, str]] = Counter()
    prices: Counter[tuple[str, str, str]] = Counter()
    for kind, line, count in ((batch.kind, line, count) for batch in batches for line, count in batch.lines.items()):
        if kind.campaign_id is None:
            continue
        if kind.before is not None:
            deltas[kind.campaign_id, kind.before, line.country] -= count
            prices[kind.campaign_id, kind.before, line.country] -= count * line.millicredits
        key = (kind.campaign_id, kind.after, line.country)
        charged = kind.after in CHARGED and kind.before != "queued"
        deltas[key] += count
        prices[key] += count * owed(kind.after, line.millicredits, charged=charged)
    return [(tx.new_id(), *key, count, prices[key]) for key, count in deltas.items() if count or prices[key]]


def _counted_sent(tx: Tx, batches: Sequence[Batch]) -> list[tuple[Any, ...]]:
    hour = tx.now - tx.now % HOUR_MS
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for batch in batches:
        if money(batch.kind.before, batch.kind.after) != "post":
            continue
        for line, count in batch.lines.items():
            sent = sums[batch.kind.account_id, line.country, line.purpose]
            sent[0] += count
            sent[1] += count * line.segments
            sent[2] += count * line.millicredits
    return [(tx.new_id(), account, hour, country, purpose, *sent) for (account, country, purpose), sent in sums.items()]


def _archive(tx: Tx, batches: Sequence[Batch]) -> None:
    """Numbers that can never be reached leave the address book; they can be restored from there."""
    dead: dict[str, set[int]] = defaultdict(set)
    for batch in batches:
        if batch.kind.after == "failed_permanent":
            dead[batch.kind.account_id].update(batch.numbers)
    for account_id, numbers in sorted(dead.items()):  # locks are taken in one order
        archive_numbers(tx, account_id, sorted(numbers), "failed_permanent")


def _told(tx: Tx, batches: Sequence[Batch]) -> list[events.Payload]:
    told: list[events.Payload] = []
    for kind, ids in ((batch.kind, batch.ids) for batch in batches):
        common = {
            "campaign_id": kind.campaign_id,
            "status": kind.after,
            "status_detail": kind.detail,
            "carrier_code": kind.code,
            "at": tx.now,
        }
        told += events.alike(kind.account_id, "message.status", "message_id", ids, common)
    return told
