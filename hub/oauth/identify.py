"""From a bearer token to its caller, as `hub.api.keyring` asks.

Who may do what is judged each time, not when the token was made: a person who was given another role, or who left, lets nobody do
more than they may themselves.
"""

from typing import Final

from sqlalchemy import update

from core import Caller, Runtime, Tx
from hub.api.keyring import Identify
from hub.oauth import secret, tokens
from hub.oauth.grants import Grant
from hub.oauth.tables import oauth_grants

USED_STEP_MS: Final = 60_000  # a grant's last use is written at most once a minute


def by_token(runtime: Runtime) -> Identify:
    """Finds the caller of an access token; a refresh token is nobody's here."""

    def identify(token: str) -> Caller | None:
        if not token.startswith(secret.ACCESS):
            return None
        with runtime.read() as tx:
            grant, now = tokens.by_access(tx, token), tx.now
        if grant is None:
            return None
        if now - (grant.used_at or 0) > USED_STEP_MS:
            with runtime.begin() as tx:
                _used(tx, grant)
        return Caller(grant.account_id, frozenset(grant.left.split()), grant.source, grant.actor, grant.email)

    return identify


def _used(tx: Tx, grant: Grant) -> None:
    tx.execute(update(oauth_grants).where(oauth_grants.c.id == grant.id).values(used_at=tx.now))
