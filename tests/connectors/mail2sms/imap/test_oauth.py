"""A mailbox that takes no password: tokens of a real issuer, which a real mail server asks whether they are good."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from connectors.contract import Installation
from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.health import health
from connectors.mail2sms.intake.looking import Judge
from connectors.mail2sms.intake.mailboxes import Watch
from connectors.mail2sms.oauth import grant_of, issuer_of
from hub.connections.tables import connections
from tests.support import issuers
from tests.support.dovecot import PASSWORD, Dovecot, dovecot, taking_tokens_of
from tests.support.hooked import LOOPBACK
from tests.support.oidc import Provider, provider
from tests.support.plugged import Plugged, plugged
from tests.support.postman import QUICK, Postman, letter
from tests.support.serving import wait_for

pytestmark = pytest.mark.peer


@pytest.fixture
def issuing() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def mails(issuing: Provider) -> Iterator[Dovecot]:
    with dovecot(taking_tokens_of(issuing.base)) as made:
        yield made


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, CONNECTOR, guard=LOOPBACK) as made:
        yield made


@contextmanager
def listening(hub: Plugged) -> Iterator[Postman]:
    """All mailboxes are read; there is one."""
    made = Postman()
    watch = Watch(hub.visit(CONNECTOR), lambda _office: Judge(made.take, made.too_large), "one", QUICK)
    watch.look()
    try:
        yield made
    finally:
        watch.end(30)


def installed(hub: Plugged, mails: Dovecot, oauth: Mapping[str, str]) -> Installation:
    mailbox = {"host": "127.0.0.1", "port": mails.port, "tls": "none", "username": "smshub", "oauth": oauth}
    return hub.install(hub.visitor().account_id, CONNECTOR, {"domain": "sms.example", "mailbox": mailbox})


def client(issuing: Provider, **more: str) -> dict[str, str]:
    issuer = issuing.issuer
    secret = issuer.client_secret or ""
    return {"token_url": issuer.token_url, "client_id": issuer.client_id, "client_secret": secret, **more}


def given(issuing: Provider, fields: Mapping[str, str]) -> Mapping[str, Any]:
    """What the issuer gives, asked by hand."""
    who = ("smshub", "a+secret%3A+of+ours+%26+theirs")
    answer = requests.post(f"{issuing.base}/token", fields, auth=who, timeout=60)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def change(hub: Plugged, installation: Installation, **settings: Any) -> None:
    hub.engine.clock.forward(seconds=1)
    hub.visit(CONNECTOR).tools.installations.change(installation, settings)


def told(hub: Plugged, installation: Installation) -> str:
    now = hub.visit(CONNECTOR).tools.installations.get(installation.id)
    return " ".join(health(hub.visit(CONNECTOR, now)))


def test_a_mailbox_is_read_with_the_clients_own_credentials(hub: Plugged, issuing: Provider, mails: Dovecot) -> None:
    installation = installed(hub, mails, client(issuing, scope="send"))
    with listening(hub) as postman:
        wait_for(lambda: "not connected yet" in told(hub, installation))
        hub.work()
        mails.deliver(letter("by token"))
        postman.waits(1)
        wait_for(lambda: not told(hub, installation))
    assert "method=XOAUTH2" in mails.told(20_000)
    assert {(line["grant_type"], line["given"]) for line in issuing.told()} == {("client_credentials", True)}


def test_a_token_that_is_refused_before_its_time_is_followed_by_another(
    hub: Plugged, issuing: Provider, mails: Dovecot
) -> None:
    installation = installed(hub, mails, client(issuing, scope="send"))
    hub.work()
    token = hub.visit(CONNECTOR).tools.tokens.access(installation)
    with listening(hub) as postman:
        mails.deliver(letter("first"))
        wait_for(lambda: mails.count("Processed") == 1)
        hub.engine.clock.forward(seconds=31)
        who = ("smshub", "a+secret%3A+of+ours+%26+theirs")
        requests.post(f"{issuing.base}/token/revocation", {"token": token}, auth=who, timeout=60).raise_for_status()
        mails.kill_imap()
        mails.deliver(letter("second"))
        postman.waits(2)
    assert hub.visit(CONNECTOR).tools.tokens.access(installation) != token


def test_a_refresh_token_is_spent_once_however_often_settings_change(
    hub: Plugged, issuing: Provider, mails: Dovecot
) -> None:
    """This issuer ends the grant of one that is spent twice."""
    first = given(issuing, issuing.code())
    installation = installed(hub, mails, client(issuing, refresh_token=first["refresh_token"]))
    hub.work()
    change(hub, installation, allowed_senders=["ann@example.com"])
    hub.work()
    hub.engine.clock.forward(minutes=1)
    with listening(hub) as postman:
        mails.deliver(letter("by refreshed token"))
        postman.waits(1)
    kinds = [(line["grant_type"], line["given"]) for line in issuing.told()]
    assert kinds == [("authorization_code", True), ("refresh_token", True), ("refresh_token", True)]


def test_a_grant_that_is_over_is_told_and_another_one_mends_it(hub: Plugged, issuing: Provider, mails: Dovecot) -> None:
    installation = installed(hub, mails, client(issuing, refresh_token="none of theirs"))
    hub.work()
    assert "invalid_grant" in told(hub, installation)
    assert "set mailbox.oauth again" in told(hub, installation)
    assert "none of theirs" not in told(hub, installation)
    refresh_token = given(issuing, issuing.code())["refresh_token"]
    change(hub, installation, mailbox={"oauth": {"refresh_token": refresh_token}})
    hub.work()
    assert told(hub, installation) == ""
    assert hub.visit(CONNECTOR).tools.tokens.access(installation)


def test_tokens_are_forgotten_where_a_password_takes_their_place(
    hub: Plugged, issuing: Provider, mails: Dovecot
) -> None:
    installation = installed(hub, mails, client(issuing))
    hub.work()
    change(hub, installation, mailbox={"oauth": None, "username": "sms", "password": PASSWORD})
    hub.work()
    with hub.runtime.read() as tx:
        assert tx.all(select(connections)) == []
    with listening(hub) as postman:
        mails.deliver(letter("by password"))
        postman.waits(1)


def test_an_issuer_that_is_away_is_told_and_asked_again(hub: Plugged, server: Dovecot) -> None:
    with issuers.issuing(good="from their owner") as issuer:
        issuer.next.append(issuers.says(503))
        oauth = {"token_url": issuer.url, "client_id": "smshub", "refresh_token": "from their owner", "scope": "mail"}
        installation = installed(hub, server, oauth)
        hub.work()
        assert "it answered 503; it is asked again by itself" in told(hub, installation)
        hub.engine.clock.forward(seconds=6)
        hub.work()
        assert told(hub, installation) == ""
    asked = {"grant_type": "refresh_token", "refresh_token": "from their owner", "client_id": "smshub", "scope": "mail"}
    assert issuer.asked == [asked, asked]


def test_an_address_that_may_not_be_asked_is_told(database_url: str, tmp_path: Path, server: Dovecot) -> None:
    with plugged(database_url, tmp_path, CONNECTOR) as careful:
        installation = installed(careful, server, {"token_url": "http://127.0.0.1:1/token", "client_id": "smshub"})
        careful.work()
        assert "Tokens can't be asked for here" in told(careful, installation)


def test_a_scope_is_said_each_time_and_a_client_without_secret_says_who_it_is() -> None:
    plain = {"token_url": "https://login.example/token", "client_id": "hub"}
    ours = issuer_of({**plain, "client_secret": "s", "scope": "mail"})
    assert (ours.auth, ours.scope, ours.more) == ("basic", "mail", {})
    theirs = issuer_of({**plain, "refresh_token": "r", "scope": "mail"})
    assert (theirs.auth, theirs.more) == ("none", {"scope": "mail"})
    assert grant_of({**plain, "refresh_token": "r"}) == {"grant_type": "refresh_token", "refresh_token": "r"}
    assert grant_of(plain) is None
