"""What a hub promised, compared with what its carriers were given: each promise is a function that yields what broke it.

The carriers' logs are the simulators' own files, which no process of the hub can take back; what clients were told is what they kept
in memory. A finding is a sentence with its evidence: ids and times, never a text.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from sqlalchemy import Row, func, or_, select

from core import Runtime, Tx, backlog, blacklist, check, events, message, report, schema
from core.carriers.simulator_endings import LOST_TO_LOOKUP, Taken, ending_of
from hub.hooks.tables import deliveries

SHOWN: Final = 5  # of one kind of finding
YEAR_MS: Final = 365 * 24 * 3_600_000
SLICE: Final = 5_000
NOT_FOR_STOP: Final = "otp"  # a password that its reader asked for; and what the hub itself says is not listed here
MESSAGE: Final = schema.messages


@dataclass(slots=True)
class Told:
    """What clients know: the answers they were given, and when they saw an opt-out in force (UTC ms, after its commit)."""

    singles: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # by key: the ids that were answered
    campaigns: dict[str, frozenset[int]] = field(default_factory=dict)  # by id: whom it is for
    grouped: set[int] = field(default_factory=set)  # of those: who is in one only by a group
    stops: dict[tuple[str, int], int] = field(default_factory=dict)  # by scope and number
    hooked: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))  # by event id: its bodies, hashed
    listening: str | None = None  # the account whose hook wants every message.status


@dataclass(frozen=True, slots=True)
class Books:
    """Everything that is compared, read once."""

    rows: Mapping[str, Row[Any]]  # messages by id
    log: Sequence[Taken]  # what all carriers took
    told: Told
    archived: Mapping[int, int]  # numbers that left the address book (opted out, or never reached), and when


Promise = Callable[[Books], Iterator[str]]


def read(runtime: Runtime, log: Sequence[Taken], told: Told) -> Books:
    """The messages of a hub that has come to rest, beside the log and what clients know."""
    columns = (
        *(MESSAGE.c.id, MESSAGE.c.account_id, MESSAGE.c.campaign_id, MESSAGE.c.number, MESSAGE.c.purpose),
        *(MESSAGE.c.reference, MESSAGE.c.source, MESSAGE.c.status, MESSAGE.c.status_detail, MESSAGE.c.charged),
        MESSAGE.c.created_at,
    )
    left = select(schema.contacts.c.number, schema.contacts.c.archived_at).where(schema.contacts.c.archived_at > 0)
    with runtime.read() as tx:
        archived = {row.number: row.archived_at for row in tx.all(left)}
        return Books({row.id: row for row in tx.all(select(*columns))}, log, told, archived)


def findings(runtime: Runtime, log: Sequence[Taken], told: Told) -> list[str]:
    """Every promise that does not hold."""
    books = read(runtime, log, told)
    with runtime.snapshot() as tx:
        found = [
            *(f"the ledger: {finding}" for finding in (*check.ledger(tx), *check.counters(tx))),
            *_reports(tx, books),
            *_stopped(tx, books),
            *_hooked(tx, books),
        ]
    for promise in (_accepted, _once, _agreed, _settled):
        found.extend(promise(books))
    return [*found, *left_behind(runtime)]


def _accepted(books: Books) -> Iterator[str]:
    """What was answered is there, once; a campaign has everybody it was for, once.

    Groups are resolved when it starts: who left the address book by then, and was not named, is not in it.
    """
    expanded_at: dict[str, int] = defaultdict(int)
    ids = {id_ for answered in books.told.singles.values() for id_ in answered}
    yield from _some("was accepted and is lost", (id_ for id_ in ids if id_ not in books.rows))
    of_key = Counter(row.reference for row in books.rows.values() if row.reference in books.told.singles)
    yield from _some("keys made more than one message", (key for key, count in of_key.items() if count > 1))
    yield from _some("keys were answered differently", (k for k, same in books.told.singles.items() if len(same) > 1))
    reached: dict[str, Counter[int]] = defaultdict(Counter)
    for row in books.rows.values():
        if row.campaign_id is not None:
            reached[row.campaign_id][row.number] += 1
            expanded_at[row.campaign_id] = max(expanded_at[row.campaign_id], row.created_at)
    for campaign_id, wanted in books.told.campaigns.items():
        those, until = reached[campaign_id], expanded_at[campaign_id]
        excused = {number for number in books.told.grouped if books.archived.get(number, until + 1) <= until}
        for words, count in (
            ("recipients are lost", len(wanted - those.keys() - excused)),
            ("strangers are in it", len(those.keys() - wanted)),
            ("recipients are in it twice", sum(times > 1 for times in those.values())),
        ):
            if count:
                yield f"campaign {campaign_id}: {count} {words}"


def _once(books: Books) -> Iterator[str]:
    """No reference is in a carrier's log twice, and none that is not a message."""
    times = Counter(one.reference for one in books.log)
    yield from _some("was sent more than once", (ref for ref, count in times.items() if count > 1))
    yield from _some("was sent and is no message", (ref for ref in times if ref not in books.rows))


def _agreed(books: Books) -> Iterator[str]:
    """What was taken is charged and ended as its number says; what was not taken is neither sent nor charged."""
    taken = {one.reference: one.number for one in books.log}
    for row in books.rows.values():
        if row.id in taken and row.number != taken[row.id]:
            yield f"{row.id} was sent to another number"
    mine = [(row, _expected(row.number)) for row in books.rows.values() if row.id in taken]
    odd = (f"{row.id} ({row.status}, not {wanted})" for row, wanted in mine if not row.charged or row.status != wanted)
    yield from _some("was taken and did not end as it should", odd)
    others = (row for row in books.rows.values() if row.id not in taken)
    yield from _some(
        "is charged and was never sent", (row.id for row in others if row.charged or row.status in message.CHARGED)
    )


def _settled(books: Books) -> Iterator[str]:
    """Nothing waits any more, and nothing was settled by guessing."""
    for status in sorted(message.UNFINISHED):
        yield from _some(f"is {status} for ever", (row.id for row in books.rows.values() if row.status == status))
    guessed = (row.id for row in books.rows.values() if row.status_detail == "assumed_sent")
    yield from _some("was assumed sent though its carrier looks up", guessed)


def _expected(number: int) -> str:
    told = ending_of(number).receipts
    return max((status for status, _ in told), key=lambda status: message.RANK[status], default="sent")


def _reports(tx: Tx, books: Books) -> Iterator[str]:
    """A campaign's report counts what its messages are, and what its carrier took."""
    taken = {one.reference for one in books.log}
    status: dict[str, Counter[str]] = defaultdict(Counter)
    sent: Counter[str] = Counter()
    account: dict[str, str] = {}
    for row in (row for row in books.rows.values() if row.campaign_id in books.told.campaigns):
        status[row.campaign_id][row.status] += 1
        sent[row.campaign_id] += row.id in taken
        account[row.campaign_id] = row.account_id
    for campaign_id, owner in account.items():
        shown = report.report(tx, owner, campaign_id)
        charged = sum(count for one, count in shown.by_status.items() if one in message.CHARGED)
        if dict(shown.by_status) != dict(status[campaign_id]) or charged != sent[campaign_id]:
            yield f"campaign {campaign_id} is reported as {dict(shown.by_status)}: {sent[campaign_id]} were sent"
        if shown.campaign.status != "finished":
            yield f"campaign {campaign_id} is {shown.campaign.status}"


def _stopped(tx: Tx, books: Books) -> Iterator[str]:
    """No window claimed after an opt-out was seen in force has its number. What the hub answers to a STOP is apart."""
    by_number: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for (scope, number), seen_at in books.told.stops.items():
        by_number[number].append((scope, seen_at))
    bound = {
        row.id: row
        for row in books.rows.values()
        if row.number in by_number and row.purpose != NOT_FOR_STOP and row.source != "system"
    }
    scopes = {
        account_id: blacklist.scopes_of(tx, account_id) for account_id in {row.account_id for row in bound.values()}
    }
    for message_id, at in _claims(tx, set(bound)):
        row = bound[message_id]
        for scope, seen_at in by_number[row.number]:
            if scope in scopes[row.account_id] and at >= seen_at:
                yield f"{message_id} was claimed at {at}, {at - seen_at} ms after its opt-out was seen"


def _claims(tx: Tx, wanted: set[str]) -> Iterator[tuple[str, int]]:
    """When each of these messages was claimed, out of the outbox."""
    for _, fact in _facts(tx):
        if fact["status"] == "sending" and fact["message_id"] in wanted:
            yield fact["message_id"], fact["at"]


def _facts(tx: Tx, account_id: str | None = None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every message.status there ever was (of an account, or of all), with the id of its event."""
    told, last = schema.outbox, ""
    while True:
        page = select(told).where(told.c.type == "message.status").order_by(told.c.id).limit(SLICE)
        rows = tx.all(page.where(told.c.id > last) if last else page)
        for row in (row for row in rows if account_id in (None, row.account_id)):
            for place, fact in enumerate(events.facts(row.payload)):
                yield events.event_id(row.id, place), fact
        if len(rows) < SLICE:
            return
        last = rows[-1].id


def _hooked(tx: Tx, books: Books) -> Iterator[str]:
    """Every event arrived, and whatever came twice was the same."""
    yield from _some("events differ from themselves", (id_ for id_, said in books.told.hooked.items() if len(said) > 1))
    if books.told.listening:
        due = _facts(tx, books.told.listening)
        missing = (id_ for id_, _ in due if id_ not in books.told.hooked)
        yield from _some("events never arrived", missing)


def ever_unknown(runtime: Runtime) -> int:
    """How many messages were unknown at some time."""
    with runtime.read() as tx:
        return len({fact["message_id"] for _, fact in _facts(tx) if fact["status"] == "unknown"})


def left_behind(runtime: Runtime) -> list[str]:
    """Work that nobody has finished: with it, a hub is not at rest."""
    chunks, windows, jobs = schema.chunks, schema.windows, schema.jobs
    waiting = (chunks.c.status != "done") & (chunks.c.step != "expire")
    held = chunks.c.owner.is_not(None) & (chunks.c.status != "done")
    counted = {
        "chunks": select(func.count()).select_from(chunks).where(or_(waiting, held)),
        "windows": select(func.count()).select_from(windows).where(windows.c.closed_at.is_(None)),
        "jobs": select(func.count()).select_from(jobs).where(jobs.c.done_at.is_(None)),
        "deliveries": select(func.count()).select_from(deliveries).where(deliveries.c.due_at.is_not(None)),
        "messages": select(func.count()).select_from(MESSAGE).where(_unfinished()),
    }
    later = runtime.as_of(clock=lambda: runtime.clock() + YEAR_MS)  # what is put off counts too
    with later.read() as tx:
        left = {name: int(tx.scalar(statement)) for name, statement in counted.items()}
        left |= {kind: count for kind, count in backlog.counts(tx).items() if kind not in ("chunks", "jobs")}
    return [f"{count} {kind} are left behind" for kind, count in left.items() if count]


def _unfinished() -> Any:
    """Not final; those whose carrier can't tell stay unknown for days."""
    lost = (MESSAGE.c.status == "unknown") & (MESSAGE.c.number % 100 == LOST_TO_LOOKUP)
    return MESSAGE.c.status.in_(sorted({*message.UNFINISHED, "sent", "delivered_operator"})) & ~lost


def rest(runtime: Runtime, patience_s: float, tell: Callable[[str], None] = lambda _line: None) -> bool:
    """Wait until nothing is left behind; False when it still is after `patience_s`."""
    ends = time.monotonic() + patience_s
    while left := left_behind(runtime):
        if time.monotonic() > ends:
            return False
        tell(", ".join(left))
        time.sleep(1.0)
    return True


def _some(words: str, of: Iterable[str]) -> Iterator[str]:
    found = list(of)
    for one in islice(found, SHOWN):
        yield f"{one} {words}"
    if len(found) > SHOWN:
        yield f"{len(found) - SHOWN} more: {words}"
