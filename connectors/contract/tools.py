"""What the hub lends to a connector: the table of operations, its installations, guarded HTTP, tokens of third parties."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.contract.issuer import Issuer
from connectors.contract.operations import Operation, Reply, Schema, Trigger
from core import Caller, Refused, Tx


@dataclass(frozen=True, slots=True)
class Installation:
    """A connector linked to an account. `settings` are as its schema says, secrets opened: they are never printed or logged."""

    id: str
    account_id: str
    connector: str
    settings: Mapping[str, Any] = field(repr=False)
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What another server answered, of any status. `headers` are found in any case; `whole` is False where it was longer than is read."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    whole: bool = True


class Tokens(Protocol):
    """Access tokens of third parties, kept sealed, refreshed when they are about to end. `name`: which, where an installation has several."""

    def access(self, installation: Installation, name: str = "main") -> str:
        """A token that is good now. Raises PeerError: `rejected` where the other side took its consent back, else `unavailable`."""
        ...

    def refused(self, installation: Installation, token: str, name: str = "main") -> str:
        """The other side refused this token before its time: another one. Raises as `access` does."""
        ...

    def connect(
        self, installation: Installation, issuer: Issuer, grant: Mapping[str, str] | None = None, name: str = "main"
    ) -> None:
        """From now on tokens come from this issuer. Raises PeerError where it gives none; what was kept before then stays.

        grant: the fields of the form that gets the first ones (an authorization code and its redirect_uri, say); None where the client's
        own credentials are all it takes. Never call this within a transaction: it opens its own.
        """
        ...

    def disconnect(self, installation: Installation) -> None:
        """Forget all tokens of an installation."""
        ...


class Http(Protocol):
    """HTTP to addresses that others gave: public ones only, no redirects, a total deadline, a bounded answer."""

    def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        most_bytes: int | None = None,
    ) -> Answer:
        """What was answered. Raises PeerError where nothing was, or the address is not allowed. Of a body 64 KiB are read, or `most_bytes`."""
        ...


class Post(Protocol):
    """Mail that a connector wrote, by the way that the hub's own mail goes."""

    def __call__(self, letter: bytes, to: str, sender: str = "") -> None:
        """Hand a whole mail (RFC 5322, lines ended by CRLF) over to one address. Raises PeerError, as `Http` does.

        sender: where it comes back to if it can't be delivered; "" is nowhere (RFC 5321 section 4.5.5), as RFC 3834 asks of answers.
        """
        ...


class Catalogue(Protocol):
    """The tables of the hub, and the one way to have something done."""

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Everything that the hub can be asked, by name."""
        ...

    @property
    def triggers(self) -> Mapping[str, Trigger]:
        """Every kind of event, by type."""
        ...

    def resolved(self, schema: Schema) -> Schema:
        """A schema with what it refers to (#/components/schemas/...) put in its place."""
        ...

    def check(self, schema: Schema, value: Any) -> None:
        """Refuses (`invalid_request`) a value that does not fit, with every fault, its pointer and its cure."""
        ...

    def perform(
        self,
        caller: Caller,
        name: str,
        body: Any = None,
        *,
        key: str | None = None,
        query: Mapping[str, Any] | None = None,
        **path: str,
    ) -> Reply:
        """Carry out an operation as REST would: scope, schemas, idempotency key and all. Raises Refused.

        The reply's body is the JSON value that REST answers; of a list `{"items": [...], "next_cursor": ...}`, and `query` may hold
        `limit` and `cursor`. Values of `query` have the types of their schemas. A key counts where the operation is keyed, and is the
        account's: name the connector and the occasion in it. Never call this within a transaction: it opens its own.
        """
        ...

    def within(self, tx: Tx, caller: Caller, name: str, bodies: Sequence[Any]) -> Sequence[Reply | Refused]:
        """The same for each of these bodies, in a transaction of the connector's: what is done, and the rows that say so, commit together.

        For a POST that writes, without a path of its own (`send_message`, `create_campaign`). A refusal is an item, and has written
        nothing; whoever wants all or none raises, and the transaction is undone. What only one may do twice needs a key of its own.
        """
        ...


class Installations(Protocol):
    """The installations of one connector. Each method opens its own transaction."""

    def get(self, installation_id: str) -> Installation:
        """Refuses with `not_found`."""
        ...

    def of_account(self, account_id: str) -> Installation | None:
        """The account's, if it has one."""
        ...

    def every(self) -> Iterator[Installation]:
        """All of them, a page at a time."""
        ...

    def caller(self, installation: Installation, user: str | None = None) -> Caller:
        """Who acts when the connector acts for this installation: the account, with the connector's scopes and as its source."""
        ...

    def install(self, account_id: str, settings: Mapping[str, Any]) -> Installation:
        """Install it, where its own routes do that (auth `flow`). Refuses `invalid_request` settings, and `already_exists`."""
        ...

    def change(self, installation: Installation, changes: Mapping[str, Any]) -> Installation:
        """Change settings by a JSON merge patch (RFC 7396): null removes, what is not named stays, secrets too."""
        ...

    def remove(self, installation: Installation) -> None:
        """The link is ended, and its secrets are gone. One that is gone already is no error."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What the hub lends to a connector.

    options: what the operator set for it: SMSHUB_CONNECTOR_<NAME>_<OPTION> in the environment, by the option's name in lower case; the
    built-in ones find their settings here too (SMSHUB_SMTP_LISTEN is `smtp_listen`).
    """

    public_url: str
    catalogue: Catalogue
    installations: Installations
    http: Http
    tokens: Tokens
    post: Post
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
