"""An operation carried out: its transaction, its idempotency key, its answer in bytes. No web framework: a test, the console and
the command line use it as the REST routes do.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, cast

import orjson
from sqlalchemy.exc import IntegrityError

from connectors.contract import Call, GroupHandler, Handler, Listed, Operation, OwnHandler, Page, Pieces, Reply
from core import Refused, Tx, idempotency
from hub.api import paging
from hub.api.commits import Commits
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

    def enter(self, call: Call) -> None:
        """Begin to work on the key of a call. Refuses (`idempotency_in_progress`) while another does."""
        name = _name(call)
        with self._lock:
            if name in self._names:
                raise idempotency.busy()
            self._names.add(name)

    def leave(self, call: Call) -> None:
        """The work is over."""
        with self._lock:
            self._names.discard(_name(call))

    @contextmanager
    def entered(self, call: Call) -> Iterator[None]:
        """Work on the key of a call."""
        self.enter(call)
        try:
            yield
        finally:
            self.leave(call)


def _name(call: Call) -> tuple[str, str]:
    return call.caller.account_id, call.key or ""


class Performer:
    """Carries operations out; holds what they share in a process."""

    def __init__(self, cursors: Cursors) -> None:
        self._cursors = cursors
        self._active = Active()
        self._groups: dict[str, Commits[Reply | Answer]] = {}
        self._lock = threading.Lock()

    def perform(self, operation: Operation, call: Call, path: str = "") -> Answer:
        """Carry it out. Raises Refused; then nothing was done and nothing is kept under the key."""
        call = _prepared(operation, call, path)
        if not call.key:
            return self._once(operation, call)
        with self._active.entered(call):
            return self._keyed(operation, call)

    def perform_later(
        self, operation: Operation, call: Call, path: str, tell: Callable[[Answer | Exception], None]
    ) -> None:
        """Carry out a group operation, and tell when it is done: see `Commits.accept_later`. Raises the refusal of one that can't wait."""
        call = _prepared(operation, call, path)

        def told(outcome: Reply | Answer | Exception) -> None:
            try:
                answer = outcome if isinstance(outcome, Exception) else self._answer(operation, call, outcome)
            except Exception as bug:  # noqa: BLE001 - told to the caller, who would wait for ever
                answer = bug
            if call.key:
                self._active.leave(call)
            tell(answer)

        if call.key:
            self._active.enter(call)
        try:
            self._group(operation).accept_later(call, told)
        except BaseException:
            self._active.leave(call)
            raise

    def on_page(self, operation: Operation, call: Call) -> Call:
        """The call of a list, with the page that its query asks for. Refuses (`invalid_cursor`) a cursor that is not of it."""
        query = dict(call.query)
        limit, cursor = query.pop("limit", paging.DEFAULT_LIMIT), query.pop("cursor", None)
        after = self.after(operation, call, cursor) if cursor else None
        return replace(call, query=query, page=Page(limit, after))

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
        if operation.transaction == "group":
            return self._answer(operation, call, self._group(operation).accept(call))
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

    def _group(self, operation: Operation) -> Commits[Reply | Answer]:
        found = self._groups.get(operation.name)
        if found is None:
            with self._lock:
                found = self._groups.setdefault(operation.name, Commits(partial(self._together, operation)))
        return found

    def _together(self, operation: Operation, calls: Sequence[Call], tx: Tx) -> list[Reply | Answer | Refused]:
        """Calls of one group commit: those with keys that were answered before, and what the handler makes of the others."""
        places = [place for place, call in enumerate(calls) if call.key]
        known: dict[int, idempotency.Answered | Refused | None] = dict(
            zip(places, idempotency.find_many(tx, [_keyed(calls[place]) for place in places]), strict=True)
        )
        fresh = [call for place, call in enumerate(calls) if known.get(place) is None]
        made = iter(cast("GroupHandler", operation.handler)(fresh, tx) if fresh else ())
        outcomes: list[Reply | Answer | Refused] = []
        kept = []
        for place, call in enumerate(calls):
            found = known.get(place)
            if found is not None:
                outcomes.append(found if isinstance(found, Refused) else _again(found))
                continue
            outcome: Reply | Answer | Refused = next(made)
            if call.key and isinstance(outcome, Reply):
                outcome = self._answer(operation, call, outcome)
                if isinstance(outcome.body, bytes):
                    kept.append((_keyed(call), idempotency.Answered(outcome.status, outcome.body.decode())))
            outcomes.append(outcome)
        idempotency.keep_many(tx, kept)
        return outcomes

    def _answer(self, operation: Operation, call: Call, reply: Reply | Answer) -> Answer:
        if isinstance(reply, Answer):
            return reply
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


def _prepared(operation: Operation, call: Call, path: str) -> Call:
    """The call with the key that counts, and what tells it from another under that key."""
    if not (operation.keyed and call.key):
        return replace(call, key=None) if call.key else call
    return replace(call, key=checked_key(call.key), fingerprint=fingerprint(operation.method, path, call.body))


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
