"""Replies (MO): whose they are, and whether they are an opt-out.

A reply belongs to the account of the newest message of the last 30 days to that number whose sender or mention used the code it was
sent to; else to the owner of that code; else to nobody. An opt-out that belongs to nobody binds every account on that code.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, literal, or_, select, update

from core import accounts, broken, events, outages, words
from core.blacklist import entries as blacklist
from core.blacklist.keywords import is_stop
from core.credits import ledger
from core.errors import Refused
from core.number import lookup
from core.ranges import HIGHEST, LOOK, LOWEST, Columns, Page, Way, newest
from core.runtime import Runtime, Tx
from core.schema import Id, inbound_numbers, messages, replies, reply_words
from core.sending import notes
from core.sending.apart import PUT_OFF_MS, apart
from core.sending.message import IN_DOUBT
from core.sending.notes import Note
from core.sending.singles import SLACK_MS, has_campaign, id_at
from core.sending.windows import SYSTEM

BATCH: Final = 200
REMEMBERED_MS: Final = 30 * 24 * 3_600_000
LOOKED_AT: Final = 100  # the newest messages to one number, from this code or with a mention, that are read
CONFIRMATION: Final = (
    "Votre desinscription est enregistree, vous ne recevrez plus de SMS de notre part. / You are unsubscribed."
)
CONFIRMATION_MILLICREDITS: Final = 1_000
REASON: Final = "stop_confirmation"


def apply(runtime: Runtime, limit: int = BATCH) -> int:
    """Apply waiting replies; how many. Opt-outs one at a time: each binds a number and charges an account, in no common order."""
    do, put_off = partial(_apply_these, runtime), partial(_put_off, runtime)
    try:
        with runtime.begin() as tx:
            plain, stops = _due(tx, limit)
            for reply in plain:
                _apply(tx, reply)
    except Exception as error:
        if outages.of(error) is not None:
            raise
        broken.tell("replies.not_applied_together", error)
        with runtime.begin() as tx:
            plain, stops = _due(tx, limit)
        apart([reply.id for reply in plain], do, put_off)
    for stop in stops:
        apart([stop.id], do, put_off)
    return len(plain) + len(stops)


def _due(tx: Tx, limit: int) -> tuple[list[Row[Any]], list[Row[Any]]]:
    """Replies that wait and that nobody else is at, locked: the others, and the opt-outs."""
    due = _waiting().where(or_(replies.c.retry_at.is_(None), replies.c.retry_at <= tx.now))
    rows = tx.all(due.order_by(replies.c.id).limit(limit).with_for_update(skip_locked=True))
    stops = [is_stop(reply.text) for reply in rows]
    return [row for row, stop in zip(rows, stops, strict=True) if not stop], list(compress(rows, stops))


def _apply_these(runtime: Runtime, ids: Sequence[str]) -> int:
    with runtime.begin() as tx:
        these = _waiting().where(tx.among(replies.c.id, ids)).order_by(replies.c.id)
        rows = tx.all(these.with_for_update(skip_locked=True))
        for reply in rows:
            _apply(tx, reply)
    return len(rows)


def _put_off(runtime: Runtime, reply_id: str, error: Exception) -> int:
    """A fault of ours: it is told, and tried again for ever; nobody else's replies wait for it."""
    broken.tell("reply.put_off", error, reply_id=reply_id)
    with runtime.begin() as tx:
        this = update(replies).where(replies.c.id == reply_id, replies.c.applied_at.is_(None))
        return tx.execute(this.values(retry_at=tx.now + PUT_OFF_MS))


@dataclass(frozen=True, slots=True)
class Filters:
    """Which replies to list: from `since` until before `until` (ms), of a campaign, with words in their text."""

    since: int | None = None
    until: int | None = None
    campaign_id: str | None = None
    q: str | None = None


def get(tx: Tx, account_id: str, reply_id: str) -> Row[Any]:
    """The account's reply. Refuses with `not_found`."""
    row = tx.one(select(replies).where(replies.c.id == reply_id, replies.c.account_id == account_id))
    if row is None:
        raise Refused("not_found", "There is no such reply.")
    return row


def page(
    tx: Tx,
    account_id: str,
    limit: int,
    after: str | None = None,
    filters: Filters | None = None,
    *,
    few: int = words.FEW,
    look: int = LOOK,
) -> Page:
    """Newest first. A word that few replies hold leads to them; others are met on the way, of which a page looks at `look`."""
    asked = filters or Filters()
    if asked.campaign_id and not has_campaign(tx, account_id, asked.campaign_id):
        return Page((), None)
    parts = words.asked(asked.q or "")
    if (asked.q or "").strip() and not parts:
        return Page((), None)
    above = None if asked.since is None else id_at(asked.since)
    below = after
    if asked.until is not None:
        below = min(below or HIGHEST, id_at(asked.until + 2 * SLACK_MS))
    wanted = partial(_wanted, asked, account_id, parts)
    holders = words.few(tx, reply_words, account_id, parts, few) if parts else None
    if holders is not None:
        ends = (replies.c.id > (above or LOWEST), replies.c.id < (below or HIGHEST))
        found = select(replies).where(replies.c.id.in_(holders), *wanted(replies.c), *ends).offset(0).subquery("found")
        return Page.of(tx.all(select(found).order_by(found.c.id.desc()).limit(limit + 1)), limit)
    way: Way = [(replies.c.account_id, account_id)]
    if asked.campaign_id:
        way = [(replies.c.campaign_id, asked.campaign_id)]
    return newest(tx, replies, way, limit, wanted, above=above, below=below, look=look)


def _wanted(asked: Filters, account_id: str, parts: Sequence[str], of: Columns) -> Iterator[ColumnElement[bool]]:
    yield func.coalesce(of.account_id, literal(LOWEST, Id())) == account_id  # said so that it leads to no index
    if asked.since is not None:
        yield of.received_at >= asked.since
    if asked.until is not None:
        yield of.received_at < asked.until
    if asked.campaign_id is not None:
        yield func.coalesce(of.campaign_id, literal(LOWEST, Id())) == asked.campaign_id
    yield words.hold(of.search, parts)


def _waiting() -> Select[Any]:
    return select(replies).where(replies.c.applied_at.is_(None))


def _apply(tx: Tx, reply: Row[Any]) -> None:
    answered = _answered(tx, reply)
    owner = answered.account_id if answered else _owner(tx, reply.code)
    opt_out = is_stop(reply.text)
    search = words.spaced(reply.text)
    values = {
        "applied_at": tx.now,
        "account_id": owner,
        "message_id": answered.id if answered else None,
        "campaign_id": answered.campaign_id if answered else None,
        "opt_out": opt_out,
        "search": search,
    }
    tx.execute(update(replies).where(replies.c.id == reply.id).values(**values))
    if owner is not None:
        words.put(tx, reply_words, owner, [(reply.id, "", search)])
        events.emit(tx, owner, "reply.received", [{"reply_id": reply.id, "at": tx.now}])
    if opt_out:
        _opt_out(tx, reply, owner, answered.id if answered else None)


def _answered(tx: Tx, reply: Row[Any]) -> Row[Any] | None:
    """The message that left last, of those that this reply may answer. A scheduled one may be much older than its leaving."""
    left_at = func.coalesce(messages.c.sent_at, messages.c.status_at)
    theirs = select(messages).where(
        messages.c.number == reply.number,
        messages.c.source != SYSTEM,
        or_(messages.c.charged, messages.c.status.in_(sorted(IN_DOUBT))),
        or_(messages.c.sender == reply.code, messages.c.mention),
        left_at > reply.received_at - REMEMBERED_MS,
    )
    newest = tx.all(theirs.order_by(left_at.desc(), messages.c.id.desc()).limit(LOOKED_AT))
    return next((row for row in newest if _names(tx, row, reply.code)), None)


def _names(tx: Tx, row: Row[Any], code: str) -> bool:
    """Whether a message told its reader this code, as its sender or in its mention."""
    return bool(row.sender == code or (row.mention and code in tx.rules.mentions.of(row.country).split()))


def _owner(tx: Tx, code: str) -> str | None:
    owner: str | None = tx.scalar(select(inbound_numbers.c.account_id).where(inbound_numbers.c.number == code))
    return owner


def _opt_out(tx: Tx, reply: Row[Any], owner: str | None, message_id: str | None) -> None:
    """Bind the number, and confirm it once: the second STOP finds it bound. It binds whatever becomes of the confirmation."""
    if not blacklist.add(tx, owner or reply.code, reply.number, "STOP", "reply", message_id):
        return
    try:
        with tx.connection.begin_nested():
            _confirm(tx, owner, reply)
    except Exception as error:
        if outages.of(error) is not None:
            raise
        tx.locked.clear()  # what was locked since is free again
        broken.tell("stop.not_confirmed", error, reply_id=reply.id)


def _confirm(tx: Tx, owner: str | None, reply: Row[Any]) -> None:
    """One SMS that says so: 1 credit, or nothing where there is none; the opt-out never depends on it."""
    country = lookup(f"+{reply.number}", "FR").country
    if country is None or not tx.carriers:
        return
    account = accounts.get(tx, owner) if owner else accounts.system(tx)
    affordable = ledger.balance(tx, account.id, lock=True).available >= CONFIRMATION_MILLICREDITS
    note = Note(reply.number, country, reply.code, CONFIRMATION, "notification", REASON)
    notes.send(tx, account.id, note, CONFIRMATION_MILLICREDITS if affordable else 0)
