"""An operation carried out: its transaction, its idempotency key, its answer in bytes. No web framework: a test, the console and
the command line use it as the REST routes do.
"""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

import orjson
from sqlalchemy.exc import IntegrityError

from connectors.contract import Call, Handler, Listed, Operation, OwnHandler, Pieces, Reply
from core import Refused, idempotency
from hub.api.paging import Cursors

JSON: Final = "application/json"
LONGEST_KEY: Final = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out: bytes, or the pieces of a file."""

    status: int
    body: bytes | Pieces
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Active:
    """Keys that this process is working on."""

    def __init__(self) -> None:
        self._names: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    @contextmanager
    def entered(self, account_id: str, key: str) -> Iterator[None]:
        """Work on a key. Refuses (`idempotency_in_progress`) while another does."""
        name = (account_id, key)
        with self._lock:
            if name in self._names:
                raise idempotency.busy()
            self._names.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._names.discard(name)


class Performer:
    """Carries operations out; holds what they share in a process."""

    def __init__(self, cursors: Cursors) -> None:
        self._cursors = cursors
        self._active = Active()

    def perform(self, operation: Operation, call: Call, path: str = "") -> Answer:
        """Carry it out. Raises Refused; then nothing was done and nothing is kept under the key."""
        if not (operation.keyed and call.key):
            return self._once(operation, replace(call, key=None) if call.key else call)
        call = replace(call, key=checked_key(call.key), fingerprint=fingerprint(operation.method, path, call.body))
        with self._active.entered(call.caller.account_id, call.key or ""):
            return self._keyed(operation, call)

    def after(self, operation: Operation, call: Call, cursor: str) -> str:
        """Where the list goes on."""
        return self._cursors.read(call.caller.account_id, operation.name, cursor)

    def _keyed(self, operation: Operation, call: Call) -> Answer:
        try:
            # A write handler's own transaction looks first; before one that opens its own, this does.
            return (self._replayed(call) if operation.transaction == "own" else None) or self._once(operation, call)
        except IntegrityError:  # another process had the same key and was quicker: the primary key stopped this one
            if replayed := self._replayed(call):
                return replayed
            raise

    def _replayed(self, call: Call) -> Answer | None:
        with call.runtime.read() as tx:
            found = idempotency.find(tx, _keyed(call))
        return _again(found) if found else None

    def _once(self, operation: Operation, call: Call) -> Answer:
        if operation.transaction == "own":
            return self._answer(operation, call, cast("OwnHandler", operation.handler)(call))
        handler = cast("Handler", operation.handler)
        if operation.transaction == "read":
            with call.runtime.read() as tx:
                return self._answer(operation, call, handler(call, tx))
        with call.runtime.begin() as tx:
            if call.key and (found := idempotency.find(tx, _keyed(call))):
                return _again(found)
            answer = self._answer(operation, call, handler(call, tx))
            if call.key and isinstance(answer.body, bytes):
                idempotency.keep(tx, _keyed(call), idempotency.Answered(answer.status, answer.body.decode()))
            return answer

    def _answer(self, operation: Operation, call: Call, reply: Reply) -> Answer:
        if isinstance(reply.body, Listed):
            return Answer(reply.status, encode(self._page(operation, call, reply.body)), JSON, reply.headers)
        if reply.media_type == JSON:
            return Answer(reply.status, encode(reply.body), JSON, reply.headers)
        return Answer(reply.status, reply.body, reply.media_type, reply.headers)

    def _page(self, operation: Operation, call: Call, listed: Listed) -> dict[str, Any]:
        after = listed.next_after
        cursor = None if after is None else self._cursors.sign(call.caller.account_id, operation.name, after)
        return {"items": listed.items, "next_cursor": cursor}


def encode(value: Any) -> bytes:
    """A value as JSON in UTF-8."""
    return orjson.dumps(value)


def checked_key(key: str) -> str:
    """An Idempotency-Key as it may be. Refuses (`invalid_idempotency_key`) an empty, long or unprintable one."""
    if not key.isprintable() or not 0 < len(key.strip()) <= LONGEST_KEY:
        raise Refused(
            "invalid_idempotency_key",
            f"An Idempotency-Key is 1 to {LONGEST_KEY} printable characters; a UUID does well.",
        )
    return key.strip()


def fingerprint(method: str, path: str, body: Any) -> str:
    """What tells a request from another under the same key: SHA-256 of method, path and the body with its keys in order."""
    written = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(f"{method} {path}\n".encode() + written).hexdigest()


def _again(found: idempotency.Answered) -> Answer:
    return Answer(found.status, found.body.encode(), JSON, {"Idempotency-Replayed": "true"})


def _keyed(call: Call) -> idempotency.Keyed:
    return idempotency.Keyed(call.caller.account_id, call.key or "", call.fingerprint)
