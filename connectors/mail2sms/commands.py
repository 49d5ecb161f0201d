"""What operators look at: which mails came lately and what became of them, and how reading the mailboxes goes. No texts, no numbers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from sqlalchemy import Row, select

from connectors.contract import Command, Visit
from connectors.mail2sms.lately import outcome
from connectors.mail2sms.mail import State
from connectors.mail2sms.moments import iso
from connectors.mail2sms.settings import office_of
from connectors.mail2sms.tables import mailboxes, mails
from core import Refused, Tx, accounts

SHOWN: Final = 50
LATELY_MS: Final = 30 * 24 * 3600 * 1000
LOOKED_AT: Final = 5_000  # of one installation, for a state


def list_mails(visit: Visit, options: Mapping[str, str | None]) -> Iterator[str]:
    """The newest mails, a line each, the newest last."""
    account, state = options.get("account"), options.get("state")
    if state and state not in get_args(State):
        raise Refused("invalid_request", f"--state must be one of {', '.join(get_args(State))}.")
    with visit.runtime.read() as tx:
        account_id = accounts.find(tx, account).id if account else None
    installation = visit.tools.installations.of_account(account_id) if account_id else None
    if account_id and installation is None:
        yield "This account has no Mail2SMS."
        return
    with visit.runtime.read() as tx:
        found = _of_one(tx, installation.id, state) if installation else _of_all(tx, state)
    for row in reversed(found):
        yield f"{iso(row.created_at)}  {row.intake:<4}  {row.account_id}  {row.sender or '-'}  {outcome(row)}"


def _of_all(tx: Tx, state: str | None) -> Sequence[Row[Any]]:
    lately = mails.c.created_at > tx.now - LATELY_MS
    newest = select(mails).where(lately).order_by(mails.c.created_at.desc(), mails.c.id.desc())
    if state:
        newest = select(mails).where(mails.c.state == state).order_by(mails.c.state_at.desc())
    return tx.all(newest.limit(SHOWN))


def _of_one(tx: Tx, installation_id: str, state: str | None) -> Sequence[Row[Any]]:
    newest = select(mails).where(mails.c.installation_id == installation_id).order_by(mails.c.id.desc())
    if not state:
        return tx.all(newest.limit(SHOWN))
    looked_at = newest.limit(LOOKED_AT).subquery()
    return tx.all(select(looked_at).where(looked_at.c.state == state).order_by(looked_at.c.id.desc()).limit(SHOWN))


def list_mailboxes(visit: Visit, _options: Mapping[str, str | None]) -> Iterator[str]:
    """A line for each mailbox that is set: whose, whether it is read, and what is wrong."""
    with visit.runtime.read() as tx:
        known = {row.installation_id: row for row in tx.all(select(mailboxes))}
        now = tx.now
    for installation in visit.tools.installations.every():
        office = office_of(installation)
        if office.mailbox is not None:
            where = f"{office.mailbox.username} at {office.mailbox.host}"
            yield f"{office.account_id}  {where}  {_state(known.get(office.id), now)}"


def _state(row: Row[Any] | None, now: int) -> str:
    if row is None or row.owner is None or row.lease_until <= now:
        return "read by nobody"
    heard = f"heard {(now - row.heard_at) // 1000} s ago" if row.heard_at is not None else "not heard yet"
    return f"{heard}: {row.trouble}" if row.trouble else heard


COMMANDS: Final = (
    Command(
        "mails",
        "The newest mails and what became of them, without what they say.",
        list_mails,
        {"account": "of this account only (an id, or a name)", "state": f"in this state: {', '.join(get_args(State))}"},
    ),
    Command("mailboxes", "The mailboxes, and when their servers were last heard.", list_mailboxes),
)
