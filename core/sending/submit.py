"""From drafts to messages, in one transaction: numbers, blacklist, compose, price, hold, rows, chunks, events.

Many drafts are accepted together and refused apart: one that is refused does not fail its neighbours. Drafts that are alike are worked
on as lists (`accept`): what they have in common is decided once, and what follows is drawn from sums.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, delete, literal_column, select

from core.accounts import Account
from core.credits import ledger
from core.errors import Refused
from core.prepared import among, listed
from core.runtime import Tx
from core.schema import Id, ledger_accounts, messages
from core.sending import chunks, drafts, moves
from core.sending.drafts import Alike, Born, Draft, Manner, Message
from core.sending.heaps import Heaps
from core.sending.moves import Batch, Kind, Line
from core.sending.ready import Ready, Refusals, ready
from core.sending.terms import MINUTE_MS, VALIDITY_MINUTES

OPTED_OUT: Final = "opted_out"
LATE_FROM: Final = 20  # messages: what fewer cost is not worth a second look at the balance
Result = Message | Refused


@dataclass(frozen=True, slots=True)
class Asked:
    """A draft, whose it is, and the road that it came by (`source`)."""

    account: Account
    source: str
    draft: Draft


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of drafts: the messages that were born, and the refusals of the others by their places."""

    born: Sequence[Born]
    refused: Mapping[int, Refused]


class _Birth(NamedTuple):
    """The ids of messages by their places, and when they were created."""

    ids: Mapping[int, str]
    created_at: int


def submit(
    tx: Tx, account: Account, source: str, asked: Sequence[Draft], *, replaces: Any | None = None
) -> list[Result]:
    """A message or a refusal for each draft of one account, in order: see `accept`.

    `replaces` is a row whose id and time of creation the message of the one draft takes over.
    """
    return submit_many(tx, [Asked(account, source, draft) for draft in asked], replaces=replaces)


def submit_one(tx: Tx, account: Account, source: str, draft: Draft, *, replaces: Any | None = None) -> Message:
    """The message of one draft, or its refusal raised."""
    result = submit(tx, account, source, [draft], replaces=replaces)[0]
    if isinstance(result, Refused):
        raise result
    return result


def submit_many(tx: Tx, asked: Sequence[Asked], *, replaces: Any | None = None) -> list[Result]:
    """A message or a refusal for each draft, in order, whoever's they are: see `accept`."""
    alike: dict[tuple[str, str, Manner], Alike] = {}
    for place, one in enumerate(asked):
        draft, manner = one.draft, one.draft.manner
        key = (one.account.id, one.source, manner)
        heap = alike.get(key) or alike.setdefault(key, Alike.begun(one.account, one.source, manner))
        heap.add(place, draft.to, draft.text, draft.reference)
    accepted = accept(tx, list(alike.values()), replaces=replaces)
    results: dict[int, Result] = dict(accepted.refused)
    for born in accepted.born:
        results |= {place: born.message(at) for at, place in enumerate(born.places)}
    return [results[place] for place in range(len(asked))]


def accept(tx: Tx, asked: Sequence[Alike], *, replaces: Any | None = None) -> Accepted:
    """Make messages of drafts, whoever's they are; as many statements for many as for one.

    Drafts of accounts whose ledger another transaction has are waited for, or are `ledger.OCCUPIED` where `tx` is not patient.
    A number that opted out gives a message `blacklisted` at no price (unless the purpose is otp); not enough credits refuses the
    drafts that cannot be paid, in order, and sends the ones before. Messages of an account that go the same way share a chunk.
    `replaces` is a row whose id and time of creation the one message takes over.
    """
    refused: Refusals = {}
    heaps = ready(tx, asked, refused)
    if not heaps:
        return Accepted((), refused)
    if replaces is None:
        places = sorted(place for one in heaps for place in one.people.places)
        birth = _Birth(dict(zip(places, tx.new_ids(len(places)), strict=True)), tx.now)
    else:
        birth = _Birth({place: replaces.id for one in heaps for place in one.people.places}, replaces.created_at)
    return Accepted(_born(tx, heaps, birth, refused), refused)


def _born(tx: Tx, heaps: Sequence[Ready], birth: _Birth, refused: Refusals) -> list[Born]:
    """Messages of what can be paid, with what follows; the others are refused."""
    born = _ahead_of_the_ledger(tx, heaps, birth) if tx.patient and len(birth.ids) >= LATE_FROM else None
    if born is None:
        available = ledger.lock(tx, {one.account_id for one in heaps})
        born = _Rows(tx, _payable(tx, heaps, available, refused), birth).accepted()
    return born


def _ahead_of_the_ledger(tx: Tx, heaps: Sequence[Ready], birth: _Birth) -> list[Born] | None:
    """The same where the balance is seen to suffice for all: an account's batches are written side by side, and wait for each other only
    while they pay. None where it does not suffice, or did no longer when it was locked: nothing was written then.
    """
    costs = _costs(tx, heaps)
    seen = _available(tx, costs.keys())
    if any(seen.get(account_id, 0) < cost for account_id, cost in costs.items()):
        return None
    rows = _Rows(tx, heaps, birth)
    available = ledger.lock(tx, costs.keys())
    if all(available[account_id] >= cost for account_id, cost in costs.items()):
        return rows.accepted()
    rows.take_back()
    return None


def _available(tx: Tx, accounts: Collection[str]) -> Mapping[str, int]:
    """What accounts have just now; the next moment it may be less."""
    rows = tx.tuples(_balances(tx.postgresql), {"accounts": listed(tx, accounts)})
    return dict(rows)


@cache
def _balances(postgresql: bool) -> Select[Any]:
    mine = among(ledger_accounts.c.account_id, "accounts", Id, postgresql=postgresql)
    return select(ledger_accounts.c.account_id, ledger_accounts.c.balance).where(
        mine, ledger_accounts.c.kind == literal_column("'available'")
    )


def _costs(tx: Tx, heaps: Iterable[Ready]) -> Mapping[str, int]:
    """What each account would have to hold."""
    costs: dict[str, int] = defaultdict(int)
    for one in heaps:
        costs[one.account_id] += one.size.millicredits * len(one.people.places) * (one.status(tx.now) == "queued")
    return costs


def _payable(tx: Tx, heaps: Sequence[Ready], available: Mapping[str, int], refused: Refusals) -> list[Ready]:
    """What is left of them once the others are refused, in their order."""
    for account_id, cost in _costs(tx, heaps).items():
        theirs = [one for one in heaps if one.account_id == account_id]
        if account_id not in available:
            refused.update((place, ledger.OCCUPIED) for one in theirs for place in one.people.places)
        elif cost > available[account_id]:
            refused.update(_too_dear(tx, theirs, available[account_id]))
    lefts = (one.without(refused) for one in heaps)
    return [left for left in lefts if left.people.places]


def _too_dear(tx: Tx, heaps: Iterable[Ready], left: int) -> Iterator[tuple[int, Refused]]:
    """Those that an account can't pay, first come first served; only what is queued costs."""
    queued = (one for one in heaps if one.status(tx.now) == "queued")
    for place, price in sorted((place, one.size.millicredits) for one in queued for place in one.people.places):
        if price > left:
            yield place, _too_poor(price)
        else:
            left -= price


class _Rows:
    """Messages as they are written: first their rows, then, in `accepted`, their chunks and all that follows."""

    def __init__(self, tx: Tx, heaps: Iterable[Ready], birth: _Birth) -> None:
        self._tx = tx
        self._chunks = Heaps(tx)
        self._born = [born for one in heaps for born in _placed(tx, one, birth, self._chunks)]
        if self._born:
            drafts.insert_alike(tx, self._born)

    def take_back(self) -> None:
        """Write nothing after all."""
        ids = [id_ for heap in self._born for id_ in heap.ids]
        self._tx.execute(delete(messages).where(self._tx.among(messages.c.id, ids)))

    def accepted(self) -> list[Born]:
        """The messages, with all that follows. Their accounts' ledger rows are locked."""
        if self._born:
            self._chunks.write()
            ref = self._tx.new_id()
            moves.follow_batches(self._tx, _births(self._born, "blacklisted"), f"{ref}:blacklisted")
            moves.follow_batches(self._tx, _births(self._born, "queued"), ref, quiet=True)
        return self._born


def _placed(tx: Tx, one: Ready, birth: _Birth, placing: Heaps) -> Iterator[Born]:
    """The messages in their chunks. Who opted out is in none."""
    people, purpose, status = one.people, one.terms.purpose, one.status(tx.now)
    start = max(one.asked.manner.send_at or 0, tx.now)
    expires_at = start + (one.asked.manner.validity_minutes or VALIDITY_MINUTES) * MINUTE_MS
    common = _common(tx, one) | {"created_at": birth.created_at, "expires_at": expires_at}
    ids = [birth.ids[place] for place in people.places]
    if one.stopped:
        yield Born(common, people.places, ids, people.numbers, people.texts, people.references)
        return
    carrier = placing.carrier(one.country, purpose) if status == "queued" else None
    step = "start" if carrier is None else "send"
    key = (one.account_id, step, carrier or chunks.ANY_CARRIER, purpose, start)
    start_at = 0
    for chunk_id, size in placing.place(key, expires_at, len(ids)):
        end_at = start_at + size
        part, theirs = people.part(start_at, end_at), ids[start_at:end_at]
        start_at = end_at
        own = common | {"chunk_id": chunk_id, "carrier": carrier}
        yield Born(own, part.places, theirs, part.numbers, part.texts, part.references)


def _common(tx: Tx, one: Ready) -> dict[str, Any]:
    """What they have in common, but for their chunk and their end."""
    return {
        "account_id": one.account_id,
        "campaign_id": None,
        "chunk_id": None,
        "country": one.country,
        "sender": one.terms.sender,
        "purpose": one.terms.purpose,
        "encoding": one.size.encoding,
        "segments": one.size.segments,
        "millicredits": 0 if one.stopped else one.size.millicredits,
        "source": one.asked.source,
        "status": one.status(tx.now),
        "status_detail": OPTED_OUT if one.stopped else None,
        "substitutions": ",".join(one.size.substitutions) or None,
        "status_at": tx.now,
        "send_at": one.asked.manner.send_at,
        "sent_at": None,
        "mention": one.terms.mention,
        "charged": False,
        "attempt": 0,
        "carrier": None,
        "carrier_id": None,
        "carrier_code": None,
    }


def _births(born: Iterable[Born], status: str) -> list[Batch]:
    """The births of messages with this status. One that is scheduled has no consequences until it starts."""
    ids: dict[Kind, list[str]] = defaultdict(list)
    lines: dict[Kind, Counter[Line]] = defaultdict(Counter)
    for heap in born:
        of = heap.common
        if of["status"] == status:
            kind = Kind(of["account_id"], None, None, status, of["status_detail"])
            ids[kind] += heap.ids
            lines[kind][Line(of["country"], of["purpose"], of["segments"], of["millicredits"])] += len(heap.ids)
    return [Batch(kind, sorted(theirs), lines[kind]) for kind, theirs in ids.items()]


def affordable(tx: Tx, account_id: str, asking: Sequence[Any], *, queueing: bool = False) -> set[str]:
    """The ids of those that the balance pays for, first come first served. Only what is queued costs (`queueing`: all are)."""
    left = ledger.balance(tx, account_id, lock=True).available
    paid = set()
    for message in asking:
        price = message.millicredits if queueing or message.status == "queued" else 0
        if price <= left:
            left -= price
            paid.add(message.id)
    return paid


def _too_poor(millicredits: int) -> Refused:
    detail = f"This message costs {millicredits / 1000:g} credits and the account has less: top it up."
    return Refused("not_enough_credits", detail)
