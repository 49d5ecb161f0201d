"""The store against an authorization server that we did not write: it rotates, and a refresh token that is spent twice ends the grant."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Event

import pytest

from core import Database, PeerError, Runtime
from hub.connections import book
from hub.connections.store import Store
from hub.connections.tables import connections
from hub.outbound import Outbound
from tests.support.connected import installation_of
from tests.support.hooked import KEYS, LOOPBACK
from tests.support.oidc import Provider, provider
from tests.support.world import ManualClock, runtime_on

pytestmark = pytest.mark.peer


@pytest.fixture
def issuing() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def store(runtime: Runtime) -> Store:
    return Store(runtime, KEYS, Outbound(guard=LOOPBACK))


def test_a_grant_lives_on_from_refresh_to_refresh_whoever_asks(
    store: Store, runtime: Runtime, clock: ManualClock, issuing: Provider
) -> None:
    installation = installation_of(runtime)
    store.connect(installation, issuing.issuer, issuing.code())
    url = runtime.database.url.render_as_string(hide_password=False)
    others = [replace(store, runtime=runtime_on(Database(url), clock=clock), pause=Event().wait) for _ in range(2)]
    seen = {store.access(installation)}
    for _ in range(3):
        clock.forward(minutes=1)
        ready = Barrier(6)

        def asks(place: int, ready: Barrier = ready) -> str:
            ready.wait()
            return others[place % 2].access(installation)

        with ThreadPoolExecutor(6) as crowd:
            (token,) = set(crowd.map(asks, range(6)))
        seen.add(token)
    for other in others:
        other.runtime.database.close()
    assert len(seen) == 4
    kinds = [(line["grant_type"], line["given"]) for line in issuing.told()]
    assert kinds == [("authorization_code", True), *[("refresh_token", True)] * 3]


def test_a_refresh_token_that_is_spent_twice_ends_the_grant_and_is_lost(
    store: Store, runtime: Runtime, clock: ManualClock, issuing: Provider
) -> None:
    """What a process leaves that dies between the server's answer and the commit: see hub.connections.refreshing."""
    installation = installation_of(runtime)
    store.connect(installation, issuing.issuer, issuing.code())
    with runtime.read() as tx:
        before = book.find(tx, installation.id, book.MAIN)
    assert before is not None
    clock.forward(minutes=1)
    store.access(installation)
    with runtime.begin() as tx:
        tx.execute(connections.update().values(refresh_token=before.refresh_token))
    clock.forward(minutes=1)
    with pytest.raises(PeerError) as error:
        store.access(installation)
    assert error.value.kind == "rejected"
    with runtime.read() as tx:
        row = book.find(tx, installation.id, book.MAIN)
    assert row is not None
    assert (row.state, row.last_error) == ("lost", "it answered 400 (invalid_grant)")


def test_our_own_credentials_are_taken(store: Store, runtime: Runtime, clock: ManualClock, issuing: Provider) -> None:
    installation = installation_of(runtime)
    store.connect(installation, issuing.issuer)
    first = store.access(installation)
    clock.forward(minutes=1)
    assert store.access(installation) != first
    store.connect(installation, replace(issuing.issuer, client_secret="wrong"))
    with pytest.raises(PeerError, match=r"it answered 401 \(invalid_client\)"):
        store.access(installation)
