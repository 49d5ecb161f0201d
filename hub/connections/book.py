"""Connections as they are kept: made, read, opened, forgotten."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import Column, Row, delete, select, update

from connectors.contract import Installation, Issuer
from core import Refused, Tx, accounts
from hub import secrets
from hub.connections.asking import Given
from hub.connections.tables import connections
from hub.installations.tables import installations
from hub.sealing import used
from hub.sealing.columns import place_of

MAIN: Final = "main"
_WELL: Final[dict[str, Any]] = {
    "state": "ok",
    "failing_since": None,
    "failures": 0,
    "last_error": None,
    "held_until": 0,
    "lease_until": 0,
}


def find(tx: Tx, installation_id: str, name: str) -> Row[Any] | None:
    """The connection of this name."""
    mine = (connections.c.installation_id == installation_id) & (connections.c.name == name)
    return tx.one(select(connections).where(mine))


def locked(tx: Tx, connection_id: str) -> Row[Any] | None:
    """The connection, which nobody else writes until the end of this transaction."""
    return tx.one(select(connections).where(connections.c.id == connection_id).with_for_update())


def keep(
    tx: Tx, keys: secrets.Keys, installation: Installation, issuer: Issuer, given: Given | None, name: str = MAIN
) -> None:
    """Write a connection down, in place of what was there: with tokens that were given, or to ask by the client's own credentials.

    Refuses (`not_found`) for an installation that is gone. It is held: whoever removes it takes this along.
    """
    whose = select(installations.c.id).where(installations.c.id == installation.id)
    if tx.one(whose.with_for_update()) is None:
        raise Refused("not_found", "There is no such installation any more: nothing is connected.")
    there = {"installation_id": installation.id, "name": name}
    bare = {"id": tx.new_id(), "account_id": installation.account_id, "connector": installation.connector}
    first = _WELL | _issuer(issuer, None) | {"attempt": 0, "created_at": tx.now, "updated_at": tx.now}
    row = tx.upsert(connections).values(**there, **bare, **first)
    tx.execute(row.on_conflict_do_nothing(index_elements=["installation_id", "name"]))
    mine = (connections.c.installation_id == installation.id) & (connections.c.name == name)
    known = tx.one(select(connections.c.id, connections.c.attempt).where(mine).with_for_update())
    if known is None:  # it is there: we wrote it, or hold it
        raise LookupError(name)
    bound = {"id": known.id, "account_id": installation.account_id, "token_url": issuer.token_url}
    tokens = dict.fromkeys(_TOKENS) | (tokens_of(tx, keys, bound, given) if given else {})
    secret = _sealed(tx, keys, connections.c.client_secret, bound, issuer.client_secret)
    values = _WELL | _issuer(issuer, given) | tokens | {"client_secret": secret, "attempt": known.attempt + 1}
    tx.execute(update(connections).where(connections.c.id == known.id).values(**values, updated_at=tx.now))
    facts = {"connector": installation.connector, "name": name, "host": host(issuer.token_url)}
    accounts.record(tx, installation.account_id, f"connector:{installation.connector}", "connection.kept", facts)


def tokens_of(tx: Tx, keys: secrets.Keys, bound: Mapping[str, Any], given: Given) -> dict[str, Any]:
    """The columns of tokens that were given now, sealed for their row. The refresh token before stays where none was given."""
    made = {
        "access_token": _sealed(tx, keys, connections.c.access_token, bound, given.access_token),
        "access_from": tx.now,
        "access_until": None if given.life_ms is None else tx.now + given.life_ms,
    }
    if given.refresh_token is not None:
        made["refresh_token"] = _sealed(tx, keys, connections.c.refresh_token, bound, given.refresh_token)
    return made


def well(tx: Tx) -> dict[str, Any]:
    """The columns of a connection that works, now."""
    return {**_WELL, "updated_at": tx.now}


def opened(keys: secrets.Keys, row: Row[Any], column: Column[str]) -> str | None:
    """A secret of a row; None where there is none. Raises Unreadable."""
    sealed = row._mapping[column.name]
    if sealed is None:
        return None
    return secrets.open_(keys, place_of(column).aad(row._asdict()), sealed).decode()


def issuer_of(row: Row[Any], client_secret: str | None) -> Issuer:
    """Who issues the tokens of this connection."""
    return Issuer(row.token_url, row.client_id, client_secret, row.auth, row.scope, json.loads(row.more))


def forget(tx: Tx, installation_id: str) -> int:
    """The tokens of an installation that is taken away; how many connections it had."""
    return tx.execute(delete(connections).where(connections.c.installation_id == installation_id))


def host(token_url: str) -> str:
    """Which server it is: all of an address that is ever told."""
    return urlsplit(token_url).hostname or "?"


_TOKENS: Final = ("access_token", "access_from", "access_until", "refresh_token")


def _issuer(issuer: Issuer, given: Given | None) -> dict[str, Any]:
    return {
        "grant_type": "client_credentials" if given is None else "refresh_token",
        "token_url": issuer.token_url,
        "client_id": issuer.client_id,
        "auth": issuer.auth,
        "scope": issuer.scope,
        "more": json.dumps(dict(issuer.more)),
    }


def _sealed(
    tx: Tx, keys: secrets.Keys, column: Column[str], bound: Mapping[str, Any], plaintext: str | None
) -> str | None:
    return None if plaintext is None else used.seal(tx, keys, place_of(column).aad(bound), plaintext.encode())
