"""Authorization codes: for a minute, once, and for who has the verifier of PKCE."""

from dataclasses import dataclass
from typing import ClassVar, Final

from sqlalchemy import select, update

from core import Tx
from hub.oauth import grants
from hub.oauth.grants import Grant
from hub.oauth.tables import oauth_codes

LIFE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Code:
    """A code and its grant, as Authlib asks for them. `used`: it was redeemed before."""

    code_challenge_method: ClassVar[str] = "S256"

    digest: str
    redirect_uri: str
    code_challenge: str
    used: bool
    grant: Grant

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.grant.left


def keep(tx: Tx, digest: str, grant_id: str, redirect_uri: str, challenge: str) -> None:
    """Keep what is needed to redeem a code."""
    row = {"digest": digest, "grant_id": grant_id, "redirect_uri": redirect_uri, "challenge": challenge}
    tx.execute(oauth_codes.insert().values(**row, ends_at=tx.now + LIFE_MS))


def held(tx: Tx, digest: str) -> Code | None:
    """The code, its grant locked; None for one that is unknown, too old and never used, or of a grant that is over.

    It is read once its grant is locked: whoever redeemed it meanwhile has then marked it.
    """
    known = oauth_codes.c.digest == digest
    grant_id = tx.scalar(select(oauth_codes.c.grant_id).where(known))
    grant = grants.held(tx, grant_id) if grant_id else None
    row = tx.one(select(oauth_codes).where(known)) if grant else None
    if grant is None or row is None or (row.used_at is None and row.ends_at <= tx.now):
        return None
    return Code(digest, row.redirect_uri, row.challenge, row.used_at is not None, grant)


def use(tx: Tx, code: Code) -> None:
    """It is redeemed."""
    tx.execute(update(oauth_codes).where(oauth_codes.c.digest == code.digest).values(used_at=tx.now))
