"""Grants: what somebody let an application do. Given by a consent, listed, and ended, with everything that came of them.

A grant is the family of its tokens, and its row is the one lock of all that is done with them: whoever redeems a code, refreshes or
revokes holds it (`held`) from reading to writing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Row, Select, and_, func, or_, select, update

from core import Refused, Tx, accounts, jobs, schema
from hub.hooks import endpoints
from hub.hooks.tables import hooks
from hub.oauth import scopes
from hub.oauth.clients import Client
from hub.oauth.tables import oauth_clients, oauth_grants

MOST_SHOWN: Final = 200

_ACTOR: Final = "grant:"
_users = schema.users


@dataclass(frozen=True, slots=True)
class Grant:
    """One that is good: not ended, its client there, and its person, if it has one, still of the account."""

    id: str
    client_id: str
    account_id: str
    user_id: str | None
    email: str | None
    role: str | None
    scopes: str
    source: str
    used_at: int | None

    @property
    def left(self) -> str:
        """What of its scopes the role of its person allows now."""
        return scopes.left(self.scopes, self.role)

    @property
    def actor(self) -> str:
        """Its name in the audit trail."""
        return f"{_ACTOR}{self.id}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A grant as people see it. `hooks`: how many addresses are told of events because of it."""

    id: str
    name: str
    email: str | None
    scopes: Sequence[str]
    created_at: int
    used_at: int | None
    hooks: int


def give(tx: Tx, client: Client, user_id: str, account_id: str, granted: str, ends_at: int) -> str:
    """A consent, good until `ends_at` unless tokens are made of it; its id."""
    grant_id = tx.new_id()
    row = {"id": grant_id, "client_id": client.id, "account_id": account_id, "user_id": user_id, "scopes": granted}
    tx.execute(oauth_grants.insert().values(**row, created_at=tx.now, ends_at=ends_at))
    detail = {"grant_id": grant_id, "client_id": client.id, "client": client.name, "scopes": granted}
    accounts.record(tx, account_id, f"user:{user_id}", "oauth.granted", detail)
    return grant_id


def found(tx: Tx, grant_id: str) -> Grant | None:
    """The grant; None where it is not good any more."""
    row = tx.one(_wanted(grant_id))
    return of_row(row) if row else None


def held(tx: Tx, grant_id: str) -> Grant | None:
    """The same, locked until the transaction ends."""
    row = tx.one(_wanted(grant_id).with_for_update(of=oauth_grants))
    return of_row(row) if row else None


def by_itself(tx: Tx, client: Client) -> Grant | None:
    """What a client may do without a person, locked; None where that was taken back."""
    mine = (oauth_grants.c.client_id == client.id) & oauth_grants.c.user_id.is_(None)
    found = tx.scalar(select(oauth_grants.c.id).where(mine))
    return held(tx, found) if found else None


def reaches(tx: Tx, grant_id: str, ends_at: int) -> None:
    """Its tokens now end later, and it was used."""
    last = (oauth_grants.c.id == grant_id) & oauth_grants.c.ends_at.is_not(None)
    tx.execute(update(oauth_grants).where(last).values(ends_at=ends_at))


def listed(tx: Tx, account_id: str, user_id: str | None = None) -> list[Shown]:
    """The account's good grants, or those that one user gave; newest first."""
    wanted = _shown().where(*_whose(account_id, user_id)).order_by(oauth_grants.c.id.desc())
    return [_as_shown(row) for row in tx.all(wanted.limit(MOST_SHOWN))]


def shown(tx: Tx, account_id: str, grant_id: str, user_id: str | None = None) -> Shown:
    """One of those. Refuses with `not_found`."""
    row = tx.one(_shown().where(*_whose(account_id, user_id), oauth_grants.c.id == endpoints.known_id(grant_id)))
    if row is None:
        raise Refused("not_found", "There is no such grant, or it has ended.")
    return _as_shown(row)


def revoke(tx: Tx, account_id: str, grant_id: str, actor: str, user_id: str | None = None) -> None:
    """End one of those. Refuses with `not_found`."""
    end(tx, shown(tx, account_id, grant_id, user_id).id, "revoked", actor)


def end(tx: Tx, grant_id: str, reason: str, actor: str) -> bool:
    """Every code and token of it is dead from now on, and the hooks that they made are gone; False where it had ended before.

    Its connector is told afterwards and, where a code or token of it was `reused`, the account by mail: see `hub.oauth.ended`.
    """
    mine = (oauth_grants.c.id == grant_id) & oauth_grants.c.ended_at.is_(None)
    if not tx.execute(update(oauth_grants).where(mine).values(ended_at=tx.now, ended_reason=reason)):
        return False
    of_client = oauth_grants.join(oauth_clients, oauth_clients.c.id == oauth_grants.c.client_id)
    whose = select(oauth_grants.c.account_id, oauth_clients.c.connector, oauth_clients.c.name)
    row = tx.one(whose.select_from(of_client).where(oauth_grants.c.id == grant_id))
    if row is None:
        raise LookupError(f"the grant {grant_id} has no client")
    gone = endpoints.delete_of_grant(tx, grant_id)
    detail = {"grant_id": grant_id, "client": row.name, "reason": reason, "hooks": gone}
    accounts.record(tx, row.account_id, actor, "oauth.ended", detail)
    if row.connector is not None:
        jobs.add(tx, row.account_id, "oauth.grant_ended", grant_id)
    if reason == "reused":
        jobs.add(tx, row.account_id, "mail.grant_reused", grant_id)
    return True


def of_actor(actor: str) -> str | None:
    """The id of the grant that acts under this name; None where it is none that does."""
    return actor.removeprefix(_ACTOR) if actor.startswith(_ACTOR) else None


def _whose(account_id: str, user_id: str | None) -> Sequence[ColumnElement[bool]]:
    mine = [oauth_grants.c.user_id == user_id] if user_id else []
    return [oauth_grants.c.account_id == account_id, *mine, good()]


def _shown() -> Select[Any]:
    living = and_(hooks.c.grant_id == oauth_grants.c.id, func.coalesce(hooks.c.disabled_reason, "") != "deleted")
    told = select(func.count()).select_from(hooks).where(living).scalar_subquery()
    wanted = select(*COLUMNS, oauth_clients.c.name, oauth_grants.c.created_at, told.label("hooks"))
    return wanted.select_from(joined(oauth_grants))


def _as_shown(row: Row[Any]) -> Shown:
    return Shown(
        id=row.grant_id,
        name=row.name,
        email=row.email,
        scopes=of_row(row).left.split(),
        created_at=row.created_at,
        used_at=row.used_at,
        hooks=row.hooks,
    )


def _wanted(grant_id: str) -> Select[Any]:
    return select(*COLUMNS).select_from(joined(oauth_grants)).where(oauth_grants.c.id == grant_id, good())


def joined(start: FromClause) -> FromClause:
    """Grants with their client and, where they have one, their person; `start` holds the grants."""
    theirs = and_(_users.c.id == oauth_grants.c.user_id, _users.c.account_id == oauth_grants.c.account_id)
    return start.join(oauth_clients, oauth_clients.c.id == oauth_grants.c.client_id).outerjoin(_users, theirs)


def good() -> ColumnElement[bool]:
    """What is asked of a row of `joined` for its grant to be good."""
    known = or_(oauth_grants.c.user_id.is_(None), _users.c.id.is_not(None))
    return and_(oauth_grants.c.ended_at.is_(None), oauth_clients.c.deleted_at.is_(None), known)


COLUMNS: Final = (
    oauth_grants.c.id.label("grant_id"),
    oauth_grants.c.client_id,
    oauth_grants.c.account_id,
    oauth_grants.c.user_id,
    _users.c.email,
    _users.c.role,
    oauth_grants.c.scopes.label("granted"),
    func.coalesce(oauth_clients.c.connector, oauth_clients.c.name).label("source"),
    oauth_grants.c.used_at,
)


def of_row(row: Row[Any], granted: str | None = None) -> Grant:
    """The grant of a row of COLUMNS; `granted`: a part of its scopes."""
    return Grant(
        id=row.grant_id,
        client_id=row.client_id,
        account_id=row.account_id,
        user_id=row.user_id,
        email=row.email,
        role=row.role,
        scopes=row.granted if granted is None else granted,
        source=row.source,
        used_at=row.used_at,
    )
