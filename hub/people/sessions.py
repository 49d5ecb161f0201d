"""Sessions: a browser is known by an opaque secret in its cookie, of which only a digest is kept.

One ends when it was not used for IDLE_MS, and LONGEST_MS after it began; at sign-out, with a new password or another role, and with
its user. Reading one costs an indexed row; its last use is written at most once a minute.
"""

import base64
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select, update

from core import Runtime, Tx, accounts, schema
from hub.people.tables import sessions

IDLE_MS: Final = 8 * 3_600_000  # a working day
LONGEST_MS: Final = 7 * 24 * 3_600_000
SEEN_STEP_MS: Final = 60_000
SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in, as the database has them now."""

    user_id: str
    account_id: str
    email: str
    role: str
    session_id: str

    @property
    def actor(self) -> str:
        """Their name in the audit trail."""
        return f"user:{self.user_id}"


def begin(runtime: Runtime, tx: Tx, user_id: str) -> str:
    """A new session; its secret, for the cookie."""
    secret = new_secret(runtime)
    row = {"id": tx.new_id(), "user_id": user_id, "digest": accounts.hash_secret(secret)}
    tx.execute(sessions.insert().values(**row, created_at=tx.now, seen_at=tx.now, ends_at=tx.now + IDLE_MS))
    return secret


def new_secret(runtime: Runtime) -> str:
    """256 random bits, in letters that stand in cookies and addresses as they are."""
    return base64.urlsafe_b64encode(runtime.random.randbytes(SECRET_BYTES)).decode().rstrip("=")


def whose(runtime: Runtime, secret: str | None) -> Person | None:
    """Whose session this is; None where it is nobody's, or over. Using it keeps it alive."""
    if not secret:
        return None
    users = schema.users
    known = select(sessions, users.c.account_id, users.c.email, users.c.role).join(
        users, users.c.id == sessions.c.user_id
    )
    with runtime.read() as tx:
        row = tx.one(known.where(sessions.c.digest == accounts.hash_secret(secret)))
        now = tx.now
    if row is None or row.ends_at <= now:
        return None
    if now - row.seen_at >= SEEN_STEP_MS:
        _seen(runtime, row.id, min(now + IDLE_MS, row.created_at + LONGEST_MS))
    return Person(row.user_id, row.account_id, row.email, row.role, row.id)


def end(tx: Tx, session_id: str) -> None:
    """Signed out."""
    tx.execute(delete(sessions).where(sessions.c.id == session_id))


def end_all(tx: Tx, user_id: str, *, but: str | None = None) -> None:
    """Signed out everywhere; `but` is the id of a session that may stay."""
    others = [sessions.c.id != but] if but else []
    tx.execute(delete(sessions).where(sessions.c.user_id == user_id, *others))


def _seen(runtime: Runtime, session_id: str, ends_at: int) -> None:
    with runtime.begin() as tx:
        tx.execute(update(sessions).where(sessions.c.id == session_id).values(seen_at=tx.now, ends_at=ends_at))
