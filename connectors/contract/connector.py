"""What a connector is: a frozen value that says what it can do, and plain functions behind it. The hub does the rest.

A function is given a `Visit` and answers a `Reply`; it knows no web framework, no broker and no other connector, so a test calls it.
What it needs of the hub it asks of `visit.tools`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from sqlalchemy import Table

from connectors.contract.operations import Event, Reply, Schema
from connectors.contract.tools import Installation, Tools
from core import Caller, Refused, Runtime, Tx

MOST_BYTES: Final = 1024 * 1024  # of a request's body, unless its route says otherwise


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

    def json(self) -> Any:
        """The body as JSON. Refuses (`invalid_json`) what is none; whether it fits a schema is for `catalogue.check` to say."""
        try:
            return json.loads(self.raw)
        except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
            raise Refused("invalid_json", "The body can't be read as JSON: send a JSON value in UTF-8.") from None


@dataclass(frozen=True, slots=True)
class Visit:
    """What a function of a connector is given. A task, a listener or a command has no `request`."""

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

    def act(self, action: "Action", given: Mapping[str, Any], key: str | None = None) -> Reply:
        """Have an action done: as the caller where there is one, else for the installation. Raises Refused, as the operation does."""
        caller = self.caller or self.tools.installations.caller(self.installed)
        self.tools.catalogue.check(action.fields, given)
        return self.tools.catalogue.perform(caller, action.operation, action.draft(given), key=key)


@dataclass(frozen=True, slots=True)
class Route:
    """An address of a connector, below /connectors/<name>; `{id}` in its path stands for one segment.

    auth: `bearer` asks for a caller with `scope`. `installation` is for a peer that signs in its own way: the path has
    {installation}, and `proven` refuses (`unauthenticated`) what is not signed. `public` is for everybody, a few times a second.
    challenge: how a peer that is refused would prove itself, as a 401 names it (RFC 9110 section 11.6.1).
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handler: Callable[[Visit], Reply]
    auth: Literal["bearer", "installation", "public"]
    scope: str | None = None
    proven: Callable[[Visit], None] | None = None
    most_bytes: int = MOST_BYTES
    challenge: str = "Signature"


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
    """Events of accounts that have the connector installed, written down in the transaction that relays them (at least once).

    One that raises is asked again later with the same events, and holds up nobody else's.
    """

    events: frozenset[str]
    take: Callable[[Tx, Installation, Sequence[Event]], None]


@dataclass(frozen=True, slots=True)
class Task:
    """Work of its own. With `every_s` it is done again and again, by one process at a time; without, when a job names it.

    A job's kind is "<connector>.<name>", its subject what `run` is given ("" where nobody named one); it may be done twice.
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
    """A long-lived connection or server: `run` goes on until it is told to stop, and then ends within a second or two.

    One that ends or fails before is started again, ever later. wanted: whether there is anything to listen to with these options.
    missed: whether something stands still now while nobody listens; the hub is not well then. None: whenever it is wanted.
    """

    name: str
    run: Callable[[Visit, Stop], None]
    wanted: Callable[[Tools], bool] = lambda _tools: True
    missed: Callable[[Tools], bool] | None = None


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """Secrets that an installation hands out by POST /installations/{id}/tokens, to be shown once. All of it within `tx`.

    fields, answer: JSON Schemas of what is asked for and of what is told; the answer to `issue` holds the secret, those of `listed` don't.
    Each has its `id` (of tx.new_id()), by which lists are in order; one whose `revoked_at` is set is over, and may be listed still.
    revoke: ends one by its id; refuses (`not_found`) where there is none. The installation's row is held by then, so a `dropped` that takes
    its tokens along leaves none behind.
    """

    fields: Schema
    answer: Schema
    issue: Callable[[Tx, Installation, Mapping[str, Any]], Mapping[str, Any]]
    listed: Callable[[Tx, Installation], Sequence[Mapping[str, Any]]]
    revoke: Callable[[Tx, Installation, str], None]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that came or went lately, for the people of the account: when (ms), what, what became of it, and whether that is well."""

    at: int
    what: str
    outcome: str
    well: bool


@dataclass(frozen=True, slots=True)
class Gauge:
    """Something counted in the database when it is asked for: `read` gives values by the value of `label`, by indexes only."""

    name: str
    help: str
    label: str
    read: Callable[[Tx], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Command:
    """A command of `smshub <connector> <name>`: `options` have names and what they are for; it prints what `run` yields, line by line.

    offline: it tells what the code knows, and opens no database.
    """

    name: str
    summary: str
    run: Callable[[Visit, Mapping[str, str | None]], Iterable[str]]
    options: Mapping[str, str] = field(default_factory=dict)
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Connector:
    """One connector. Its name (a word of small letters and digits) is its folder, its part of addresses, the `source` of what it sends.

    auth: how it comes to an account: `oauth`, a grant to its client is the installation; `settings`, somebody fills in `settings`
    (JSON Schema 2020-12, secrets are writeOnly); `flow`, its own routes install it.
    health: what is wrong with an installation, in sentences; nothing when all is well. It may take its time: it has three seconds.
    kept: is told of settings that are new or changed, in their transaction: it may refuse them, and keep rows of its own.
    dropped: the same when an installation is removed.
    ended: told, once a grant to its client has ended, of the addresses of the hooks that went with it. It may be told twice, and is told
    again later if it raises PeerError.
    tokens: secrets that its installations hand out. recent: what happened lately, newest first, at most so many. gauges: for /metrics; their
    names begin with smshub_ and the connector's.
    scopes: what its installations may do. triggers: the types of events it passes on.
    migrations: a folder of Alembic revisions, whose branch has the connector's name, for `tables`. Names of both begin with it and "_".
    """

    name: str
    title: str
    description: str
    auth: Literal["oauth", "settings", "flow"]
    settings: Schema | None = None
    health: Callable[[Visit], Sequence[str]] = lambda _visit: ()
    kept: Callable[[Tx, Installation], None] = lambda _tx, _installation: None
    dropped: Callable[[Tx, Installation], None] = lambda _tx, _installation: None
    ended: Callable[[Visit, Sequence[str]], None] = lambda _visit, _urls: None
    scopes: frozenset[str] = frozenset()
    triggers: Sequence[str] = ()
    actions: Sequence[Action] = ()
    routes: Sequence[Route] = ()
    sinks: Sequence[Sink] = ()
    tasks: Sequence[Task] = ()
    listeners: Sequence[Listener] = ()
    commands: Sequence[Command] = ()
    tokens: TokenDesk | None = None
    recent: Callable[[Tx, Installation, int], Sequence[Happening]] | None = None
    gauges: Sequence[Gauge] = ()
    tables: Sequence[Table] = ()
    migrations: Path | None = None
