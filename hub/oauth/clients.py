"""Applications, as the operator registered them. There is no other way in: dynamic registration (RFC 7591) is not offered."""

import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, select, update

from core import Fault, Refused, Runtime, Tx, accounts
from hub.oauth import redirects, scopes, secret
from hub.oauth.tables import oauth_clients, oauth_grants

OVERLAP_MS: Final = 24 * 3600 * 1000  # for which the secret before is good too
LONGEST_NAME: Final = 60
TAKEN: Final = frozenset({"api", "cli", "console", "system"})  # sources of messages that are no application's

_ID: Final = re.compile(r"[A-Za-z0-9._\-]{3,64}")
_NOBODYS: Final = secret.digest("")  # what a secret is compared with where there is no client


@dataclass(frozen=True, slots=True)
class Client:
    """An application, with the questions that Authlib asks of one (`authlib.oauth2.rfc6749.ClientMixin`)."""

    id: str
    name: str
    public: bool
    redirect_uris: Sequence[str]
    scopes: str
    connector: str | None
    account_id: str | None
    created_at: int

    @property
    def source(self) -> str:
        """What its messages say they come from."""
        return self.connector or self.name

    def get_default_redirect_uri(self) -> None:
        """None: the address must be named, so that it can be compared (RFC 9700 section 4.1.3)."""

    def check_redirect_uri(self, uri: str) -> bool:
        return redirects.matches(self.redirect_uris, uri, public=self.public)

    def get_allowed_scope(self, asked: str | None) -> str | None:
        """What is asked for, all of the client's where nothing is; None where it is more: it is refused, not quietly cut down."""
        wanted = set((asked or self.scopes).split())
        return scopes.joined(wanted) if wanted and wanted <= set(self.scopes.split()) else None

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Which flows are its own. One by itself needs a secret (RFC 6749 section 4.4), and an account to act for."""
        by_itself = self.account_id is not None and not self.public
        return grant_type in ("authorization_code", "refresh_token") or (
            grant_type == "client_credentials" and by_itself
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A client as the operator asks for it. connector: whose name its messages carry. account_id: for which it may act by itself."""

    name: str
    redirect_uris: Sequence[str]
    scopes: Sequence[str]
    public: bool = False
    connector: str | None = None
    account_id: str | None = None
    id: str | None = None


def create(runtime: Runtime, tx: Tx, wanted: Wanted, actor: str) -> tuple[Client, str | None]:
    """A new client, and its secret, which is shown this once; None for a public one. Refuses `invalid_client`, with every fault."""
    if faults := [*_faults(wanted)]:
        raise Refused("invalid_client", faults[0].message, tuple(faults))
    client_id = wanted.id or tx.new_id()
    known = (oauth_clients.c.id == client_id) | ((oauth_clients.c.name == wanted.name.strip()) & _there())
    if tx.one(select(oauth_clients.c.id).where(known)) is not None:
        raise Refused("already_exists", "There is a client of this name or id.")
    made = None if wanted.public else secret.new(runtime, secret.CLIENT)
    tx.execute(
        oauth_clients.insert().values(
            id=client_id,
            name=wanted.name.strip(),
            secret_hash=made and secret.digest(made),
            redirect_uris=json.dumps([*dict.fromkeys(wanted.redirect_uris)]),
            scopes=scopes.joined(wanted.scopes),
            connector=wanted.connector,
            account_id=wanted.account_id,
            created_at=tx.now,
        )
    )
    if wanted.account_id is not None:
        _let_act_alone(tx, client_id, wanted)
    accounts.record(tx, wanted.account_id, actor, "oauth.client_created", {"client_id": client_id, "name": wanted.name})
    return get(tx, client_id), made


def find(tx: Tx, client_id: str) -> Client | None:
    """The client, unless it was deleted."""
    row = tx.one(select(oauth_clients).where(oauth_clients.c.id == client_id, _there()))
    return _client(row) if row else None


def get(tx: Tx, name_or_id: str) -> Client:
    """The client of this id or, for a person at a terminal, of this name. Refuses with `not_found`."""
    named = (oauth_clients.c.id == name_or_id) | (oauth_clients.c.name == name_or_id)
    row = tx.one(select(oauth_clients).where(named, _there()).order_by(oauth_clients.c.id != name_or_id))
    if row is None:
        raise Refused("not_found", f"There is no client {name_or_id!r}: `smshub oauth client list` shows them.")
    return _client(row)


def everyone(tx: Tx) -> list[Client]:
    """All of them, the oldest first."""
    return [_client(row) for row in tx.all(select(oauth_clients).where(_there()).order_by(oauth_clients.c.created_at))]


def proven(tx: Tx, client_id: str, given: str | None) -> Client | None:
    """The client, if `given` is its secret, or none was given and it has none; else None.

    An unknown client takes the same steps as a wrong secret: neither words nor time tell them apart.
    """
    row = tx.one(select(oauth_clients).where(oauth_clients.c.id == client_id, _there()))
    expected = row.secret_hash if row else _NOBODYS
    before = row.previous_hash if row and (row.previous_until or 0) > tx.now else None
    digest = secret.digest(given or "")
    same = [hmac.compare_digest(digest, one or _NOBODYS) for one in (expected, before)]
    if row is None:
        return None
    right = any(same) if given else row.secret_hash is None
    return _client(row) if right else None


def rotate(runtime: Runtime, tx: Tx, client_id: str, actor: str, *, at_once: bool = False) -> str:
    """A new secret, shown this once; the one before is good for another 24 hours, or (`at_once`) no more. Refuses a public client."""
    client = get(tx, client_id)
    if client.public:
        raise Refused("invalid_client", f"{client.name} is a public client: it has no secret.")
    made = secret.new(runtime, secret.CLIENT)
    until = None if at_once else tx.now + OVERLAP_MS
    now = update(oauth_clients).where(oauth_clients.c.id == client.id)
    values = {"secret_hash": secret.digest(made), "previous_hash": oauth_clients.c.secret_hash, "previous_until": until}
    tx.execute(now.values(**values))
    accounts.record(tx, client.account_id, actor, "oauth.client_rotated", {"client_id": client.id, "at_once": at_once})
    return made


def delete(tx: Tx, client_id: str, actor: str) -> Client:
    """Gone at once, with all it was let do; the sweep clears up after it (`hub.oauth.tidy`)."""
    client = get(tx, client_id)
    tx.execute(update(oauth_clients).where(oauth_clients.c.id == client.id).values(deleted_at=tx.now))
    accounts.record(tx, client.account_id, actor, "oauth.client_deleted", {"client_id": client.id, "name": client.name})
    return client


def _let_act_alone(tx: Tx, client_id: str, wanted: Wanted) -> None:
    """What it does without a person is a grant too: the account's owner sees it, and can end it for good."""
    row = {"id": tx.new_id(), "client_id": client_id, "account_id": wanted.account_id, "user_id": None}
    tx.execute(oauth_grants.insert().values(**row, scopes=scopes.joined(wanted.scopes), created_at=tx.now))


def _there() -> ColumnElement[bool]:
    return oauth_clients.c.deleted_at.is_(None)


def _client(row: Row[Any]) -> Client:
    return Client(
        id=row.id,
        name=row.name,
        public=row.secret_hash is None,
        redirect_uris=tuple(json.loads(row.redirect_uris)),
        scopes=row.scopes,
        connector=row.connector,
        account_id=row.account_id,
        created_at=row.created_at,
    )


def _faults(wanted: Wanted) -> Sequence[Fault]:
    found = [
        (not 0 < len(wanted.name.strip()) <= LONGEST_NAME or not wanted.name.isprintable(), "/name", _NAME),
        (wanted.name.strip().lower() in TAKEN, "/name", f"must not be one of {', '.join(sorted(TAKEN))}"),
        (
            wanted.id is not None and not _ID.fullmatch(wanted.id),
            "/id",
            "must be 3 to 64 letters, digits, dots, - or _",
        ),
        (not wanted.scopes, "/scope", "name at least one scope"),
        (not wanted.redirect_uris and wanted.account_id is None, "/redirect-uri", "name at least one address"),
        (wanted.public and wanted.account_id is not None, "/account", "a public client can't act by itself"),
    ]
    unknown = sorted(set(wanted.scopes) - set(scopes.GRANTABLE))
    found.append(
        (bool(unknown), "/scope", f"{', '.join(unknown)} can't be given; these can: {', '.join(scopes.GRANTABLE)}")
    )
    wrong = [(uri, redirects.fault(uri, public=wanted.public)) for uri in wanted.redirect_uris]
    found.extend((True, "/redirect-uri", f"{uri} {fault}") for uri, fault in wrong if fault)
    return [Fault(pointer, message) for at_fault, pointer, message in found if at_fault]


_NAME: Final = f"give it a name of at most {LONGEST_NAME} characters: people are shown it"
