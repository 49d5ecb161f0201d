"""Mail against a mail server that we did not write."""

import re
from pathlib import Path

import pytest

from core import PeerError, jobs
from hub.mail import Smtp
from hub.people import entrance, links
from hub.wiring import handlers
from tests.hub.test_outbound import certificate
from tests.support import mailing
from tests.support.mailing import PASSWORD, USER, Server
from tests.support.pages import Pages
from tests.support.world import NOON

pytestmark = pytest.mark.peer
IN_URL = "hub:a%20p%40ss%2Fword"


def smtp(url: str) -> Smtp:
    return Smtp(url, "Hub <hub@example.com>", lambda: NOON, lambda: "one")


def send(url: str, body: str = "Bonjour à tous\n") -> None:
    smtp(url).send("ann@example.com", "Crédits épuisés", body)


def the_one(server: Server) -> str:
    (letter,) = server.taken
    assert (letter["To"], letter["Subject"]) == ("ann@example.com", "Crédits épuisés")
    assert (letter["From"], server.senders) == ("Hub <hub@example.com>", ["hub@example.com"])
    assert letter["Message-ID"] == "<one@example.com>"
    return str(letter.get_content()).replace("\r\n", "\n")


def test_a_plain_server_gets_the_letter_as_it_is() -> None:
    with mailing.server() as server:
        send(f"smtp://127.0.0.1:{server.port}", ".\n.begins with dots\n")
        assert the_one(server) == ".\n.begins with dots\n"
        assert server.encrypted == [False]


def test_starttls_is_used_where_it_is_offered_and_its_certificate_is_not_asked_for(tmp_path: Path) -> None:
    context, _ = certificate(tmp_path, "mail.test")
    with mailing.server(starttls=context) as server:
        send(f"smtp://127.0.0.1:{server.port}")
        assert the_one(server) == "Bonjour à tous\n"
        assert server.encrypted == [True]


def test_a_password_goes_to_a_server_whose_certificate_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, _ = certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    with mailing.server(starttls=context, login=True) as server:
        send(f"smtp://{IN_URL}@localhost:{server.port}")
        assert the_one(server)
        assert (server.logins, server.encrypted) == ([USER], [True])


def test_a_password_goes_to_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, _ = certificate(tmp_path, "mail.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    with mailing.server(starttls=context, login=True) as server, pytest.raises(PeerError) as error:
        send(f"smtp://{IN_URL}@localhost:{server.port}")
    assert (error.value.kind, server.logins) == ("unavailable", [])


def test_a_password_never_goes_in_the_clear() -> None:
    with mailing.server() as server, pytest.raises(PeerError) as error:
        send(f"smtp://{IN_URL}@127.0.0.1:{server.port}")
    assert (error.value.kind, server.logins, server.taken) == ("unavailable", [], [])


def test_tls_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, _ = certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    with mailing.server(tls=context) as server:
        send(f"smtps://localhost:{server.port}")
        assert the_one(server)
        assert server.encrypted == [True]


@pytest.mark.parametrize("wrong", ["hub:wrong", "other:a%20p%40ss%2Fword"])
def test_a_wrong_login_is_refused_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    context, _ = certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    with mailing.server(starttls=context, login=True) as server, pytest.raises(PeerError) as error:
        send(f"smtp://{wrong}@localhost:{server.port}")
    assert (error.value.kind, server.taken) == ("rejected", [])
    assert PASSWORD not in error.value.detail


LETTER = (
    b"From: sms@example.com\r\nTo: ann@example.com\r\nSubject: 1\r\n\r\n.\r\n..\r\n\xc3\xa9\t \r\nFrom here\r\n\r\n"
)


def test_a_connectors_mail_goes_out_as_it_is_and_comes_back_to_nobody() -> None:
    with mailing.server() as server:
        smtp(f"smtp://127.0.0.1:{server.port}").post(LETTER, "ann@example.com")
        assert (server.raw, server.senders, server.to) == ([LETTER], ["<>"], [["ann@example.com"]])


def test_a_connector_may_say_where_its_mail_comes_back_to() -> None:
    with mailing.server() as server:
        smtp(f"smtp://127.0.0.1:{server.port}").post(LETTER, "ann@example.com", "bounces@example.com")
        assert server.senders == ["bounces@example.com"]


@pytest.mark.parametrize(
    "answers, kind",
    [
        ({"refuses": "450 4.2.0 greylisted, try again later"}, "unavailable"),
        ({"refuses": "550 5.1.1 no such user"}, "rejected"),
        ({"refuses_data": "452 4.3.1 no room"}, "unavailable"),
        ({"refuses_data": "554 5.7.1 it looks like spam"}, "rejected"),
    ],
)
def test_a_server_that_refuses_for_now_is_asked_again_and_one_that_refuses_for_good_is_not(
    answers: dict[str, str], kind: str
) -> None:
    with mailing.server() as server:
        for name, answer in answers.items():
            setattr(server, name, answer)
        with pytest.raises(PeerError) as error:
            smtp(f"smtp://127.0.0.1:{server.port}").post(LETTER, "ann@example.com")
        assert (error.value.kind, server.taken) == (kind, [])
        assert "ann@" not in error.value.detail


def test_a_link_that_the_server_did_not_take_is_mailed_later(database_url: str, tmp_path: Path) -> None:
    hub = Pages(database_url, tmp_path)
    with mailing.server() as server:
        known = handlers(hub.settings)
        runtime = hub.runtime.as_of(mail=smtp(f"smtp://127.0.0.1:{server.port}"))
        server.refuses = "451 try again later"
        entrance.ask_for_link(runtime, links.SIGN_UP, "ann@example.com", "203.0.113.7", "fr")
        assert jobs.work(runtime, known)
        assert (server.taken, jobs.work(runtime, known)) == ([], False)
        server.refuses = ""
        hub.clock.forward(minutes=1)
        assert jobs.work(runtime, known)
        (letter,) = server.taken
        assert letter["Subject"] == "Créez votre compte"
        (path,) = re.findall(r"https://sms\.example(/console/link/\S+)", letter.get_content())
        assert hub.browser().look(path) == 200
    hub.close()
