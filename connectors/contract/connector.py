"""What a connector is: a frozen value that says what it can do, and plain functions behind it. The hub does the rest.

A function is given a `Visit` and answers a `Reply`; it knows no web framework, no broker and no other connector, so a test calls it.
What it needs of the hub it asks of `visit.tools`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from sqlalchemy import Table

from connectors.contract.operations import Event, Operation, Reply, Schema, Trigger
from core import Caller, Refused, Runtime, Tx

MOST_BYTES: Final = 1024 * 1024  # of a request's body, unless its route says otherwise


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
class Request:
    """A request to a route of a connector. Names of `headers` are in lower case; `query` has every pair, in order.

    url: the address as the other side knows it, made from SMSHUB_PUBLIC_URL and never from the Host header. remote: who connected.
    """

    method: str
    url: str
    path: str
    query: Sequence[tuple[str, str]]
    raw: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    remote: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What another server answered, of any status."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Tokens(Protocol):
    """Access tokens of third parties, kept sealed, refreshed when they are about to end."""

    def access(self, installation: Installation) -> str:
        """A token that is good now. Raises PeerError: `rejected` where the other side took its consent back, else `unavailable`."""
        ...

    def refused(self, installation: Installation, token: str) -> str:
        """The other side refused this token before its time: another one. Raises as `access` does."""
        ...


class Http(Protocol):
    """HTTP to addresses that others gave: public ones only, no redirects, a total deadline, a bounded answer."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """What was answered. Raises PeerError where nothing was, or the address is not allowed."""
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
        `limit` and `cursor`. Values of `query` have the types of their schemas.
        """
        ...


class Installations(Protocol):
    """The installations of one connector."""

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


@dataclass(frozen=True, slots=True)
class Tools:
    """What the hub lends to a connector. `options` are the operator's settings that name the connector (SMSHUB_SMTP_LISTEN, say)."""

    public_url: str
    catalogue: Catalogue
    installations: Installations
    http: Http
    tokens: Tokens
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a function of a connector is given. A job, a listener or a command has no `request`."""

    runtime: Runtime
    tools: Tools
    request: Request | None = None
    path: Mapping[str, str] = field(default_factory=dict)
    caller: Caller | None = None
    installation: Installation | None = None

    @property
    def asked(self) -> Request:
        """The request, where there is one for certain: in a route."""
        if self.request is None:
            raise TypeError("this visit is no request")
        return self.request

    @property
    def known(self) -> Caller:
        """The caller, where the route asks for one."""
        if self.caller is None:
            raise Refused("unauthenticated", "Send the header Authorization: Bearer, with an API key or access token.")
        return self.caller

    @property
    def installed(self) -> Installation:
        """The installation, where there is one for certain."""
        if self.installation is None:
            raise Refused("not_found", "There is no such installation.")
        return self.installation


@dataclass(frozen=True, slots=True)
class Route:
    """An address of a connector, below /connectors/<name>; `{id}` in its path stands for one segment.

    auth: `bearer` asks for a caller with `scope`. `installation` is for a peer that signs in its own way: the path has
    {installation}, and `proven` refuses (`unauthenticated`) what is not signed. `public` is for everybody.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handler: Callable[[Visit], Reply]
    auth: Literal["bearer", "installation", "public"]
    scope: str | None = None
    proven: Callable[[Visit], None] | None = None
    most_bytes: int = MOST_BYTES


@dataclass(frozen=True, slots=True)
class Action:
    """Something the connector has the hub do: `draft` makes the body of the operation out of the connector's own `fields`."""

    name: str
    title: str
    description: str
    operation: str
    fields: Schema
    example: Mapping[str, Any]
    draft: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict


@dataclass(frozen=True, slots=True)
class Sink:
    """Events of accounts that have the connector installed, written down in the transaction that relays them (at least once)."""

    events: frozenset[str]
    take: Callable[[Tx, Installation, Sequence[Event]], None]


@dataclass(frozen=True, slots=True)
class Task:
    """Work of its own. With `every_s` it is done again and again, by one process at a time; without, when a job names it.

    A job's kind is "<connector>.<name>", its subject what `run` is given; it may be done twice.
    """

    name: str
    run: Callable[[Visit, str], None]
    every_s: float | None = None


class Stop(Protocol):
    """Whether a listener is to end."""

    def is_set(self) -> bool:
        """It is."""
        ...

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is, or for so many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Listener:
    """A long-lived connection or server: `run` goes on until it is told to stop. One that ends or fails is started again, ever later.

    wanted: whether there is anything to listen to with these options.
    """

    name: str
    run: Callable[[Visit, Stop], None]
    wanted: Callable[[Tools], bool] = lambda _tools: True


@dataclass(frozen=True, slots=True)
class Command:
    """A command of `smshub <connector> <name>`: `options` have names and what they are for; it prints what `run` yields, line by line."""

    name: str
    summary: str
    run: Callable[[Visit, Mapping[str, str | None]], Iterable[str]]
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connector:
    """One connector. Its name is its folder, its part of addresses, the `source` of what it sends.

    auth: how it comes to an account: `oauth`, a grant to its client is the installation; `settings`, somebody fills in `settings`
    (JSON Schema 2020-12, secrets are writeOnly); `flow`, its own routes install it.
    health: what is wrong with an installation, in sentences; nothing when all is well.
    scopes: what its installations may do. triggers: the types of events it passes on.
    migrations: a folder of Alembic revisions, whose branch has the connector's name, for `tables`.
    """

    name: str
    title: str
    description: str
    auth: Literal["oauth", "settings", "flow"]
    settings: Schema | None = None
    health: Callable[[Visit], Sequence[str]] = lambda _visit: ()
    scopes: frozenset[str] = frozenset()
    triggers: Sequence[str] = ()
    actions: Sequence[Action] = ()
    routes: Sequence[Route] = ()
    sinks: Sequence[Sink] = ()
    tasks: Sequence[Task] = ()
    listeners: Sequence[Listener] = ()
    commands: Sequence[Command] = ()
    tables: Sequence[Table] = ()
    migrations: Path | None = None
