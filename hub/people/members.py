"""The users of an account: listed, given another role, removed. An account keeps one owner at least; every change is in the audit trail."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, delete, select, update

from core import Refused, Tx, accounts, schema
from hub.api.schemas import is_id
from hub.people import attempts, links, roles, sessions
from hub.people.attempts import INVITATIONS, MAIL_ADDRESS
from hub.people.links import Invited
from hub.people.sessions import Person

MOST: Final = 200  # of one account, with those that are invited

users = schema.users


@dataclass(frozen=True, slots=True)
class Member:
    """A user of an account."""

    id: str
    email: str
    role: str
    created_at: int


def everyone(tx: Tx, account_id: str) -> list[Member]:
    """All of them, the oldest first."""
    return [_member(row) for row in tx.all(_theirs(account_id))]


def get(tx: Tx, account_id: str, user_id: str) -> Member:
    """One of them. Refuses with `not_found`."""
    row = tx.one(_theirs(account_id).where(users.c.id == _known(user_id)))
    if row is None:
        raise _nobody()
    return _member(row)


def invite(tx: Tx, by: Person, email: str, role: str, language: str) -> None:
    """Mail an invitation. Refuses `invalid_role`, `too_many_attempts`, and `too_many_members` where the account is full.

    Whether the address has a user already is told to nobody but the address: the mail says so.
    """
    check_role(tx, by.account_id, role)
    if len(everyone(tx, by.account_id)) + len(links.invitations(tx, by.account_id)) >= MOST:
        raise Refused("too_many_members", f"An account has {MOST} people at most, with those that are invited.")
    attempts.take(tx, MAIL_ADDRESS, email)
    attempts.take(tx, INVITATIONS, by.account_id)
    link_id = links.ask(tx, links.INVITATION, email, language, Invited(by.account_id, role, by.user_id))
    accounts.record(tx, by.account_id, by.actor, "invitation.sent", {"link_id": link_id, "role": role})


def take_back(tx: Tx, by: Person, link_id: str) -> None:
    """An invitation that is not meant any more. Refuses with `not_found`."""
    links.take_back(tx, by.account_id, _known(link_id))
    accounts.record(tx, by.account_id, by.actor, "invitation.taken_back", {"link_id": link_id})


def change_role(tx: Tx, by: Person, user_id: str, role: str) -> None:
    """Another role: no session, and no invitation, with the old one. Refuses `not_found`, `invalid_role`, `last_owner`."""
    check_role(tx, by.account_id, role)
    member = _locked(tx, by.account_id, user_id, leaves=role)
    if member.role == role:
        return
    tx.execute(update(users).where(users.c.id == user_id).values(role=role))
    _end(tx, by.account_id, user_id)
    detail = {"user_id": user_id, "from": member.role, "to": role}
    accounts.record(tx, by.account_id, by.actor, "user.role", detail)


def remove(tx: Tx, by: Person, user_id: str) -> None:
    """Nobody's user any more: signed out everywhere, and the address is free. Refuses `not_found`, `last_owner`."""
    member = _locked(tx, by.account_id, user_id, leaves=None)
    _end(tx, by.account_id, user_id)
    tx.execute(delete(users).where(users.c.id == user_id))
    accounts.record(tx, by.account_id, by.actor, "user.removed", {"user_id": user_id, "role": member.role})


def _locked(tx: Tx, account_id: str, user_id: str, *, leaves: str | None) -> Member:
    """The member, with all others held still: two owners who demote each other at once would leave none."""
    everyone_ = [_member(row) for row in tx.all(_theirs(account_id).with_for_update())]
    found = next((one for one in everyone_ if one.id == user_id), None)
    if found is None:
        raise _nobody()
    leading = roles.of_kind(accounts.get(tx, account_id).kind)[0]
    leaders = [one for one in everyone_ if one.role == leading]
    if leaders == [found] and leaves != leading:
        raise Refused("last_owner", "An account keeps one owner at least: make somebody else one first.")
    return found


def _end(tx: Tx, account_id: str, user_id: str) -> None:
    """What this person could do until now."""
    sessions.end_all(tx, user_id)
    links.take_back_all(tx, account_id, user_id)


def check_role(tx: Tx, account_id: str, role: str) -> None:
    """Refuse (`invalid_role`) a role that people of this account can't have."""
    known = roles.of_kind(accounts.get(tx, account_id).kind)
    if role not in known:
        raise Refused.at("/role", "invalid_role", f"must be one of {', '.join(known)}")


def _theirs(account_id: str) -> Any:
    return select(users).where(users.c.account_id == account_id).order_by(users.c.id)


def _known(text: str) -> str:
    """The text if it may be an id, otherwise the id of nothing: PostgreSQL refuses to compare the rest."""
    return text if is_id(text) else "00000000-0000-0000-0000-000000000000"


def _nobody() -> Refused:
    return Refused("not_found", "There is no such person in this account.")


def _member(row: Row[Any]) -> Member:
    return Member(row.id, row.email, row.role, row.created_at)
