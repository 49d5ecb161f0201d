"""Secrets in addresses: handed out by REST, of conversations, and of held mails that wait for a word. Only their digests are kept.

Clients may write an address in capitals, so a secret is letters and digits that are read in any case (RFC 4648 section 6, lower case).
"""

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, select, update

from connectors.contract import Installation
from connectors.mail2sms.tables import tokens
from core import Tx, accounts

SECRET_BYTES: Final = (
    10  # 80 bits, 16 letters: `sms+r-<id>+<secret>` stays within the 64 octets of RFC 5321 section 4.5.3.1.1
)
DAY_MS: Final = 24 * 3600 * 1000
THREAD_MS: Final = 30 * DAY_MS  # as long as the engine takes a reply for one to the last message
CONFIRM_MS: Final = 3 * DAY_MS
USED_STEP_MS: Final = 60_000  # its last use is written at most once a minute

ADDRESS: Final = "address"
THREAD: Final = "thread"
CONFIRM: Final = "confirm"


@dataclass(frozen=True, slots=True)
class Token:
    """What a secret is good for, by its kind.

    address: mails to `recipients` (anybody, where None), `per_day` of them at most (as many as caps allow, where None).
    thread: answers to the person of `sending_id`. confirm: lets `mail_id` go.
    """

    id: str
    kind: str
    recipients: frozenset[int] | None
    per_day: int | None
    sending_id: str | None
    mail_id: str | None
    expires_at: int | None
    revoked_at: int | None


def is_good(token: Token, now: int) -> bool:
    """Whether it is neither revoked nor over."""
    return token.revoked_at is None and (token.expires_at is None or now < token.expires_at)


def find(tx: Tx, installation_id: str, secret: str) -> Token | None:
    """Whose secret it is, written in any case; one that is over too, for `is_good` to judge. Another installation's is nobody's."""
    if not secret.isascii():
        return None
    row = tx.one(
        select(tokens).where(tokens.c.digest == digest_of(secret), tokens.c.installation_id == installation_id)
    )
    return _token(row) if row else None


def thread(tx: Tx, installation: Installation, sending_id: str) -> str:
    """A secret for the answers to one person, good for 30 days. Those drawn before stay good: each stands in a mail of its own."""
    _, secret = draw(tx, installation, THREAD, sending_id=sending_id, expires_at=tx.now + THREAD_MS)
    return secret


def confirmation(tx: Tx, installation: Installation, mail_id: str) -> str:
    """A secret that lets a held mail go, good for three days."""
    _, secret = draw(tx, installation, CONFIRM, mail_id=mail_id, expires_at=tx.now + CONFIRM_MS)
    return secret


def used(tx: Tx, token: Token) -> None:
    """A mail came by it. To the minute, so that a busy one is not written with every mail."""
    stale = tokens.c.used_at.is_(None) | (tokens.c.used_at <= tx.now - USED_STEP_MS)
    tx.execute(update(tokens).where(tokens.c.id == token.id, stale).values(used_at=tx.now))


def draw(tx: Tx, installation: Installation, kind: str, **fields: Any) -> tuple[str, str]:
    """Keep a new token: its id, and its secret, which nobody can tell again."""
    token_id, secret = tx.new_id(), base64.b32encode(tx.random.randbytes(SECRET_BYTES)).decode().lower()
    row = {
        "id": token_id,
        "account_id": installation.account_id,
        "installation_id": installation.id,
        "kind": kind,
        "digest": digest_of(secret),
        "created_at": tx.now,
    }
    tx.execute(tokens.insert().values(**row, **fields))
    return token_id, secret


def digest_of(secret: str) -> str:
    """How one is kept: so many random bits need neither salt nor a slow hash."""
    return accounts.hash_secret(secret.lower())


def _token(row: Row[Any]) -> Token:
    known = None if row.recipients is None else frozenset(json.loads(row.recipients))
    kept = {name: getattr(row, name) for name in Token.__slots__}
    return Token(**kept | {"recipients": known})
