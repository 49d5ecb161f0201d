"""What receipts make of messages: many at once, each step of a message counted and told, and only its last status written."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import starmap
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Select, Text, UpdateBase, bindparam, func, select, update

from core import prepared
from core.carriers.contract import Known
from core.credits import ledger
from core.runtime import Tx
from core.schema import Id, messages
from core.sending import carrier_ids, moves
from core.sending.message import RANK, heard
from core.sending.moves import Batch, Kind, Line

UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_becomes: Final = cache(heard)
UNMATCHED: Final = "unmatched"
PUT_OFF: Final = "put_off"
Step = tuple[str, str, str | None]  # from which status, to which, the carrier's code


class Told(NamedTuple):
    """A receipt as it was stored; its fields are columns of the parked ones."""

    carrier: str
    status: str
    code: str | None
    at: int
    reference: str | None
    carrier_id: str | None


class _Message(NamedTuple):
    """Columns of a message that a receipt may move."""

    id: str
    account_id: str
    campaign_id: str | None
    number: int
    country: str
    purpose: str
    segments: int
    millicredits: int
    status: str
    charged: bool
    carrier_id: str | None


_COLUMNS: Final = [messages.c[name] for name in _Message.__annotations__]


@dataclass(frozen=True, slots=True)
class Course:
    """What receipts make of a message that was sent: each step, and where it ends."""

    steps: tuple[Step, ...]
    status: str
    code: str | None


def course(known: Iterable[Known]) -> Course:
    """Of a message whose answer came with these receipts."""
    status, code, steps = "sent", None, []
    for receipt in known:
        if following := _becomes(status, receipt.status, charged=True):
            steps.append((status, following, receipt.code))
            status, code = following, receipt.code
    return Course(tuple(steps), status, code)


def hear(tx: Tx, told: Sequence[Told]) -> list[str]:
    """Move the messages, in the order of these receipts; what became of each receipt: applied, ignored, unmatched or put off.

    Put off: it would charge an account whose credits another transaction has. Nobody else's receipts wait for that.
    """
    message_of, rows = _match(tx, told)
    later = _to_wait_for(tx, rows.values())
    now = {row.id: (row.status, bool(row.charged)) for row in rows.values()}
    steps: dict[Kind, list[str]] = defaultdict(list)
    last: dict[str, Told] = {}
    became = []
    for receipt, message_id in zip(told, message_of, strict=True):
        if message_id is None:
            became.append(UNMATCHED)
            continue
        if message_id in later:
            became.append(PUT_OFF)
            continue
        status, charged = now[message_id]
        following = _becomes(status, receipt.status, charged=charged)
        became.append("applied" if following else "ignored")
        if following:
            row = rows[message_id]
            steps[Kind(row.account_id, row.campaign_id, status, following, None, receipt.code)].append(message_id)
            now[message_id], last[message_id] = (following, True), receipt
    if last:
        _write(tx, [(id_, now[id_][0], receipt.code, receipt.carrier_id) for id_, receipt in sorted(last.items())])
        _remember(tx, rows, last)
        moves.follow_batches(tx, _batches(steps, rows), tx.new_id())
    return became


def _to_wait_for(tx: Tx, rows: Collection[_Message]) -> set[str]:
    """Messages that are still to be charged, of accounts whose credits are in use."""
    due = [row for row in rows if not row.charged]
    busy = ledger.occupied(tx, {row.account_id for row in due}) if due else set()
    return {row.id for row in due if row.account_id in busy}


def _match(tx: Tx, told: Sequence[Told]) -> tuple[list[str | None], dict[str, _Message]]:
    """The message id of each receipt, by our reference, else by the carrier's id; None for none. And the messages, locked.

    All are locked at once, in one order. One that only turns up once the others are locked, because nobody has the reference that came
    with its carrier's id, is not waited for.
    """
    references = {receipt.reference for receipt in told if receipt.reference}
    named = {reference: reference.lower() for reference in references if UUID.fullmatch(reference)}
    found = [named.get(receipt.reference or "") for receipt in told]
    _find(tx, told, found)
    rows = _locked(tx, {message_id for message_id in found if message_id})
    lost = [place for place, message_id in enumerate(found) if message_id is not None and message_id not in rows]
    for place in lost:
        found[place] = None
    if lost and _find(tx, told, found):
        rows |= _locked(tx, {message_id for message_id in found if message_id} - rows.keys(), skip_locked=True)
    return [message_id if message_id in rows else None for message_id in found], rows


def _find(tx: Tx, told: Sequence[Told], found: list[str | None]) -> bool:
    """Put in the messages of those receipts that have none yet, by their carrier's ids; whether there are any."""
    strays = [
        (str(place), receipt.carrier, receipt.carrier_id)
        for place, (receipt, message_id) in enumerate(zip(told, found, strict=True))
        if message_id is None and receipt.carrier_id
    ]
    by_place = carrier_ids.find(tx, strays) if strays else {}
    for place, message_id in by_place.items():
        found[int(place)] = message_id
    return bool(by_place)


def _locked(tx: Tx, ids: Iterable[str], *, skip_locked: bool = False) -> dict[str, _Message]:
    wanted = sorted(ids)
    if not wanted:
        return {}
    found = tx.tuples(_locking(tx.postgresql, skip_locked), {"ids": prepared.listed(tx, wanted)})
    return {row.id: row for row in starmap(_Message, found)}


@cache
def _locking(postgresql: bool, skip_locked: bool) -> Select[Any]:
    wanted = prepared.among(messages.c.id, "ids", Id, postgresql=postgresql)
    return select(*_COLUMNS).where(wanted).order_by(messages.c.id).with_for_update(skip_locked=skip_locked)


def _write(tx: Tx, lines: Sequence[tuple[str, str, str | None, str | None]]) -> None:
    tx.connection.execute(_writing(tx.postgresql), prepared.rows(tx, "news", _NEWS, lines) | {"now": tx.now})


_NEWS: Final[prepared.Columns] = {"id": Id, "status": Text, "code": Text, "carrier_id": Text}


@cache
def _writing(postgresql: bool) -> UpdateBase:
    news = prepared.table("news", _NEWS, postgresql=postgresql)
    values = {
        "status": news.c.status,
        "carrier_code": news.c.code,
        "carrier_id": func.coalesce(messages.c.carrier_id, news.c.carrier_id),
        "status_at": bindparam("now", type_=BigInteger()),
        "sent_at": func.coalesce(messages.c.sent_at, messages.c.status_at),  # until the answer tells, if it ever does
        "charged": True,
    }
    return update(messages).where(messages.c.id == news.c.id).values(**values)


def _remember(tx: Tx, rows: Mapping[str, _Message], last: Mapping[str, Told]) -> None:
    """A receipt that named both ids tells which message one means that will name its carrier's only."""
    named: dict[str, list[carrier_ids.Named]] = defaultdict(list)
    for message_id, receipt in last.items():
        if rows[message_id].carrier_id is None:
            named[receipt.carrier].append((message_id, receipt.carrier_id))
    for carrier, lines in sorted(named.items()):
        carrier_ids.remember(tx, carrier, lines)


def _batches(steps: Mapping[Kind, Sequence[str]], rows: Mapping[str, _Message]) -> list[Batch]:
    """Lower statuses first: a message only moves up, so its own steps stay in their order."""
    lines = {row.id: Line(row.country, row.purpose, row.segments, row.millicredits) for row in rows.values()}
    return [
        Batch(kind, ids, Counter(map(lines.__getitem__, ids)), [rows[id_].number for id_ in ids])
        for kind, ids in sorted(steps.items(), key=lambda step: RANK[step[0].after])
    ]
