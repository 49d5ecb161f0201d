"""Signing in, and what its owner is told where that fails: what is wrong, what to do, and no secret."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.mail2sms.intake import connection
from connectors.mail2sms.intake.connection import Times
from core import PeerError, Runtime
from tests.support.certificates import certified
from tests.support.dovecot import PASSWORD, Dovecot, Shape, dovecot
from tests.support.odd_imap import able, odd_imap
from tests.support.postman import QUICK, letter, mailbox_at, mailbox_of, reading
from tests.support.serving import wait_for

pytestmark = pytest.mark.peer


def test_a_wrong_password_is_told_and_the_right_one_is_not_in_it(runtime: Runtime, server: Dovecot) -> None:
    with reading(runtime, mailbox_of(server, password="sécret")) as postman:
        said = postman.hears("does not take this user name and password")
        assert "mailbox.password" in said
        wait_for(
            lambda: server.told().count("password mismatch") + server.told().count("auth failed") >= 3
        )  # it is tried again
    assert not any(word in str(postman.said) for word in ("sécret", PASSWORD))


def test_a_folder_that_is_not_there_is_told_and_found_once_it_is(
    runtime: Runtime, server: Dovecot, caplog: pytest.LogCaptureFixture
) -> None:
    with reading(runtime, mailbox_of(server, folder="Büro/sms")) as postman:
        assert "mailbox.folder" in postman.hears("There is no folder Büro/sms")
        with server.client() as client:
            client.create_folder("Büro/sms")
        server.append(letter("at last"), folder="Büro/sms")
        postman.waits(1)
        wait_for(lambda: server.count("Processed") == 1)
    assert caplog.text == ""  # what the server says may name people


def test_a_mailbox_without_any_way_in_is_told(runtime: Runtime, server: Dovecot) -> None:
    with reading(runtime, mailbox_of(server, password=None)) as postman:
        postman.hears("neither a password nor OAuth")


def test_a_server_that_takes_no_tokens_is_told(runtime: Runtime, server: Dovecot) -> None:
    with reading(runtime, mailbox_of(server, password=None, oauth={"client_id": "hub"})) as postman:
        postman.hears("takes no tokens")


@pytest.mark.parametrize(
    "kind, words", [("rejected", "connect it first"), ("unavailable", "it answered 503")], ids=["refused", "away"]
)
def test_why_there_is_no_token_is_told(runtime: Runtime, kind: str, words: str) -> None:
    def token(_refused: str | None) -> str:
        raise PeerError(kind, words)

    with dovecot(Shape(mechanisms="xoauth2")) as server:
        mailbox = mailbox_of(server, password=None, oauth={"client_id": "hub"})
        with reading(runtime, mailbox, token=token) as postman:
            assert postman.hears("no token for the mailbox").endswith(f"{words}.")


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Dovecot]:
    with dovecot(Shape(certificate=certified(tmp_path, "localhost"))) as made:
        yield made


@pytest.mark.parametrize("tls", ["tls", "starttls"])
def test_tls_is_spoken_where_the_certificate_is_good(
    runtime: Runtime, secure: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    port = secure.tls_port if tls == "tls" else secure.port
    with reading(runtime, mailbox_of(secure, host="localhost", port=port, tls=tls)) as postman:
        secure.deliver(letter("in secret"))
        postman.waits(1)
        secure.kill_imap()
        secure.deliver(letter("in secret again"))
        wait_for(lambda: secure.count("Processed") == 2)
        frozen = secure.freeze_imap()
        secure.deliver(letter("and again"))
        postman.waits(3)
        secure.thaw(frozen)
    assert "TLS" in secure.told(20_000)


@pytest.mark.parametrize("tls", ["tls", "starttls"])
def test_nothing_is_said_to_a_server_whose_certificate_nobody_knows(
    runtime: Runtime, secure: Dovecot, tls: str
) -> None:
    port = secure.tls_port if tls == "tls" else secure.port
    with reading(runtime, mailbox_of(secure, host="localhost", port=port, tls=tls)) as postman:
        postman.hears("The certificate of localhost is not good")
    assert "Login:" not in secure.told()


def test_nothing_is_said_to_a_server_whose_certificate_is_for_another_name(
    runtime: Runtime, secure: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with reading(runtime, mailbox_of(secure, port=secure.tls_port, tls="tls")) as postman:
        postman.hears("The certificate of 127.0.0.1 is not good")


def test_a_server_without_starttls_is_told(runtime: Runtime, server: Dovecot) -> None:
    with reading(runtime, mailbox_of(server, tls="starttls")) as postman:
        postman.hears("offers no STARTTLS")
    assert "Login:" not in server.told()


def test_a_port_that_does_not_fit_is_told(runtime: Runtime, secure: Dovecot) -> None:
    quick = replace(QUICK, connect=0.5)
    with reading(runtime, mailbox_of(secure, tls="tls"), times=quick) as postman:
        assert "993 with tls" in postman.hears("can't be spoken to with TLS")
    with reading(runtime, mailbox_of(secure, port=secure.tls_port, tls="starttls"), times=quick) as postman:
        assert "143 with starttls" in postman.hears("does not answer")


@pytest.mark.parametrize(
    "greeting", [b"* BYE too busy\r\n", b"220 mail.example ESMTP\r\n", b""], ids=["bye", "another protocol", "nothing"]
)
def test_a_server_that_greets_in_another_manner_is_told(runtime: Runtime, greeting: bytes) -> None:
    with odd_imap(greeting) as port, reading(runtime, mailbox_at(port)) as postman:
        postman.hears("There is no talking to the mail server")


def test_a_server_that_wants_no_encryption_when_we_do_is_told_nothing(runtime: Runtime) -> None:
    """Somebody in between may say that we are signed in already (RFC 9051 section 11.1)."""
    heard: list[bytes] = []

    def answer(tag: bytes, command: bytes) -> bytes:
        heard.append(command.partition(b" ")[0])
        return able("STARTTLS", "AUTH=PLAIN")(tag, command)

    greeting = b"* PREAUTH you are in\r\n"
    with odd_imap(greeting, answer) as port, reading(runtime, mailbox_at(port, tls="starttls")) as postman:
        postman.hears("There is no talking to the mail server")
    assert set(heard) <= {b"CAPABILITY", b"LOGOUT"}


def test_a_server_that_can_not_let_us_in_now_has_not_refused_the_password(runtime: Runtime) -> None:
    def answer(tag: bytes, command: bytes) -> bytes:
        if command.startswith(b"LOGIN"):
            return tag + b" NO [UNAVAILABLE] our own database is down\r\n"
        return able()(tag, command)

    with odd_imap(b"* OK\r\n", answer) as port, reading(runtime, mailbox_at(port)) as postman:
        postman.hears("can't let anybody in now")


def test_what_a_name_or_password_holds_is_no_command(runtime: Runtime) -> None:
    """LOGIN writes them into a line; PLAIN, which takes all of them, is not offered here."""
    heard: list[bytes] = []

    def answer(tag: bytes, command: bytes) -> bytes:
        heard.append(command)
        return able()(tag, command)

    with odd_imap(b"* OK\r\n", answer) as port:
        with reading(runtime, mailbox_at(port, username='a "b" \\c', password='d"e')):
            wait_for(lambda: any(line.startswith(b"LOGIN") for line in heard))
        assert rb'LOGIN "a \"b\" \\c" "d\"e"' in heard
        heard.clear()
        with reading(runtime, mailbox_at(port, password="a\r\nX1 DELETE INBOX")) as postman:
            postman.hears("takes no letters with accents")
    assert not any(b"DELETE" in line for line in heard)


def test_more_than_was_asked_for_is_not_read(runtime: Runtime) -> None:
    """A literal is read into memory at once, however long it says that it is."""

    def answer(tag: bytes, command: bytes) -> bytes:
        return b'* LIST () "/" {20000000000}\r\n' if command.startswith(b"LIST") else able()(tag, command)

    with odd_imap(b"* OK\r\n", answer) as port, reading(runtime, mailbox_at(port)) as postman:
        postman.hears("broke off before the folder was seen")


def test_a_server_that_nobody_knows_is_told(runtime: Runtime) -> None:
    with reading(runtime, mailbox_at(1, host="mail.invalid")) as postman:
        postman.hears("mailbox.host")
    with reading(runtime, mailbox_at(1, host=f"{'a' * 70}.example")) as postman:
        postman.hears("mailbox.host")


@pytest.mark.parametrize(
    "address, near",
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.9", True), ("192.0.2.1", False), ("fe80::1", False)],
)
def test_without_encryption_only_this_machine_is_near(address: str, near: bool) -> None:
    assert connection.is_near((address, 143)) is near


def test_the_next_mail_is_handled_within_ten_seconds_by_the_times_as_they_are() -> None:
    """By what they add up to; tests of the real thing have shorter ones."""
    times = Times()
    assert times.quiet + times.prove + times.first < 10
    assert times.connect + times.longest < 10
    assert times.answer + times.first < 10
    assert times.look < 9 * 60
