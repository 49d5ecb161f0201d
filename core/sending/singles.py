"""Messages one at a time, as users handle them: find, change while scheduled, cancel, hide, copy."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, select, update

from core.accounts import Account
from core.errors import Refused
from core.ranges import HIGHEST, LOOK, LOWEST, Columns, Page, Way, newest
from core.runtime import Tx
from core.schema import accounts, campaign_counts, campaigns, messages, windows
from core.schema.sending import RARE
from core.sending import waiting
from core.sending.drafts import Draft, Message
from core.sending.message import FINAL
from core.sending.submit import submit_one
from core.sending.terms import MINUTE_MS
from core.sending.windows import change

SLACK_MS: Final = 1_000
# What is being sent is in the chunk of an open window.
IN_FLIGHT: Final = messages.c.chunk_id.in_(select(windows.c.chunk_id).where(windows.c.closed_at.is_(None)))
EDITABLE: Final = ("text", "sender", "purpose", "send_at", "reference", "stop", "to", "validity_minutes")

Wanted = Callable[[Columns], Iterator[ColumnElement[bool]]]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which messages to list; None asks nothing."""

    status: str | None = None
    campaign_id: str | None = None
    reference: str | None = None
    number: int | None = None
    created_after: int | None = None
    created_before: int | None = None


def get(tx: Tx, account_id: str, message_id: str, *, lock: bool = False) -> Row[Any]:
    """The account's message. Refuses with `not_found`."""
    mine = select(messages).where(messages.c.id == message_id, messages.c.account_id == account_id)
    row = tx.one(mine.with_for_update() if lock else mine)
    if row is None:
        raise Refused("not_found", "There is no such message.")
    return row


def page(
    tx: Tx, account_id: str, limit: int, after: str | None = None, filters: Filters | None = None, *, look: int = LOOK
) -> Page:
    """Newest first. Ids rise with time, so times of creation are ranges of ids and need no index of their own.

    Rare and open states have indexes of their own. The common ones are met on the way from the newest, and where they are not,
    because the account has few of them or none, the page ends after `look` messages and the next one goes on there.
    """
    asked = filters or Filters()
    if asked.campaign_id and not _may_have(tx, account_id, asked.campaign_id, asked.status):
        return Page((), None)
    below, above = after, None
    if asked.created_before is not None:
        below = min(below or HIGHEST, id_at(asked.created_before + 2 * SLACK_MS))
    if asked.created_after is not None:
        above = id_at(asked.created_after)
    wanted = partial(_wanted, asked, account_id)
    if asked.status in {"queued", "sending"} and asked.number is None and not asked.reference:
        ends = (above or LOWEST, below or HIGHEST)
        if asked.status == "sending":
            return Page.of(_in_flight(tx, limit + 1, wanted, *ends), limit)
        return Page.of(
            waiting.queued(tx, account_id, limit + 1, list(wanted(messages.c)), asked.campaign_id, *ends), limit
        )
    walk = partial(newest, tx, messages, limit=limit, wanted=wanted, above=above, below=below, look=look)
    found = walk(way=_way(asked, account_id))
    if found.next_after is None or asked.number is None or owned(tx, account_id, [found.next_after]):
        return found
    # A number's messages are all accounts', and nobody is told of another's, not even by where a page ends. After the last row shown
    # the next page looks again; with none to show, this one goes by the account's own messages instead, and so certainly goes on.
    return Page(found.rows, found.rows[-1].id) if found.rows else walk(way=[(messages.c.account_id, account_id)])


def _way(asked: Filters, account_id: str) -> Way:
    """The index that leads to the fewest of the messages that are not asked for."""
    if asked.reference:
        return [(messages.c.account_id, account_id), (messages.c.reference, asked.reference)]
    if asked.number is not None:
        return [(messages.c.number, asked.number)]
    owner: Way = [
        (messages.c.campaign_id, asked.campaign_id) if asked.campaign_id else (messages.c.account_id, account_id)
    ]
    return [*owner, (messages.c.rare, asked.status)] if asked.status in RARE else owner


def _wanted(asked: Filters, account_id: str, of: Columns) -> Iterator[ColumnElement[bool]]:
    """All that was asked, whichever index leads there."""
    yield of.hidden_at.is_(None)
    yield of.account_id == account_id
    if asked.created_before is not None:
        yield of.created_at < asked.created_before
    if asked.created_after is not None:
        yield of.created_at > asked.created_after
    for name in ("status", "campaign_id", "reference", "number"):
        if (value := getattr(asked, name)) is not None:
            yield of[name] == value


def _in_flight(tx: Tx, limit: int, wanted: Wanted, above: str, below: str) -> Sequence[Row[Any]]:
    """What is being sent, in the chunks of open windows; OFFSET keeps the other conditions from leading to another index."""
    sending = select(messages).where(IN_FLIGHT, messages.c.status == "sending").offset(0).subquery("near")
    theirs = select(sending).where(*wanted(sending.c), sending.c.id > above, sending.c.id < below)
    return tx.all(theirs.order_by(sending.c.id.desc()).limit(limit))


def _may_have(tx: Tx, account_id: str, campaign_id: str, status: str | None) -> bool:
    """Whether the campaign is the account's, and its counters know of messages with this status: else none need be looked for."""
    if not has_campaign(tx, account_id, campaign_id):
        return False
    if status is None:
        return True
    counted = select(func.sum(campaign_counts.c.messages)).where(
        campaign_counts.c.campaign_id == campaign_id, campaign_counts.c.status == status
    )
    return bool(tx.scalar(counted))


def has_campaign(tx: Tx, account_id: str, campaign_id: str) -> bool:
    """Whether the campaign is the account's: then so are its messages, and what was answered to them."""
    mine = (campaigns.c.id == campaign_id) & (campaigns.c.account_id == account_id)
    return tx.one(select(campaigns.c.id).where(mine)) is not None


def owned(tx: Tx, account_id: str, ids: Sequence[str]) -> set[str]:
    """Which of these ids are messages of the account."""
    mine = select(messages.c.id).where(messages.c.account_id == account_id, tx.among(messages.c.id, ids))
    return {row.id for row in tx.all(mine)} if ids else set()


def hubs_own(tx: Tx, ids: Sequence[str]) -> set[str]:
    """Which of these ids are messages that the hub sent for no customer: codes of the opt-out page, and the like."""
    of_hub = select(messages.c.id).join(accounts, accounts.c.id == messages.c.account_id)
    theirs = of_hub.where(accounts.c.kind == "system", tx.among(messages.c.id, ids))
    return {row.id for row in tx.all(theirs)} if ids else set()


def id_at(millisecond: int) -> str:
    """The lowest id that can be made at this time: SLACK_MS are left for an id clock that ran ahead of, or behind, the rows'."""
    digits = f"{max(0, millisecond - SLACK_MS):012x}"
    return f"{digits[:8]}-{digits[8:12]}-7000-8000-000000000000"


def edit(tx: Tx, account: Account, message_id: str, changes: Mapping[str, Any]) -> Row[Any]:
    """Change a scheduled message: what comes out is what a new draft with these fields would be. Else `already_started`."""
    row = get(tx, account.id, message_id, lock=True)
    if row.status != "scheduled":
        raise Refused("already_started", f"The message is {row.status}: only a scheduled one can be changed.")
    chosen = {"stop": None} if "purpose" in changes else {}  # another purpose has its own rule for the mention
    draft = Draft(**({name: _as_drafted(tx, account, row, name) for name in EDITABLE} | chosen | dict(changes)))
    draft = replace(draft, send_at=max(draft.send_at or 0, tx.now))  # from when on its validity counts
    # Nothing is held for a scheduled message: it can make way for the new draft, which is accepted under its id, or refused.
    tx.execute(messages.delete().where(messages.c.id == message_id))
    submit_one(tx, account, row.source, draft, replaces=row)
    return get(tx, account.id, message_id)


def _as_drafted(tx: Tx, account: Account, row: Row[Any], name: str) -> Any:
    """A field of a message as its draft had it."""
    if name == "text" and row.mention:
        return row.text.removesuffix(f" {tx.rules.mentions.of(row.country)}")
    if name == "to":
        return f"+{row.number}"
    if name == "stop":
        return None if account.kind == "marketing" or row.purpose != "notification" else bool(row.mention)
    if name == "validity_minutes":
        return (row.expires_at - max(row.send_at or 0, row.created_at)) // MINUTE_MS
    return getattr(row, name)


def cancel(tx: Tx, account_id: str, message_id: str) -> Row[Any]:
    """Scheduled or queued: it will not be sent. Under way: `in_progress`. Over: hidden from lists, kept in reports."""
    row = get(tx, account_id, message_id, lock=True)
    if row.status in FINAL:
        tx.execute(update(messages).where(messages.c.id == message_id).values(hidden_at=tx.now))
        return row
    if row.status in {"sending", "unknown"}:
        raise Refused("in_progress", "The carrier may have this message already: it cannot be called back.")
    change(tx, [row], "cancelled")
    return get(tx, account_id, message_id)


def copy(tx: Tx, account: Account, source: str, message_id: str) -> Message:
    """The same message again, as a new one: at its time if that is still to come, else now."""
    row = get(tx, account.id, message_id)
    later = row.send_at if (row.send_at or 0) > tx.now else None
    draft = Draft(**({name: _as_drafted(tx, account, row, name) for name in EDITABLE} | {"send_at": later}))
    return submit_one(tx, account, source, draft)
