"""What follows when messages change status, in the transaction that changed them: money, counters, events, the address book.

Whoever moves messages says from what to what; the consequences are drawn here and nowhere else, so they can't be forgotten.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from core import events
from core.audience.archive import archive_numbers
from core.credits import ledger
from core.runtime import Tx
from core.schema import campaign_counts, send_counts
from core.sending.message import CHARGED, money, owed

HOUR_MS: Final = 3_600_000


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
    return Move(
        message_id=row.id,
        account_id=row.account_id,
        campaign_id=row.campaign_id,
        number=row.number,
        country=row.country,
        purpose=row.purpose,
        segments=row.segments,
        millicredits=row.millicredits,
        before=before or row.status,
        after=after,
        detail=detail,
        code=code,
    )


def born(message: Any) -> Move:
    """The birth of a message, in the status it was written with."""
    return replace(of(message, message.status, detail=message.status_detail), before=None)


def follow(tx: Tx, moves: Sequence[Move], ref: str, *, quiet: bool = False) -> None:
    """Draw the consequences of these moves; `ref` names the batch and is used once. Raises `not_enough_credits` for holds.

    quiet: no events (births of queued messages: the caller has the answer already).
    """
    if not moves:
        return
    _count(tx, moves)
    _count_sent(tx, moves)
    _archive(tx, moves)
    if not quiet:
        _tell(tx, moves)
    _pay(tx, moves, ref)  # last: ledger rows are the ones others wait for


def sums(moves: Iterable[Move], kind: str) -> dict[str, int]:
    """Millicredits by account of the moves whose money verb is `kind`, without the free ones."""
    by_account: dict[str, int] = defaultdict(int)
    for move in moves:
        if move.millicredits and money(move.before, move.after) == kind:
            by_account[move.account_id] += move.millicredits
    return by_account


def _pay(tx: Tx, moves: Sequence[Move], ref: str) -> None:
    verbs = {"hold": ledger.hold, "post": ledger.post, "void": ledger.void}
    due = {kind: sums(moves, kind) for kind in verbs}
    for account_id in sorted({account for owing in due.values() for account in owing}):
        for kind, verb in verbs.items():
            if sum_ := due[kind].get(account_id):
                verb(tx, account_id, sum_, f"{ref}:{account_id}")


def _count(tx: Tx, moves: Sequence[Move]) -> None:
    deltas: Counter[tuple[str, str, str]] = Counter()
    prices: Counter[tuple[str, str, str]] = Counter()
    for move in moves:
        if move.campaign_id is None:
            continue
        if move.before is not None:
            deltas[move.campaign_id, move.before, move.country] -= 1
            prices[move.campaign_id, move.before, move.country] -= move.millicredits
        deltas[move.campaign_id, move.after, move.country] += 1
        charged = move.after in CHARGED and move.before != "queued"
        prices[move.campaign_id, move.after, move.country] += owed(move.after, move.millicredits, charged=charged)
    rows = [(tx.new_id(), *key, count, prices[key]) for key, count in deltas.items() if count or prices[key]]
    tx.insert(campaign_counts, ("id", "campaign_id", "status", "country", "messages", "millicredits"), rows)


def _count_sent(tx: Tx, moves: Sequence[Move]) -> None:
    hour = tx.now - tx.now % HOUR_MS
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for move in moves:
        if money(move.before, move.after) == "post":
            line = sums[move.account_id, move.country, move.purpose]
            line[0] += 1
            line[1] += move.segments
            line[2] += move.millicredits
    rows = [(tx.new_id(), account, hour, country, purpose, *line) for (account, country, purpose), line in sums.items()]
    columns = ("id", "account_id", "hour", "country", "purpose", "messages", "segments", "millicredits")
    tx.insert(send_counts, columns, rows)


def _archive(tx: Tx, moves: Sequence[Move]) -> None:
    """Numbers that can never be reached leave the address book; they can be restored from there."""
    dead: dict[str, set[int]] = defaultdict(set)
    for move in moves:
        if move.after == "failed_permanent":
            dead[move.account_id].add(move.number)
    for account_id, numbers in sorted(dead.items()):  # locks are taken in one order
        archive_numbers(tx, account_id, sorted(numbers), "failed_permanent")


def _tell(tx: Tx, moves: Sequence[Move]) -> None:
    by_account: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for move in moves:
        by_account[move.account_id].append(
            {
                "message_id": move.message_id,
                "campaign_id": move.campaign_id,
                "status": move.after,
                "status_detail": move.detail,
                "carrier_code": move.code,
                "at": tx.now,
            }
        )
    for account_id, facts in by_account.items():
        events.emit(tx, account_id, "message.status", facts)
