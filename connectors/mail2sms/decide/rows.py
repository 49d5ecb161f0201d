"""Mails as rows: kept before they are read, so that what kills its reader is counted; and closed with what became of them."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, case, select, update

from connectors.mail2sms import refusals
from connectors.mail2sms.mail import OPEN, Found, Outcome, State, Wrong
from connectors.mail2sms.settings import Office
from connectors.mail2sms.tables import gateways, mails
from core import Tx

MOST_ATTEMPTS: Final = 3
SHORT: Final = 500  # characters of what a row says


class Gone(LookupError):  # noqa: N818 - what it is
    """There is no such row any more: its installation was removed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail's row. outcome: where it is decided already; is_given_up: just now. created_at: when it was first seen (ms)."""

    id: str
    attempts: int
    created_at: int
    outcome: Outcome | None = None
    is_given_up: bool = False


def digest_of(mail: Found) -> str:
    """Of its bytes, and of whom an SMTP session said that it is for: a mail to two people may come in two sessions."""
    whole = hashlib.sha256(mail.raw)
    for recipient in sorted(mail.envelope):
        whole.update(b"\0" + recipient.lower().encode("utf-8", "surrogatepass"))
    return whole.hexdigest()


def keep(tx: Tx, office: Office, intake: str, digest: str) -> Kept:
    """The row of this mail, with one more attempt, or with what became of it: three attempts that told nothing are enough.

    Raises Gone where the installation was removed, whose gateway is held here until the row is there: whoever removes it then finds both.
    """
    here = select(gateways.c.gateway).where(gateways.c.installation_id == office.id)
    if tx.one(here.with_for_update(read=True)) is None:
        raise Gone(office.id)
    values = {
        "id": tx.new_id(),
        "account_id": office.account_id,
        "installation_id": office.id,
        "intake": intake,
        "digest": digest,
        "state": "received",
        "attempts": 0,
        "recipients": 0,
        "created_at": tx.now,
        "state_at": tx.now,
    }
    new = tx.upsert(mails).values(**values)
    tx.execute(new.on_conflict_do_nothing(index_elements=["installation_id", "digest"]))
    mine = (mails.c.installation_id == office.id) & (mails.c.digest == digest)
    (row,) = tx.all(select(mails).where(mine).with_for_update())
    if row.state not in OPEN:
        return Kept(row.id, row.attempts, row.created_at, outcome_of(row))
    if row.attempts >= MOST_ATTEMPTS:
        return Kept(row.id, row.attempts, row.created_at, give_up(tx, row.id), is_given_up=True)
    tx.execute(update(mails).where(mails.c.id == row.id).values(attempts=row.attempts + 1))
    return Kept(row.id, row.attempts + 1, row.created_at)


def found(tx: Tx, mail_id: str) -> Row[Any] | None:
    """The row as it is."""
    return tx.one(select(mails).where(mails.c.id == mail_id))


def locked(tx: Tx, mail_id: str) -> Row[Any]:
    """The row, which nobody else changes until the end of the transaction. Raises Gone."""
    row = tx.one(select(mails).where(mails.c.id == mail_id).with_for_update())
    if row is None:
        raise Gone(mail_id)
    return row


def outcome_of(row: Row[Any]) -> Outcome:
    """What became of a mail."""
    return Outcome(row.state, row.code or "", row.detail or "")


def give_up(tx: Tx, mail_id: str) -> Outcome:
    """It can't be read: a person may look at it where it was put away."""
    return close(tx, mail_id, "poison", Wrong("poison"))


def put_back(tx: Tx, mail_id: str, wrong: Wrong) -> Outcome:
    """It is tried again; this attempt does not count, since the mail is not at fault."""
    left = case((mails.c.attempts > 0, mails.c.attempts - 1), else_=0)
    still = (mails.c.id == mail_id) & mails.c.state.in_(sorted(OPEN))
    tx.execute(update(mails).where(still).values(state="retry", code=wrong.code, attempts=left, state_at=tx.now))
    return Outcome("retry", wrong.code, refusals.said(wrong.code, wrong.facts))


def redraft(tx: Tx, mail_id: str, draft: str, recipients: int) -> None:
    """What a held mail would send has changed, and its sender is told anew."""
    tx.execute(update(mails).where(mails.c.id == mail_id).values(draft=draft, recipients=recipients))


def close(tx: Tx, mail_id: str, state: State, wrong: Wrong | None = None, **values: Any) -> Outcome:
    """What became of it, with the reason where it was not simply sent."""
    code = wrong.code if wrong else None
    detail = refusals.said(wrong.code, wrong.facts)[:SHORT] if wrong else None
    told = {"state": state, "code": code, "detail": detail, "state_at": tx.now, "draft": None}
    tx.execute(update(mails).where(mails.c.id == mail_id).values(**told | values))
    return Outcome(state, code or "", detail or "")
