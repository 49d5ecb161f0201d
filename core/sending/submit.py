"""From drafts to messages, in one transaction: numbers, blacklist, compose, price, hold, rows, chunks, events.

Many drafts are accepted together and refused apart: one that is refused does not fail its neighbours.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from core import number
from core.accounts import Account
from core.blacklist import entries as blacklist
from core.credits import ledger
from core.errors import Refused
from core.number import Number
from core.runtime import Tx
from core.sending import chunks, drafts, moves
from core.sending.drafts import Draft, Message
from core.sending.routing import Router
from core.sending.terms import MINUTE_MS, Terms, settle
from core.text.compose import Composed, compose

OPTED_OUT: Final = "opted_out"
Result = Message | Refused


@dataclass(frozen=True, slots=True)
class _Ready:
    """A draft that has passed every check that needs no other."""

    place: int
    draft: Draft
    terms: Terms
    number: Number
    composed: Composed


def submit(
    tx: Tx, account: Account, source: str, asked: Sequence[Draft], *, replaces: Any | None = None
) -> list[Result]:
    """A message or a refusal for each draft, in order. `replaces` is a row whose id and time of creation the message takes over.

    A number that opted out gives a message `blacklisted` at no price (unless the purpose is otp); not enough credits refuses the
    drafts that cannot be paid, in order, and sends the ones before.
    """
    results: list[Result | None] = [None] * len(asked)
    ready = _prepare(tx, account, asked, results)
    stopped = blacklist.screen(tx, blacklist.scopes_of(tx, account.id), [one.number.value for one in ready])
    born = [_born(tx, account, source, one, stopped=one.number.value in stopped) for one in ready]
    if replaces is not None:
        born = [replace(message, id=replaces.id, created_at=replaces.created_at) for message in born]
    paid = affordable(tx, account.id, born)
    for one, message in zip(ready, born, strict=True):
        results[one.place] = message if message.id in paid else _too_poor(message)
    accepted = _accept(tx, account, [message for message in born if message.id in paid])
    for place, result in enumerate(results):
        if isinstance(result, Message):
            results[place] = accepted[result.id]
    return [result for result in results if result is not None]


def submit_one(tx: Tx, account: Account, source: str, draft: Draft, *, replaces: Any | None = None) -> Message:
    """The message of one draft, or its refusal raised."""
    result = submit(tx, account, source, [draft], replaces=replaces)[0]
    if isinstance(result, Refused):
        raise result
    return result


def _prepare(tx: Tx, account: Account, asked: Sequence[Draft], results: list[Result | None]) -> list[_Ready]:
    """The drafts that stand on their own; the refusals of the others go into their places."""
    known: dict[tuple[object, ...], Terms | Refused] = {}
    ready = []
    for place, draft in enumerate(asked):
        try:
            ready.append(_read(place, draft, _terms(tx, account, draft, known), account.region))
        except Refused as refusal:
            results[place] = refusal
    return ready


def _terms(tx: Tx, account: Account, draft: Draft, known: dict[tuple[object, ...], Terms | Refused]) -> Terms:
    """The terms of a draft; equal drafts but for their recipient have the same."""
    key = (draft.text, draft.sender, draft.purpose, draft.stop, draft.validity_minutes)
    if key not in known:
        try:
            known[key] = settle(
                tx,
                account,
                text=draft.text,
                sender=draft.sender,
                purpose=draft.purpose,
                stop=draft.stop,
                validity_minutes=draft.validity_minutes,
            )
        except Refused as refusal:
            known[key] = refusal
    found = known[key]
    if isinstance(found, Refused):
        raise found
    return found


def _read(place: int, draft: Draft, terms: Terms, region: str) -> _Ready:
    try:
        to = number.parse(draft.to, region)
    except Refused as refusal:
        raise refusal.about("/to") from None
    try:
        composed = compose(terms.plan, to.value, to.country, {})
    except Refused as refusal:
        raise refusal.about("/to" if refusal.code == "unpriced_country" else "/text") from None
    return _Ready(place, draft, terms, to, composed)


def _born(tx: Tx, account: Account, source: str, one: _Ready, *, stopped: bool) -> Message:
    later = one.draft.send_at is not None and one.draft.send_at > tx.now
    blocked = stopped and one.terms.purpose != "otp"
    status = "blacklisted" if blocked else "scheduled" if later else "queued"
    start = one.draft.send_at if later and one.draft.send_at else tx.now
    return Message(
        id=tx.new_id(),
        account_id=account.id,
        campaign_id=None,
        chunk_id=None,
        number=one.number.value,
        country=one.number.country,
        sender=one.terms.sender,
        purpose=one.terms.purpose,
        text=one.composed.text,
        encoding=one.composed.encoding,
        segments=one.composed.segments,
        millicredits=0 if blocked else one.composed.millicredits,
        reference=one.draft.reference,
        source=source,
        status=status,
        status_detail=OPTED_OUT if blocked else None,
        substitutions=",".join(one.composed.substitutions) or None,
        status_at=tx.now,
        send_at=one.draft.send_at,
        created_at=tx.now,
        sent_at=None,
        expires_at=start + one.terms.validity_minutes * MINUTE_MS,
        mention=one.terms.mention,
        charged=False,
        attempt=0,
        carrier=None,
        carrier_id=None,
        carrier_code=None,
    )


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


def _too_poor(message: Message) -> Refused:
    detail = f"This message costs {message.millicredits / 1000:g} credits and the account has less: top it up."
    return Refused("not_enough_credits", detail)


def _accept(tx: Tx, account: Account, born: Sequence[Message]) -> dict[str, Message]:
    """Put messages into chunks and write them, with their consequences; as written, by id."""
    if not born:
        return {}
    router = Router(tx)
    heaps: dict[tuple[str, str, str, int], list[Message]] = defaultdict(list)
    for message in born:
        if message.status == "scheduled" and message.send_at:
            heaps["start", chunks.ANY_CARRIER, message.purpose, message.send_at].append(message)
        elif message.status == "queued":
            heaps["send", router.pick(message.country, message.purpose), message.purpose, tx.now].append(message)
    placed = {message.id: message for message in born}
    for (step, carrier, purpose, due_at), heap in heaps.items():
        for start in range(0, len(heap), chunks.SIZE):
            part = heap[start : start + chunks.SIZE]
            chunk_id = chunks.create(
                tx,
                account_id=account.id,
                carrier=carrier,
                purpose=purpose,
                step=step,
                due_at=due_at,
                expires_at=min(message.expires_at for message in part),
            )
            carried = carrier or None
            placed |= {message.id: replace(message, chunk_id=chunk_id, carrier=carried) for message in part}
    drafts.insert(tx, list(placed.values()))
    births = [moves.born(message) for message in placed.values()]
    ref = tx.new_id()
    moves.follow(tx, [move for move in births if move.after == "blacklisted"], f"{ref}:blacklisted")
    moves.follow(tx, [move for move in births if move.after != "blacklisted"], ref, quiet=True)
    return placed
