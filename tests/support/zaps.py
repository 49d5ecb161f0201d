"""Zapier's side of the connector without Zapier: its routes as plain functions, over an engine in the same process."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from connectors.contract import Reply, Request, Tools, Visit
from connectors.zapier import CONNECTOR
from connectors.zapier.definition import Place, definition
from core import Account, Caller
from hub.api import events, hooks
from hub.api.paging import Cursors
from hub.api.perform import Performer
from hub.api.table import OPERATIONS
from hub.hooks import queue
from hub.hooks.relay import relay
from hub.hooks.triggers import TRIGGERS
from hub.installations.catalogue import Catalogue
from tests.support.engine import Engine
from tests.support.hooked import KEYS, LOOPBACK

ADDRESS = "https://sms.example"
TABLE = (*OPERATIONS, *hooks.operations(KEYS, LOOPBACK, TRIGGERS), *events.operations(TRIGGERS))


def catalogue(engine: Engine | None = None) -> Catalogue:
    """The tables of the hub; without an engine, to read in and not to perform."""
    runtime = cast("Any", None if engine is None else engine.runtime)
    made = Catalogue(runtime, Performer(Cursors(["k" * 32])), TRIGGERS)
    made.fill(TABLE)
    return made


def defined(version: str = "1.0.0", base_url: str = ADDRESS) -> dict[str, Any]:
    """The definition, as JSON has it."""
    return cast("dict[str, Any]", json.loads(json.dumps(definition(catalogue(), Place(base_url, version)))))


class Zaps:
    """An account that is connected, and what its Zaps ask for."""

    def __init__(self, url: str, folder: Path, **account: Any) -> None:
        self.engine = Engine(url, folder)
        self.account: Account = self.engine.account(**account)
        self.tools = Tools(ADDRESS, catalogue(self.engine), *cast("Any", (None, None, None, None)))
        self.scopes = CONNECTOR.scopes

    def close(self) -> None:
        self.engine.close()

    @property
    def caller(self) -> Caller:
        return Caller(self.account.id, self.scopes, "zapier", "test")

    def visit(self) -> Visit:
        """A visit that no request is behind."""
        return Visit(self.engine.runtime, self.tools)

    def ask(self, method: str, kind: str, key: str, body: Any = None, query: Sequence[tuple[str, str]] = ()) -> Any:
        """What a route answers; it raises what it refuses."""
        route = next(one for one in CONNECTOR.routes if (one.method, one.path) == (method, f"/{kind}/{{key}}"))
        path = f"/connectors/zapier/{kind}/{key}"
        raw = b"" if body is None else json.dumps(body).encode()
        request = Request(method, f"{ADDRESS}{path}", path, query, raw, {}, "127.0.0.1")
        reply: Reply = route.handler(Visit(self.engine.runtime, self.tools, request, {"key": key}, self.caller))
        return reply.body

    def act(self, key: str, **given: Any) -> Any:
        return self.ask("POST", "actions", key, given)

    def find(self, key: str, **given: Any) -> Any:
        return self.ask("POST", "searches", key, given)

    def offered(self, key: str, page: int = 0) -> Any:
        return self.ask("GET", "dropdowns", key, query=[("page", str(page))])

    def samples(self, key: str, *query: tuple[str, str]) -> Any:
        return self.ask("GET", "samples", key, query=query)

    def subscribed(self, key: str, **given: Any) -> Mapping[str, Any]:
        """The hook that was made for a Zap, as the account sees it."""
        target = {"target_url": "http://127.0.0.1:1/hooks/standard/1/abc/"}
        hook_id = self.ask("POST", "hooks", key, target | given)["id"]
        reply = self.tools.catalogue.perform(self.caller, "hooks.get", id=hook_id)
        return cast("Mapping[str, Any]", reply.body)

    def perform(self, name: str, body: Any = None) -> Any:
        """An operation of the hub, as the account may ask for it."""
        return self.tools.catalogue.perform(self.caller, name, body).body

    def tell(self) -> None:
        """Everything that happened goes to the hooks."""
        while relay(self.engine.runtime, TRIGGERS, [queue.sink]):
            pass
