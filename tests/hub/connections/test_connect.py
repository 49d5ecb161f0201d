"""Connecting: with a code that was given, or with the client's own credentials; and to whom."""

import base64
import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from connectors.contract import Installation, Issuer, Tokens
from core import Database, PeerError, Refused, Runtime
from core.schema import audit
from hub.connections import book, notices
from hub.connections.store import Store
from hub.connections.tables import connections
from hub.guard import Guard
from hub.outbound import Outbound
from tests.support.connected import Linked, installation_of, issuer
from tests.support.hooked import KEYS, LOOPBACK
from tests.support.issuers import Issuing, says
from tests.support.world import ManualClock

CODE = {"grant_type": "authorization_code", "code": "c", "redirect_uri": "https://hub.example.com/back"}


@pytest.fixture
def store(runtime: Runtime) -> Store:
    return Store(runtime, KEYS, Outbound(guard=LOOPBACK, seconds=5))


@pytest.fixture
def installation(runtime: Runtime) -> Installation:
    return installation_of(runtime)


def basic(headers: Mapping[str, str]) -> str:
    return base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode()


def test_a_store_is_what_connectors_are_lent(store: Store, installation: Installation, server: Issuing) -> None:
    lent: Tokens = store
    server.next.append(says(200, {"access_token": "first", "refresh_token": "refresh-0", "expires_in": "3600"}))
    lent.connect(installation, issuer(server), CODE)
    assert lent.access(installation) == "first"
    assert server.asked == [CODE]
    with store.runtime.read() as tx:
        assert "connection.kept" in {row.action for row in tx.all(audit.select())}


def test_a_code_that_is_refused_leaves_what_was_there(linked: Linked) -> None:
    linked.issuing.next.append(says(400, {"error": "invalid_grant"}))
    with pytest.raises(PeerError, match=r"gave no token: it answered 400 \(invalid_grant\)") as error:
        linked.store.connect(linked.installation, issuer(linked.issuing), CODE)
    assert error.value.kind == "rejected"
    assert linked.access() == "access-0"


def test_a_server_to_server_token_is_got_when_it_is_first_wanted_and_again_before_its_end(
    store: Store, installation: Installation, server: Issuing, clock: ManualClock
) -> None:
    """Adobe's way: the client's own credentials in the form, scopes between commas, no refresh token ever."""
    ims = issuer(server, auth="post", scope="openid,AdobeID,additional_info")
    store.connect(installation, ims)
    assert server.asked == []
    assert store.access(installation) == "access-1"
    clock.forward(minutes=57)
    assert store.access(installation) == "access-2"
    asked = {
        "grant_type": "client_credentials",
        "scope": ims.scope,
        "client_id": "our id",
        "client_secret": "our secret",
    }
    assert server.asked == [asked, asked]
    assert "authorization" not in server.headers[0]


def test_own_credentials_that_are_refused_are_trouble_and_not_a_loss(
    store: Store, installation: Installation, server: Issuing
) -> None:
    store.connect(installation, issuer(server))
    server.next.append(says(400, {"error": "invalid_grant"}))
    with pytest.raises(PeerError) as error:
        store.access(installation)
    assert error.value.kind == "unavailable"


def test_a_client_proves_itself_as_the_rfc_says(linked: Linked) -> None:
    """RFC 6749 section 2.3.1: both parts are encoded as in a form first."""
    odd = Issuer(linked.issuing.url, "id:with colon", "sécret &+", more={"scope": "full", "redirect_uri": "https://h/"})
    linked.issuing.next.append(says(200, {"access_token": "a", "refresh_token": "refresh-0", "expires_in": 10}))
    linked.store.connect(linked.installation, odd, CODE)
    linked.clock.forward(hours=1)
    linked.access()
    assert [basic(headers) for headers in linked.issuing.headers] == ["id%3Awith+colon:s%C3%A9cret+%26%2B"] * 2
    refresh = {"grant_type": "refresh_token", "refresh_token": "refresh-0"}
    assert linked.issuing.asked[1] == refresh | {"scope": "full", "redirect_uri": "https://h/"}


def test_a_public_client_says_only_who_it_is(store: Store, installation: Installation, server: Issuing) -> None:
    server.next.append(says(200, {"access_token": "a", "refresh_token": "refresh-0"}))
    store.connect(installation, Issuer(server.url, "us", auth="none"), CODE)
    assert server.asked == [CODE | {"client_id": "us"}]
    assert "authorization" not in server.headers[0]


def test_the_secret_of_the_operators_own_client_is_kept_in_one_place(
    store: Store, installation: Installation, server: Issuing
) -> None:
    ours = replace(store, clients={"us": "the operator's secret"})
    ours.connect(installation, Issuer(server.url, "us"))
    ours.access(installation)
    assert basic(server.headers[0]) == "us:the+operator%27s+secret"
    with store.runtime.read() as tx:
        row = book.find(tx, installation.id, book.MAIN)
    assert row is not None
    assert row.client_secret is None


def test_an_installation_may_have_several(store: Store, installation: Installation, server: Issuing) -> None:
    for name in ("campaign", "journeys"):
        store.connect(installation, issuer(server), name=name)
    assert [store.access(installation, name) for name in ("campaign", "journeys", "campaign")] == [
        "access-1",
        "access-2",
        "access-1",
    ]
    with pytest.raises(PeerError, match="not connected yet"):
        store.access(installation)
    store.disconnect(installation)
    with store.runtime.read() as tx:
        assert tx.all(connections.select()) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/token",
        "https://10.0.0.1/token",
        "https://[::1]/token",
        "https://user:password@93.184.216.34/token",
        "ftp://93.184.216.34/token",
        "token",
    ],
)
def test_tokens_are_asked_for_by_tls_at_public_addresses_only(
    store: Store, installation: Installation, url: str
) -> None:
    strict = replace(store, outbound=Outbound(guard=Guard()))
    with pytest.raises(Refused) as refusal:
        strict.connect(installation, Issuer(url, "us", "secret"))
    assert (refusal.value.code, refusal.value.faults[0].pointer) == ("invalid_url", "/token_url")


def test_metrics_tell_of_those_that_are_unwell(linked: Linked) -> None:
    def counted() -> Mapping[str, float]:
        with linked.runtime.read() as tx:
            return notices.UNWELL.read(tx)

    assert counted() == {"failing": 0, "lost": 0}
    linked.issuing.next.append(says(500))
    linked.clock.forward(hours=2)
    with pytest.raises(PeerError):
        linked.access()
    assert counted() == {"failing": 1, "lost": 0}
    linked.issuing.ended = True
    linked.clock.forward(minutes=1)
    with pytest.raises(PeerError):
        linked.access()
    assert counted() == {"failing": 0, "lost": 1}


class Away:
    """A database whose disk is full for the next `times` transactions."""

    def __init__(self, database: Database) -> None:
        self.database, self.times = database, 0

    def begin(self) -> AbstractContextManager[Any]:
        if self.times:
            self.times -= 1
            full = sqlite3.OperationalError("database or disk is full")
            full.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise full
        return self.database.begin()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.database, name)


def test_a_database_that_is_away_when_the_answer_comes_is_waited_for(linked: Linked) -> None:
    """The new refresh token stands nowhere else."""
    away, waited = Away(linked.runtime.database), list[float]()
    store = replace(linked.store, runtime=linked.runtime.as_of(database=away), pause=waited.append)

    def falls() -> None:
        away.times = 3

    linked.issuing.meanwhile = falls
    linked.clock.forward(hours=2)
    assert store.access(linked.installation) == "access-1"
    assert (len(waited), linked.kept(), len(linked.issuing.asked)) == (3, "refresh-1", 1)
