"""What the hub can be asked, and what it tells: operations, triggers, and what a handler is given.

An operation is declared once; REST routes, OpenAPI, Zapier's creates and searches and the command line are projections of it.
A trigger is declared once; webhooks, samples and feeders are projections of it. No web framework here: a handler is a plain
function over values, and a test calls it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

from core import Caller, Refused, Runtime, Tx, idempotency

Schema = Mapping[str, Any]  # JSON Schema 2020-12; may say {"$ref": "#/components/schemas/Message"}


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of a list: at most `limit` items after the key `after` (what `key` gave for the last item before), None at first."""

    limit: int
    after: str | None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request; `stream` is read once, in pieces."""

    filename: str
    stream: BinaryIO


@dataclass(frozen=True, slots=True)
class Call:
    """One use of an operation. `query` and `body` have been validated; `""` in an optional field is already absent."""

    runtime: Runtime
    caller: Caller
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    page: Page = field(default_factory=lambda: Page(50, None))
    upload: Upload | None = None
    key: str | None = None
    request_id: str = ""
    fingerprint: str = ""

    @property
    def keyed(self) -> idempotency.Keyed | None:
        """What a keyed operation that opens its own transactions keeps its answer under; None where no key was given."""
        return idempotency.Keyed(self.caller.account_id, self.key, self.fingerprint) if self.key else None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of it: a JSON value, or pieces of a file (`media_type` then says which)."""

    body: Any
    status: int = 200
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """One page: `items` as JSON values, and the key of the last one where there are more."""

    items: Sequence[Any]
    next_after: str | None


Handler = Callable[[Call, Tx], Reply]
OwnHandler = Callable[[Call], Reply]
# Calls of many accounts that came at the same time, in one transaction, which has locked the credits of them all; an answer for each,
# in order. A refusal is an item: it must not have written anything. An error raised makes each call be tried by itself.
GroupHandler = Callable[[Sequence[Call], Tx], Sequence[Reply | Refused]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing the hub can be asked to do.

    transaction: `read` and `write` handlers get an open one; `own` handlers take only the call and open theirs; `group` handlers
    get one for all the calls that came at the same time.
    keyed: takes an Idempotency-Key (POSTs that send or move credits); the key's row commits with the work.
    refusals: the codes of `Refused` that a caller may meet here, for the documents.
    paged: a list; the handler reads `call.page` and answers a `Listed` in its reply's body. answers[200] is then the schema of an item.
    """

    name: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    scope: str | None
    summary: str
    handler: Handler | OwnHandler | GroupHandler
    transaction: Literal["read", "write", "own", "group"]
    tag: str
    description: str = ""
    query: Mapping[str, Schema] = field(default_factory=dict)
    body: Schema | None = None
    form: Schema | None = None
    answers: Mapping[int, Schema | None] = field(default_factory=lambda: {200: {}})
    media_type: str = "application/json"
    refusals: Sequence[str] = ()
    keyed: bool = False
    paged: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """A fact as it goes out: `data` is what the trigger's render made of it."""

    id: str
    type: str
    timestamp: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trigger:
    """One kind of event. `render` reads what the outbox kept of some events of one account and gives each one's data, in order."""

    type: str
    title: str
    description: str
    schema: Schema
    sample: Mapping[str, Any]
    render: Callable[[Tx, str, Sequence[Mapping[str, Any]]], Sequence[Mapping[str, Any]]]


Pieces = Iterator[bytes]
