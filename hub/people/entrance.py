"""The ways in: with a password, and with a link that was mailed. Each ends in a session, whose secret is the answer."""

from typing import Any

from sqlalchemy import select, update

from core import Refused, Runtime, Tx, accounts, schema
from hub.people import attempts, links, passwords, sessions
from hub.people.attempts import MAIL_ADDRESS, MAIL_NETWORK, SIGN_IN_ADDRESS, SIGN_IN_NETWORK
from hub.people.links import INVITATION, RESET, SIGN_UP

users = schema.users


def sign_in(runtime: Runtime, email: str, password: str, network: str) -> str:
    """With a password. Refuses `too_many_attempts`, and `wrong_password` after the same time for an address that nobody has.

    The try is counted before the password is looked at, and given back if it was right.
    """
    with runtime.begin() as tx:
        attempts.take(tx, SIGN_IN_ADDRESS, email)
        attempts.take(tx, SIGN_IN_NETWORK, network)
        known = tx.one(select(users).where(users.c.email == email))
    kept = known.password_hash if known else None
    right = passwords.matches(kept, password)
    new = passwords.renewed(kept, password) if right else kept
    with runtime.begin() as tx:
        if right and known is not None and _still(tx, known, new):
            attempts.forget(tx, SIGN_IN_ADDRESS, email)
            attempts.give_back(tx, SIGN_IN_NETWORK, network)
            accounts.record(tx, known.account_id, f"user:{known.id}", "user.signed_in", {})
            return sessions.begin(runtime, tx, known.id)
        # A row in the trail, whether there is such a user or not: it takes the same time.
        account_id, user_id = (known.account_id, known.id) if known else (None, None)
        accounts.record(tx, account_id, "web", "user.sign_in_refused", {"user_id": user_id})
    raise Refused("wrong_password", "No user has this address and this password.")


def ask_for_link(runtime: Runtime, purpose: str, email: str, network: str, language: str) -> None:
    """A link to sign up or to choose a new password. Refuses `too_many_attempts`; says nothing of who is known."""
    with runtime.begin() as tx:
        attempts.take(tx, MAIL_ADDRESS, email)
        attempts.take(tx, MAIL_NETWORK, network)
        links.ask(tx, purpose, email, language)


def sign_up(runtime: Runtime, secret: str, name: str, password: str) -> str:
    """A new account, and its owner. Refuses `link_over`, `email_taken`, `invalid_account`, `invalid_password`."""
    kept = _hashed_for(runtime, secret, password)
    with runtime.begin() as tx:
        link = _used(tx, secret, SIGN_UP)
        account = accounts.create(tx, name, actor="sign-up")
        user_id = accounts.create_user(tx, account.id, link.email, "owner", kept, "sign-up")
        return sessions.begin(runtime, tx, user_id)


def accept(runtime: Runtime, secret: str, password: str) -> str:
    """A new user of the account that invited. Refuses `link_over`, `email_taken`, `invalid_password`."""
    kept = _hashed_for(runtime, secret, password)
    with runtime.begin() as tx:
        link = _used(tx, secret, INVITATION)
        account_id, role = str(link.account_id), str(link.role)
        user_id = accounts.create_user(tx, account_id, link.email, role, kept, f"invitation:{link.id}")
        return sessions.begin(runtime, tx, user_id)


def reset(runtime: Runtime, secret: str, password: str) -> str:
    """A new password, and no session but the new one; whoever waits because of many attempts waits no more.

    Refuses `link_over` and `invalid_password`.
    """
    kept = _hashed_for(runtime, secret, password)
    with runtime.begin() as tx:
        link = _used(tx, secret, RESET)
        user = tx.one(update(users).where(users.c.email == link.email).values(password_hash=kept).returning(users))
        if user is None:  # removed since the mail was written
            raise Refused("link_over", "This link was used already, or is too old.")
        sessions.end_all(tx, user.id)
        attempts.forget(tx, SIGN_IN_ADDRESS, user.email)
        accounts.record(tx, user.account_id, f"user:{user.id}", "user.password", {"by": "reset"})
        return sessions.begin(runtime, tx, user.id)


def sign_out(runtime: Runtime, person: sessions.Person) -> None:
    """This session is over."""
    with runtime.begin() as tx:
        sessions.end(tx, person.session_id)
        accounts.record(tx, person.account_id, person.actor, "user.signed_out", {})


def _still(tx: Tx, known: Any, new: str | None) -> bool:
    """Whether the password is the user's after all, which may have changed while it was looked at. It is kept as `new` from now on."""
    this = (users.c.id == known.id) & (users.c.password_hash == known.password_hash)
    return tx.execute(update(users).where(this).values(password_hash=new)) == 1


def _hashed_for(runtime: Runtime, secret: str, password: str) -> str:
    """The password as it is kept: made before the transaction, for the owner of a link that is still good."""
    with runtime.read() as tx:
        email = links.read(tx, secret).email
    passwords.check(password, email)
    return passwords.hashed(password)


def _used(tx: Tx, secret: str, purpose: str) -> links.Link:
    link = links.use(tx, secret)
    if link.purpose != purpose:
        raise Refused("link_over", "This link is for something else.")
    return link
