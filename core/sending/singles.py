"""Messages one at a time, as users handle them: find, change while scheduled, cancel, hide, copy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, literal, literal_column, select, update

from core.accounts import Account
from core.errors import Refused
from core.ranges import HIGHEST, LOWEST, within
from core.runtime import Tx
from core.schema import Id, campaigns, messages
from core.schema.sending import RARE
from core.sending.drafts import Draft, Message
from core.sending.message import FINAL
from core.sending.submit import submit_one
from core.sending.terms import MINUTE_MS
from core.sending.windows import change

SLACK_MS: Final = 1_000
# The condition of an index, word for word: with parameters SQLite does not see that it is the same.
IS_RARE: Final = messages.c.status.in_([literal_column(f"'{status}'") for status in RARE])
EDITABLE: Final = ("text", "sender", "purpose", "send_at", "reference", "stop", "to", "validity_minutes")


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


def listing(
    tx: Tx, account_id: str, limit: int, before_id: str | None = None, filters: Filters | None = None
) -> Sequence[Row[Any]]:
    """Newest first. Ids rise with time, so times of creation are ranges of ids and need no index of their own."""
    asked = filters or Filters()
    if asked.campaign_id and not has_campaign(tx, account_id, asked.campaign_id):
        return []
    below, above = before_id, None
    wanted: list[ColumnElement[bool]] = [messages.c.hidden_at.is_(None)]
    if asked.created_before is not None:
        wanted.append(messages.c.created_at < asked.created_before)
        below = min(below or HIGHEST, id_at(asked.created_before + 2 * SLACK_MS))
    if asked.created_after is not None:
        wanted.append(messages.c.created_at > asked.created_after)
        above = id_at(asked.created_after)
    if asked.status:
        wanted.append(messages.c.status == asked.status)
    if few := _few(asked, account_id):
        wanted += [*few, messages.c.id > (above or LOWEST), messages.c.id < (below or HIGHEST)]
        return tx.all(select(messages).where(*wanted).order_by(messages.c.id.desc()).limit(limit))
    owner, owner_id = (
        (messages.c.campaign_id, asked.campaign_id) if asked.campaign_id else (messages.c.account_id, account_id)
    )
    theirs = within(owner, owner_id, messages.c.id, above=above, below=below)
    return tx.all(select(messages).where(theirs, *wanted).order_by(owner.desc(), messages.c.id.desc()).limit(limit))


def has_campaign(tx: Tx, account_id: str, campaign_id: str) -> bool:
    """Whether the campaign is the account's: then so are its messages, and what was answered to them."""
    mine = (campaigns.c.id == campaign_id) & (campaigns.c.account_id == account_id)
    return tx.one(select(campaigns.c.id).where(mine)) is not None


def _few(asked: Filters, account_id: str) -> list[ColumnElement[bool]]:
    """What narrows a list to few rows, where an index of their own finds them; the other conditions must not lead to another one."""
    narrow: list[ColumnElement[bool]] = []
    if asked.number is not None:
        narrow += [
            messages.c.number == asked.number,
            func.coalesce(messages.c.account_id, literal(LOWEST, Id())) == account_id,
        ]
    if asked.reference:
        same = messages.c.reference == asked.reference
        narrow += [same] if narrow else [same, messages.c.account_id == account_id]
    if asked.status in RARE and not narrow and not asked.campaign_id:
        narrow += [IS_RARE, messages.c.account_id == account_id]
    if narrow and asked.campaign_id:
        narrow.append(func.coalesce(messages.c.campaign_id, literal(LOWEST, Id())) == asked.campaign_id)
    return narrow


def owned(tx: Tx, account_id: str, ids: Sequence[str]) -> set[str]:
    """Which of these ids are messages of the account."""
    mine = select(messages.c.id).where(messages.c.account_id == account_id, tx.among(messages.c.id, ids))
    return {row.id for row in tx.all(mine)} if ids else set()


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
