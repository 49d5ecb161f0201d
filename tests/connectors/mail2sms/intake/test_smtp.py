"""Mails by SMTP from end to end: a real client, a real name server, mails that nodemailer signed, the reading process, and SMS."""

import smtplib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from structlog.testing import capture_logs

from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.intake import replies, smtp
from tests.support.dns import NameServer
from tests.support.mail2sms import ANNE, NUMBER, OTHER, Shop
from tests.support.nodemailer import Nodemailer
from tests.support.plugged import Plugged, plugged
from tests.support.serving import PATIENCE_S, free_port, wait_for
from tests.support.signing import key_of

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
KEY = key_of("shop.example")
OUR_WORD = "Authentication-Results: mx.shop.example; spf=pass smtp.mailfrom=anne@shop.example\r\n"
RECEIVED = "Received: from {} by mx.shop.example; Mon, 21 Sep 2026 12:13:20 +0000\r\n"


class Desk:
    """A hub that takes mails by SMTP, whoever they are for, and the signed mails of a shop."""

    def __init__(self, hub: Plugged, port: int, mailer: Nodemailer) -> None:
        self.hub, self.port, self.mailer = hub, port, mailer
        self.shop = Shop(hub, trusted_authserv_id="mx.shop.example")

    def mail(self, text: str = "Bonjour", to: str = NUMBER, **more: Any) -> bytes:
        """A mail of Anne's, signed."""
        return self.mailer(KEY, sender=ANNE, to=self.shop.to(to), subject="sms", text=text, **more)

    def deliver(self, raw: bytes, *to: str, sender: str = ANNE) -> str:
        """As a mail server does; the reply to the mail."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE_S) as client:
            client.ehlo("mx.shop.example")
            client.mail(sender)
            for one in to or (NUMBER,):
                client.rcpt(self.shop.to(one))
            code, said = client.data(raw)
            return f"{code} {said.decode()}"

    @property
    def sent(self) -> list[int]:
        return [one.number for one in self.shop.messages]


@pytest.fixture
def hub(database_url: str, tmp_path: Path, listening: dict[str, str]) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, CONNECTOR, **listening) as made:
        yield made


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with NameServer({KEY.name: KEY.record}) as server:
        yield server


@pytest.fixture(scope="module")
def mailer() -> Iterator[Nodemailer]:
    with Nodemailer() as made:
        yield made


@pytest.fixture
def listening(names: NameServer) -> dict[str, str]:
    return {"SMSHUB_SMTP_LISTEN": f"127.0.0.1:{free_port()}", "SMSHUB_DNS": names.where}


@pytest.fixture
def desk(hub: Plugged, mailer: Nodemailer) -> Iterator[Desk]:
    visit, stop = hub.visit(CONNECTOR), threading.Event()
    assert smtp.LISTENER.wanted(visit.tools)
    thread = threading.Thread(target=smtp.listen, args=(visit, stop), daemon=True)
    thread.start()
    _, port = visit.tools.options["smtp_listen"]
    wait_for(lambda: is_open(port))
    yield Desk(hub, port, mailer)
    stop.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def is_open(port: int) -> bool:
    try:
        smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE_S).close()
    except OSError:
        return False
    return True


@contextmanager
def away(hub: Plugged) -> Iterator[None]:
    """The database can't be reached."""

    def refuse(*_arguments: Any) -> None:
        if hub.runtime.database.dialect == "sqlite":
            raise sqlite3.OperationalError("unable to open database file")
        raise psycopg.OperationalError("connection refused")

    engine = hub.runtime.database.engine
    engine.dispose()
    event.listen(engine, "do_connect", refuse)
    try:
        yield
    finally:
        event.remove(engine, "do_connect", refuse)


def test_case_30_a_mail_that_is_delivered_again_is_one_sms(desk: Desk) -> None:
    raw = desk.mail("Votre commande est prête.")
    told = [desk.deliver(RECEIVED.format(place).encode() + raw) for place in ("one.example", "two.example")]
    told.append(desk.deliver(RECEIVED.format("two.example").encode() + raw))
    assert [one[:3] for one in told] == ["250"] * 3
    assert [one.state for one in desk.shop.mails] == ["accepted", "duplicate"]
    desk.hub.work()
    assert [one.text for one in desk.hub.engine.taken()] == ["Votre commande est prête. STOP 36034"]


def test_case_32_whoever_is_only_in_bcc_is_texted_by_a_token_or_by_spf_and_else_asked_for(desk: Desk) -> None:
    token, spf = desk.shop.token(), OUR_WORD + RECEIVED.format("mta.shop.example")
    assert desk.deliver(desk.mail("By token"), f"{OTHER}+{token}").startswith("250 ")
    assert desk.sent == [int(OTHER)]
    assert desk.deliver(spf.encode() + desk.mail("By SPF"), "33687654322").startswith("250 ")
    assert desk.sent == [int(OTHER), 33687654322]
    assert desk.deliver(desk.mail("By nothing"), "33687654323").startswith("250 ")
    assert desk.sent == [int(OTHER), 33687654322]
    assert (desk.shop.mails[-1].state, desk.shop.mails[-1].code) == ("held", "held_unsigned_recipient")


def test_a_mail_that_is_turned_away_is_told_to_its_server_and_to_nobody_by_us(desk: Desk) -> None:
    assert desk.deliver(desk.mail("x" * 2000)).startswith("550 5.3.4 The text is ")
    assert desk.sent == []
    assert desk.shop.letters == []


def test_of_a_mail_that_nothing_proves_the_server_hears_nothing_that_it_would_tell_a_stranger(desk: Desk) -> None:
    unsigned = desk.mailer(sender=ANNE, to=desk.shop.to(), subject="sms", text="Bonjour")
    assert desk.deliver(unsigned).startswith("250 2.0.0 Nothing proves that the mail is from anne@shop.example")
    assert (desk.shop.mails[-1].state, desk.shop.mails[-1].code) == ("rejected", "unproven")
    assert desk.sent == []
    assert desk.shop.letters == []


def test_while_the_database_is_away_mails_stay_where_they_are_and_are_taken_then(desk: Desk) -> None:
    raw = desk.mail()
    with smtplib.SMTP("127.0.0.1", desk.port, timeout=PATIENCE_S) as client:
        client.ehlo("mx.shop.example")
        client.mail(ANNE)
        assert client.rcpt(desk.shop.to())[0] == 250
        with away(desk.hub), capture_logs() as entries:
            assert client.data(raw) == (451, replies.LATER.removeprefix("451 ").encode())
            client.mail(ANNE)
            assert client.rcpt("33612345678@sms.shop.example")[0] == 451
            client.rset()
        assert NUMBER not in str(entries)
        client.mail(ANNE)
        assert client.rcpt(desk.shop.to())[0] == 250
        assert client.data(raw)[0] == 250
    assert desk.sent == [int(NUMBER)]


def test_while_name_servers_are_silent_mails_stay_where_they_are(desk: Desk, names: NameServer) -> None:
    raw = desk.mail()
    names.falls_silent()
    try:
        assert desk.deliver(raw) == replies.LATER
    finally:
        names.speaks_again()
    assert desk.sent == []
    assert desk.deliver(raw).startswith("250 ")
    assert desk.sent == [int(NUMBER)]
