"""Access and refresh tokens: made, found, and refreshed once each.

A refresh token that is used is spent, and has one successor. Who lost the answer may ask again with the spent one for GRACE_MS, and gets
that same successor: it stands beside the spent token, sealed under a key that only the spent token itself gives. Later than that, a
spent token is a stolen one, or the thief was first: its grant ends (RFC 9700 section 4.14.2).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import delete, select, update

from core import Runtime, Tx
from hub import secrets
from hub.oauth import grants, secret
from hub.oauth.grants import Grant
from hub.oauth.tables import oauth_grants, oauth_tokens

ACCESS_MS: Final = 3_600_000
REFRESH_MS: Final = 60 * 24 * 3_600_000
GRACE_MS: Final = 30_000
SPENT_MS: Final = 7 * 24 * 3_600_000  # for which a spent one is known again

Body = Mapping[str, Any]  # as it goes out: RFC 6749 section 5.1


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a good grant, as Authlib asks for one."""

    digest: str
    kind: str
    scopes: str
    created_at: int
    ends_at: int
    spent_at: int | None
    successor: str | None
    grant: Grant

    def check_client(self, client: Any) -> bool:
        return bool(client.id == self.grant.client_id)

    def get_scope(self) -> str:
        """What it allows now: its own scopes, as far as its grant and the role of its person have them."""
        allowed = set(self.grant.left.split())
        return " ".join(scope for scope in self.scopes.split() if scope in allowed)


def draw(runtime: Runtime, scopes: str, *, refresh: bool) -> dict[str, Any]:
    """New tokens, kept nowhere yet."""
    body: dict[str, Any] = {
        "access_token": secret.new(runtime, secret.ACCESS),
        "token_type": "Bearer",
        "expires_in": ACCESS_MS // 1000,
        "scope": scopes,
    }
    return body | ({"refresh_token": secret.new(runtime, secret.REFRESH)} if refresh else {})


def keep(tx: Tx, grant: Grant, body: Body) -> None:
    """Keep the digests of tokens that go out. A refresh token has all the scopes of its grant, however few its access token has."""
    _insert(tx, "access", grant.id, body["access_token"], body["scope"], tx.now + ACCESS_MS)
    if made := body.get("refresh_token"):
        _insert(tx, "refresh", grant.id, made, grant.scopes, tx.now + REFRESH_MS)
        grants.reaches(tx, grant.id, tx.now + REFRESH_MS)


def found(tx: Tx, token: str) -> Token | None:
    """The token; None for one that is unknown, too old, or of a grant that is over. A spent one is found."""
    return _read(tx, token, grants.found)


def held(tx: Tx, token: str) -> Token | None:
    """The same, its grant locked before the token is read: who used it meanwhile has then marked it."""
    return _read(tx, token, grants.held)


def _read(tx: Tx, token: str, read: Callable[[Tx, str], Grant | None]) -> Token | None:
    known = oauth_tokens.c.digest == secret.digest(token)
    grant_id = tx.scalar(select(oauth_tokens.c.grant_id).where(known))
    grant = read(tx, grant_id) if grant_id else None
    row = tx.one(select(oauth_tokens).where(known)) if grant else None
    if grant is None or row is None or row.ends_at <= tx.now:
        return None
    return Token(
        digest=row.digest,
        kind=row.kind,
        scopes=row.scopes,
        created_at=row.created_at,
        ends_at=row.ends_at,
        spent_at=row.spent_at,
        successor=row.successor,
        grant=grant,
    )


def spend(tx: Tx, token: Token, plain: str, body: Body) -> None:
    """The token is used, and `body` is what came of it."""
    kept = orjson.dumps([body, tx.now + ACCESS_MS])
    sealed = secrets.seal(secrets.keys_from([plain]), _aad(token), kept)
    values = {"spent_at": tx.now, "successor": sealed, "ends_at": min(token.ends_at, tx.now + SPENT_MS)}
    tx.execute(update(oauth_tokens).where(oauth_tokens.c.digest == token.digest).values(**values))


def successor(tx: Tx, token: Token, plain: str) -> Body | None:
    """What came of a spent token, where it was spent just now; else None."""
    if token.spent_at is None or token.successor is None or tx.now - token.spent_at > GRACE_MS:
        return None
    body, ends_at = orjson.loads(secrets.open_(secrets.keys_from([plain]), _aad(token), token.successor))
    return {**body, "expires_in": (ends_at - tx.now) // 1000}


def drop(tx: Tx, token: Token) -> None:
    """It opens nothing any more."""
    tx.execute(delete(oauth_tokens).where(oauth_tokens.c.digest == token.digest))


def by_access(tx: Tx, token: str) -> Grant | None:
    """The grant of an access token that is good now, with what that token alone allows as its scopes; one indexed read."""
    mine = oauth_tokens.join(oauth_grants, oauth_grants.c.id == oauth_tokens.c.grant_id)
    wanted = select(*grants.COLUMNS, oauth_tokens.c.scopes).select_from(grants.joined(mine))
    fresh = (oauth_tokens.c.kind == "access") & (oauth_tokens.c.ends_at > tx.now)
    row = tx.one(wanted.where(oauth_tokens.c.digest == secret.digest(token), fresh, grants.good()))
    if row is None:
        return None
    return grants.of_row(row, row.scopes)


def _insert(tx: Tx, kind: str, grant_id: str, token: str, scopes: str, ends_at: int) -> None:
    row = {"digest": secret.digest(token), "kind": kind, "grant_id": grant_id, "scopes": scopes}
    tx.execute(oauth_tokens.insert().values(**row, created_at=tx.now, ends_at=ends_at))


def _aad(token: Token) -> str:
    return f"oauth_tokens|{token.digest}|{token.grant.account_id}"
