"""Events that go to connectors: to whom, in which transaction, and what becomes of those that a sink could not take."""

import json
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select
from structlog.testing import capture_logs

from connectors.contract import Event, Installation, Sink
from core import Account, PeerError, Refused, Tx, events
from hub.hooks.tables import deliveries, hooks
from hub.installations import sinks
from hub.installations.tables import parked_events
from tests.support.gadgets import GIVEN, gadget
from tests.support.plugged import Plugged, plugged

FACT = {"number": 33612345678, "source": "reply", "reason": "STOP", "at": 1_790_000_000_000}
URL = "https://93.184.216.34/hook"


class Shelf:
    """A sink that keeps what it takes in a table (so that it is gone with its transaction), or raises."""

    def __init__(self) -> None:
        self.broken: BaseException | None = None

    def take(self, tx: Tx, installation: Installation, taken: Sequence[Event]) -> None:
        for one in taken:
            events.emit(tx, installation.account_id, "link.clicked", [{"id": one.id, "type": one.type, **one.data}])
        if self.broken is not None:
            raise self.broken

    def kept(self, hub: Plugged, account: Account) -> list[Any]:
        return list(hub.engine.facts(account, "link.clicked"))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def hub(database_url: str, tmp_path: Path, shelf: Shelf) -> Iterator[Plugged]:
    sink = Sink(frozenset({"optout.created", "optout.removed"}), shelf.take)
    with plugged(database_url, tmp_path, gadget(sinks=(sink,)), gadget(name="deaf")) as made:
        yield made


def happens(hub: Plugged, account: Account, kind: str = "optout.created") -> None:
    with hub.runtime.begin() as tx:
        events.emit(tx, account.id, kind, [FACT])


def installed(hub: Plugged, name: str = "Acme") -> tuple[Account, Installation]:
    account = hub.engine.account(name)
    return account, hub.install(account.id, hub.registry.get("gadget"), GIVEN)


def hook(hub: Plugged, account: Account) -> None:
    visitor = hub.visitor("hooked")
    body = {"url": URL, "events": ["optout.created"]}
    assert visitor.ask("POST", "/hooks", body).status_code == 201
    with hub.runtime.begin() as tx:
        tx.execute(hooks.update().values(account_id=account.id))


def test_an_event_comes_to_the_installation_of_its_account_alone(hub: Plugged, shelf: Shelf) -> None:
    (mine, _), (other, _) = installed(hub, "Mine"), installed(hub, "Other")
    bare = hub.engine.account("Bare")
    for account in (mine, bare):
        happens(hub, account)
    hub.relay()
    (taken,) = shelf.kept(hub, mine)
    assert (taken["type"], taken["number"], taken["reason"]) == ("optout.created", "+33612345678", "STOP")
    assert shelf.kept(hub, other) == shelf.kept(hub, bare) == []


def test_it_is_the_event_that_a_webhook_gets_with_the_same_id(hub: Plugged, shelf: Shelf) -> None:
    account, _ = installed(hub)
    hook(hub, account)
    happens(hub, account)
    hub.relay()
    with hub.runtime.read() as tx:
        (delivery,) = tx.all(select(deliveries))
    assert delivery.webhook_id == shelf.kept(hub, account)[0]["id"]


def test_nothing_is_read_where_no_connector_takes_such_events(hub: Plugged) -> None:
    account, _ = installed(hub)
    happens(hub, account, "credits.low")
    with statements(hub) as sent:
        hub.relay()
    assert not [one for one in sent if "FROM installations" in one]


def test_nothing_is_rendered_where_nobody_has_it_installed(hub: Plugged) -> None:
    happens(hub, hub.engine.account())
    with statements(hub) as sent:
        hub.relay()
    assert len([one for one in sent if "FROM installations" in one]) == 1
    assert not [one for one in sent if "payload" in one and "SELECT" in one and "length(" not in one]


def test_a_sink_that_raises_holds_up_no_webhook_and_is_asked_again(hub: Plugged, shelf: Shelf) -> None:
    account, _ = installed(hub)
    hook(hub, account)
    shelf.broken = LookupError("+33612345678")
    happens(hub, account)
    with capture_logs() as entries:
        hub.relay()
    assert [entry["event"] for entry in entries] == ["sink.failed"]
    with hub.runtime.read() as tx:
        assert len(tx.all(select(deliveries))) == 1
    assert shelf.kept(hub, account) == []
    hub.work()
    assert shelf.kept(hub, account) == [], "it is not due yet"
    shelf.broken = None
    hub.engine.clock.forward(seconds=6)
    hub.work()
    assert [one["number"] for one in shelf.kept(hub, account)] == ["+33612345678"]
    hub.engine.clock.forward(days=1)
    hub.work()
    assert len(shelf.kept(hub, account)) == 1
    assert parked(hub) == []


def test_one_that_raises_again_and_again_is_asked_until_it_takes_them(hub: Plugged, shelf: Shelf) -> None:
    account, _ = installed(hub)
    shelf.broken = LookupError()
    happens(hub, account)
    hub.relay()
    with capture_logs():
        for _ in range(30):
            hub.engine.clock.forward(hours=1)
            hub.work()
    assert len(parked(hub)) == 1
    shelf.broken = None
    hub.engine.clock.forward(hours=1)
    hub.work()
    assert len(shelf.kept(hub, account)) == 1


@pytest.mark.parametrize("end", [SystemExit(3), CancelledError()])
def test_a_sink_that_wants_to_end_the_process_holds_up_no_webhook(
    hub: Plugged, shelf: Shelf, end: BaseException
) -> None:
    account, _ = installed(hub)
    hook(hub, account)
    shelf.broken = end
    happens(hub, account)
    with capture_logs() as entries:
        hub.relay()
    assert [entry["event"] for entry in entries] == ["sink.failed"]
    with hub.runtime.read() as tx:
        assert len(tx.all(select(deliveries))) == 1
    assert len(parked(hub)) == 1


@pytest.mark.parametrize("error", [Refused("conflict", "not now"), PeerError("unavailable", "its server")])
def test_one_that_refuses_again_and_again_loses_nothing(hub: Plugged, shelf: Shelf, error: Exception) -> None:
    account, _ = installed(hub)
    shelf.broken = error
    happens(hub, account)
    with capture_logs():
        hub.relay()
        for _ in range(30):
            hub.engine.clock.forward(hours=1)
            hub.work()
    shelf.broken = None
    hub.engine.clock.forward(hours=1)
    hub.work()
    assert len(shelf.kept(hub, account)) == 1


def test_what_is_parked_for_an_installation_that_is_gone_is_dropped(hub: Plugged, shelf: Shelf) -> None:
    account, made = installed(hub)
    shelf.broken = LookupError()
    happens(hub, account)
    with capture_logs():
        hub.relay()
    hub.lender.tools(hub.registry.get("gadget")).installations.remove(made)
    hub.engine.clock.forward(seconds=6)
    hub.work()
    assert parked(hub) == shelf.kept(hub, account) == []


def test_what_nobody_took_for_thirty_days_is_forgotten(hub: Plugged, shelf: Shelf) -> None:
    account, _ = installed(hub)
    shelf.broken = LookupError()
    happens(hub, account)
    with capture_logs():
        hub.relay()
    hub.engine.clock.forward(days=30)
    assert sinks.forget(hub.runtime) == 0
    hub.engine.clock.forward(ms=1)
    assert sinks.forget(hub.runtime) == 1
    assert parked(hub) == []


def parked(hub: Plugged) -> list[Any]:
    with hub.runtime.read() as tx:
        return [json.loads(row.events) for row in tx.all(select(parked_events))]


@contextmanager
def statements(hub: Plugged) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    sent: list[str] = []
    engine = hub.runtime.database.engine
    listener: Callable[..., None] = lambda _c, _u, statement, *_rest: sent.append(statement)  # noqa: E731
    sqlalchemy_event.listen(engine, "before_cursor_execute", listener)
    try:
        yield sent
    finally:
        sqlalchemy_event.remove(engine, "before_cursor_execute", listener)
