"""The table of operations as connectors use it: what they have done goes the way of REST, with the same checks and keys."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast
from urllib.parse import urlencode

import orjson

from connectors.contract import Call, GroupHandler, Handler, Operation, Reply, Schema, Trigger
from core import Caller, Refused, Runtime, Tx
from hub.api import schemas
from hub.api.entry import PREFIX, check_scope
from hub.api.guard import Guard, path_values, prepare
from hub.api.perform import JSON, Answer, Performer, encode

_BODIES: Final = frozenset({"POST", "PUT", "PATCH"})


class Catalogue:
    """Everything that can be asked, and every kind of event. Checks are prepared when they are first needed."""

    def __init__(self, runtime: Runtime, performer: Performer, triggers: Mapping[str, Trigger]) -> None:
        self._runtime = runtime
        self._performer = performer
        self.operations: Mapping[str, Operation] = {}
        self.triggers = triggers
        self._guards: dict[str, Guard] = {}

    def fill(self, operations: Sequence[Operation]) -> None:
        """Say what there is. Once, when all is put together."""
        self.operations = {operation.name: operation for operation in operations}

    def resolved(self, schema: Schema) -> Schema:
        """The schema with its references put in place."""
        return schemas.resolved(schema)

    def check(self, schema: Schema, value: Any) -> None:
        """Refuses (`invalid_request`) what does not fit, with every fault."""
        schemas.check_of(schema)(value)

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
        """Carry it out, as REST would. Raises Refused, and KeyError where there is no such operation."""
        operation = self.operations[name]
        check_scope(operation.scope, caller)
        guard = self._guard(operation)
        call = Call(
            self._runtime,
            caller,
            path=path_values(path),
            query=guard.query(_asked(query or {})),
            body=guard.json(_written(body)) if operation.method in _BODIES else None,
            key=key,
        )
        call = self._performer.on_page(operation, call) if operation.paged else call
        return _reply(self._performer.perform(operation, call, PREFIX + operation.path.format_map(path)))

    def within(self, tx: Tx, caller: Caller, name: str, bodies: Sequence[Any]) -> Sequence[Reply | Refused]:
        """Each of these bodies, in this transaction; a refusal is an item."""
        operation = self.operations[name]
        if operation.transaction not in ("group", "write") or operation.method not in _BODIES or "{" in operation.path:
            raise TypeError(f"{name} can't be done within a transaction")
        check_scope(operation.scope, caller)
        read = [self._read(operation, caller, body) for body in bodies]
        calls = [one for one in read if isinstance(one, Call)]
        done = iter(_carried_out(operation, calls, tx))
        return [next(done) if isinstance(one, Call) else one for one in read]

    def _read(self, operation: Operation, caller: Caller, body: Any) -> Call | Refused:
        try:
            return Call(self._runtime, caller, body=self._guard(operation).json(_written(body)))
        except Refused as refusal:
            return refusal

    def _guard(self, operation: Operation) -> Guard:
        found = self._guards.get(operation.name)
        if found is None:
            found = self._guards[operation.name] = prepare(operation)
        return found


def _carried_out(operation: Operation, calls: Sequence[Call], tx: Tx) -> Sequence[Reply | Refused]:
    if operation.transaction == "group":
        return [_read_again(one) for one in cast("GroupHandler", operation.handler)(calls, tx)] if calls else ()
    return [_alone(cast("Handler", operation.handler), call, tx) for call in calls]


def _alone(handler: Handler, call: Call, tx: Tx) -> Reply | Refused:
    """A handler that refuses may have written before: that is undone."""
    try:
        with tx.connection.begin_nested():
            return _read_again(handler(call, tx))
    except Refused as refusal:
        tx.locked.clear()  # what was locked since is free again
        return refusal


def _read_again(outcome: Reply | Refused) -> Reply | Refused:
    """A reply as REST would give it: a JSON value."""
    if isinstance(outcome, Reply) and outcome.media_type == JSON:
        return replace(outcome, body=orjson.loads(encode(outcome.body)))
    return outcome


def _written(body: Any) -> bytes:
    """The body as it would come: what is in it is then read and checked as strictly."""
    if body is None:
        return b""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:  # half a character, a number beyond 64 bits, or what is no JSON at all
        raise Refused("invalid_json", f"The body can't be written as JSON: {error}.") from None


def _asked(query: Mapping[str, Any]) -> str:
    return urlencode({name: _word(value) for name, value in query.items() if value is not None})


def _word(value: Any) -> str:
    """A value as it stands in a query: lists between commas, objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        return ",".join(map(str, value))
    return orjson.dumps(value).decode()


def _reply(answer: Answer) -> Reply:
    if answer.media_type == JSON and isinstance(answer.body, bytes):
        return Reply(orjson.loads(answer.body), answer.status, headers=answer.headers)
    return Reply(answer.body, answer.status, answer.media_type, answer.headers)
