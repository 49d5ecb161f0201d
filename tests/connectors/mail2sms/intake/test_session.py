"""A mail over a real connection: how it comes, what its peer is told, and what happens when something goes wrong."""

import logging
import smtplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from functools import partial

import pytest
from structlog.testing import capture_logs

from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.intake import replies, session
from connectors.mail2sms.mail import MOST_BYTES, Outcome
from tests.support.plugged import Plugged
from tests.support.serving import wait_for
from tests.support.smtp_door import Peer, Server, Steps, peer_of, serving
from tests.support.web import Visitor

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
RIGHT = "0612345678@sms.shop.example"
LETTER = b"From: anne@shop.example\r\nTo: 0612345678@sms.shop.example\r\n\r\nBonjour"


# What is offered


def test_it_offers_sizes_and_eight_bits_and_nothing_that_nobody_needs(peer: Peer, server: Server) -> None:
    assert peer.greeting == "220 hub.example smshub"
    with smtplib.SMTP("127.0.0.1", server.port) as client:
        client.ehlo("mta.example")
        assert client.esmtp_features == {"size": str(MOST_BYTES), "8bitmime": ""}
    peer.says("EHLO mta.example")
    for command in ("AUTH PLAIN AGEAYg==", "VRFY anne", "EXPN list", "BDAT 5 LAST"):
        assert peer.says(command).startswith("500 "), command


# Mails


def test_a_peer_is_told_what_became_of_a_mail(peer: Peer, steps: Steps) -> None:
    for outcome in (Outcome("accepted"), Outcome("rejected", "no_credit", "No credits."), Outcome("retry", "busy")):
        steps.become = partial(copy, outcome)
        peer.begins(RIGHT)
        assert peer.mails(LETTER) == replies.of(outcome)


def test_a_mail_is_handed_on_as_it_came_with_its_envelope(hub: Plugged, peer: Peer, steps: Steps) -> None:
    peer.begins(RIGHT, sender="bounces+1@shop.example")
    peer.mails(LETTER + b"\r\n..dots\r\n\xe9" + b"x" * 200_000)
    (found,) = steps.found
    assert found.raw == LETTER + b"\r\n.dots\r\n\xe9" + b"x" * 200_000 + b"\r\n"
    assert (found.intake, found.received_at) == ("smtp", hub.engine.clock.now)
    assert (found.envelope, found.returns_to) == ((RIGHT,), "bounces+1@shop.example")


def test_the_null_sender_is_nobody(peer: Peer, steps: Steps) -> None:
    peer.begins("no-reply@sms.shop.example", sender="")
    peer.mails(LETTER)
    assert steps.found[0].returns_to == ""


def test_a_mail_that_is_too_large_is_refused_by_what_it_says_and_by_what_it_is(peer: Peer, steps: Steps) -> None:
    peer.says("EHLO mta.example")
    assert peer.says(f"MAIL FROM:<anne@shop.example> SIZE={MOST_BYTES + 1}").startswith("552 ")
    peer.begins(RIGHT)
    assert peer.mails((b"x" * 998 + b"\r\n") * (MOST_BYTES // 1000 + 1)).startswith("552 5.3.4 ")
    assert steps.found == []
    assert peer.begins(RIGHT)[0].startswith("250 ")


def test_only_a_dot_between_line_ends_is_the_end(peer: Peer, steps: Steps) -> None:
    for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\r\n\0.\r\n", b"\r.\r"):
        peer.begins(RIGHT)
        smuggled = LETTER + end + b"MAIL FROM:<evil@example>\r\nRCPT TO:<0612345679@sms.shop.example>"
        assert peer.mails(smuggled).startswith("250 "), end
        assert b"evil@example" in steps.found.pop().raw, end
        assert steps.found == []


def test_commands_that_come_all_at_once_are_taken_one_after_the_other(peer: Peer, steps: Steps) -> None:
    mail = f"MAIL FROM:<anne@shop.example>\r\nRCPT TO:<{RIGHT}>\r\nDATA\r\n".encode()
    peer.sends(b"EHLO mta.example\r\n" + (mail + LETTER + b"\r\n.\r\n") * 2)
    assert [peer.heard()[:3] for _ in range(9)] == ["250", *["250", "250", "354", "250"] * 2]
    assert len(steps.found) == 2


# When something goes wrong


def failing() -> Outcome:
    raise RuntimeError(LETTER)


def test_what_fails_is_to_be_tried_again_and_nothing_of_it_is_told(peer: Peer, steps: Steps) -> None:
    steps.become = failing
    peer.begins(RIGHT)
    with capture_logs() as entries:
        assert peer.mails(LETTER) == replies.LATER
    (entry,) = entries
    assert (entry["event"], entry["error"]) == ("smtp.failed", "RuntimeError")
    assert "Bonjour" not in str(entry)
    steps.become = lambda: Outcome("accepted")
    peer.begins(RIGHT)
    assert peer.mails(LETTER).startswith("250 ")


def test_nothing_of_a_mail_is_logged(
    server: Server, peer: Peer, caplog: pytest.LogCaptureFixture, steps: Steps
) -> None:
    session.hush()
    with caplog.at_level(logging.DEBUG), capture_logs() as entries:
        peer.begins(RIGHT, "06123456781234@sms.shop.example")
        peer.mails(LETTER)
    assert [entry["event"] for entry in entries] == ["smtp.recipient_refused"]
    assert not [word for word in ("612345678", "Bonjour", "anne@") if word in f"{entries} {caplog.text}"]


def test_a_connection_too_many_is_sent_away(hub: Plugged, shop: Visitor, steps: Steps) -> None:
    with serving(hub.visit(CONNECTOR), steps, most_of_one=2) as server:
        with peer_of(server) as first, peer_of(server):
            with peer_of(server) as third:
                assert third.greeting == session.FULL
                assert third.heard() == ""
            assert first.begins(RIGHT)[0].startswith("250 ")
        wait_for(lambda: not server.desk.here)
        with peer_of(server) as later:
            assert later.greeting.startswith("220 ")


@contextmanager
def held(steps: Steps) -> Iterator[threading.Event]:
    """Mails are not done with until the event is set."""
    go_on = threading.Event()

    def waits() -> Outcome:
        go_on.wait()
        return Outcome("accepted")

    steps.become = waits
    try:
        yield go_on
    finally:
        go_on.set()


def test_when_it_stops_idle_peers_are_told_and_a_mail_is_answered(hub: Plugged, shop: Visitor, steps: Steps) -> None:
    with (
        held(steps) as go_on,
        serving(hub.visit(CONNECTOR), steps) as server,
        peer_of(server) as idle,
        peer_of(server) as busy,
    ):
        busy.begins(RIGHT)
        busy.says("DATA")
        busy.sends(LETTER + b"\r\n.\r\n")
        wait_for(lambda: steps.found)
        server.stop.set()
        assert idle.heard() == session.STOPPING
        go_on.set()
        assert busy.heard() == "250 2.0.0 Taken."


def test_a_peer_that_goes_away_in_the_middle_leaves_room_for_others(hub: Plugged, shop: Visitor, steps: Steps) -> None:
    with held(steps) as go_on, serving(hub.visit(CONNECTOR), steps, most_of_one=1) as server:
        with peer_of(server) as gone:
            gone.begins(RIGHT)
            gone.says("DATA")
            gone.sends(LETTER + b"\r\n.\r\n")
            wait_for(lambda: steps.found)
        wait_for(lambda: not server.desk.here)
        go_on.set()
        with peer_of(server) as next_one:
            next_one.begins(RIGHT)
            assert next_one.mails(LETTER).startswith("250 ")
