"""Links by mail, for whoever reads the mail of an address: to sign up, to accept an invitation, to choose a new password.

A link is promised (`ask`), then written by a job, which draws its secret and mails it: only a digest stands in the database, and a request
takes as long whether the address is known or not. It is used once (`use`), in the transaction that does what it is for.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, delete, select, update

from core import Refused, Runtime, Tx, accounts, jobs, schema
from hub.people.sessions import new_secret
from hub.people.tables import links

SIGN_UP: Final = "sign_up"
INVITATION: Final = "invitation"
RESET: Final = "reset"
LINK_MAIL: Final = "mail.link"  # the job
HOUR_MS: Final = 3_600_000
LIFE_MS: Final = {SIGN_UP: 24 * HOUR_MS, INVITATION: 7 * 24 * HOUR_MS, RESET: HOUR_MS}


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is for. `account_id`, `role` and `made_by` are those of an invitation; `language` is its mail's."""

    id: str
    purpose: str
    email: str
    language: str
    account_id: str | None
    role: str | None
    made_by: str | None
    created_at: int
    ends_at: int


@dataclass(frozen=True, slots=True)
class Invited:
    """Where an invitation leads, and who sent it."""

    account_id: str
    role: str
    made_by: str


def ask(tx: Tx, purpose: str, email: str, language: str, to: Invited | None = None) -> str:
    """Promise a link to this address; its id. What was promised before to the same address, for the same thing, is over."""
    account_id = to.account_id if to else None
    same = (links.c.email == email) & (links.c.purpose == purpose) & links.c.used_at.is_(None)
    tx.execute(delete(links).where(same, links.c.account_id == account_id if to else links.c.account_id.is_(None)))
    row = {
        "id": tx.new_id(),
        "purpose": purpose,
        "email": email,
        "language": language,
        "account_id": account_id,
        "role": to.role if to else None,
        "made_by": to.made_by if to else None,
        "created_at": tx.now,
        "ends_at": tx.now + LIFE_MS[purpose],
    }
    tx.execute(links.insert().values(**row))
    jobs.add(tx, account_id or accounts.system(tx).id, LINK_MAIL, str(row["id"]))
    return str(row["id"])


def draw(runtime: Runtime, link_id: str) -> tuple[Link, str] | None:
    """The link with a new secret, for the mail that is written now; None where it is over. One that was drawn before opens no more."""
    secret = new_secret(runtime)
    with runtime.begin() as tx:
        row = tx.one(select(links).where(links.c.id == link_id, *_alive(tx)).with_for_update())
        if row is None:
            return None
        tx.execute(update(links).where(links.c.id == link_id).values(digest=accounts.hash_secret(secret)))
    return _link(row), secret


def read(tx: Tx, secret: str) -> Link:
    """What this link is for; reading uses nothing up, since programs that look after mail open links too. Refuses (`link_over`)."""
    row = tx.one(select(links).where(links.c.digest == accounts.hash_secret(secret), *_alive(tx)))
    if row is None:
        raise _over()
    return _link(row)


def use(tx: Tx, secret: str) -> Link:
    """The same, and nobody uses it again."""
    this = (links.c.digest == accounts.hash_secret(secret)) & links.c.used_at.is_(None) & (links.c.ends_at > tx.now)
    row = tx.one(update(links).where(this).values(used_at=tx.now).returning(links))
    if row is None:
        raise _over()
    return _link(row)


def invitations(tx: Tx, account_id: str) -> list[Link]:
    """Invitations to an account that nobody has accepted yet."""
    open_ = select(links).where(links.c.account_id == account_id, links.c.purpose == INVITATION, *_alive(tx))
    return [_link(row) for row in tx.all(open_.order_by(links.c.id))]


def take_back(tx: Tx, account_id: str, link_id: str) -> None:
    """The invitation is not meant any more. Refuses with `not_found`."""
    mine = (links.c.id == link_id) & (links.c.account_id == account_id) & links.c.used_at.is_(None)
    if not tx.execute(delete(links).where(mine)):
        raise Refused("not_found", "There is no such invitation.")
    jobs.cancel(tx, LINK_MAIL, link_id)


def take_back_all(tx: Tx, account_id: str, made_by: str) -> None:
    """Nor are those that this user sent."""
    theirs = (links.c.account_id == account_id) & (links.c.made_by == made_by) & links.c.used_at.is_(None)
    tx.execute(delete(links).where(theirs))


def is_known(tx: Tx, email: str) -> bool:
    """Whether the address has a user."""
    return tx.one(select(schema.users.c.id).where(schema.users.c.email == email)) is not None


def _alive(tx: Tx) -> tuple[Any, ...]:
    return links.c.used_at.is_(None), links.c.ends_at > tx.now


def _link(row: Row[Any]) -> Link:
    return Link(**{name: getattr(row, name) for name in Link.__slots__})


def _over() -> Refused:
    return Refused("link_over", "This link was used already, or is too old.")
