"""What every fault of a connection comes to: real servers that refuse, hang, drip, break off and answer nonsense."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.carriers.contract import Accepted, Ambiguous, Busy, NotFound, Outcome, Rejected, held_up
from core.carriers.http import HttpCarrier
from core.carriers.http_line import Flight
from tests.core.carriers.contract_cases import IN_TIME, Gathered, attempt, references, sent, window
from tests.core.carriers.providers import (
    HASTY,
    TAKEN,
    Behaviour,
    Heard,
    Serve,
    answers,
    closed_port,
    drips,
    hangs,
    resets_after,
    says,
    whole,
)
from tests.support.world import ManualClock

Open = Callable[..., HttpCarrier]
Ask = Callable[..., Outcome]
PATIENCE_S = 60


def test_a_refused_connection_is_busy(open_carrier: Open) -> None:
    assert sent(open_carrier(f"http://127.0.0.1:{closed_port()}/"), [attempt()]) == [
        Busy("m-1", 10_000, "connection_failed")
    ]


def test_an_unknown_host_is_busy(open_carrier: Open) -> None:
    (outcome,) = sent(open_carrier("http://nowhere.invalid/"), [attempt()])
    assert isinstance(outcome, Busy)


def test_tls_that_does_not_come_about_is_busy(serve: Serve, open_carrier: Open) -> None:
    server = serve(answers(200, TAKEN))
    (outcome,) = sent(open_carrier(server.url.replace("http:", "https:"), **HASTY), [attempt()])
    assert isinstance(outcome, Busy)
    assert server.heard == []


def test_a_certificate_that_nobody_vouches_for_is_busy(serve: Serve, open_carrier: Open, tmp_path: Path) -> None:
    certificate, tls = self_signed(tmp_path)
    server = serve(answers(200, TAKEN), tls)
    assert sent(open_carrier(server.url), [attempt()]) == [Busy("m-1", 10_000, "tls_failed")]
    assert server.heard == []
    assert sent(open_carrier(server.url, ca_file=str(certificate)), [attempt()]) == [Accepted("m-1", "abc")]


def test_a_secured_answer_that_drips_is_given_up(serve: Serve, open_carrier: Open, tmp_path: Path) -> None:
    certificate, tls = self_signed(tmp_path)
    server = serve(drips(b"HTTP/1.1 200 OK\r\nA: "), tls)
    timeouts = {"connect_ms": 1000, "read_ms": 100}
    assert sent(open_carrier(server.url, ca_file=str(certificate), timeouts=timeouts), [attempt()]) == [
        Ambiguous("m-1", "timeout")
    ]


HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"


@pytest.mark.parametrize(
    "behaviour, code",
    [
        (hangs, "timeout"),
        (drips(b""), "timeout"),
        (drips(b"HTTP/1.1 200 OK\r\nX-Long: "), "timeout"),
        (drips(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), "timeout"),
        (drips(b'HTTP/1.1 200 OK\r\n\r\n{"messages": [{"id": "abc"}]}'), "timeout"),
        (resets_after(b""), "connection_failed"),
        (resets_after(HALF), "connection_failed"),
        (says(b""), "connection_failed"),
        (says(HALF), "connection_failed"),
        (says(b"\x00\xffno protocol of ours\r\n\r\n"), "connection_failed"),
        (says(b"HTTP/1.1 abc OK\r\n\r\n"), "connection_failed"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n"), "connection_failed"),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "connection_failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_once_bytes_left_only_a_whole_answer_is_believed(ask: Ask, behaviour: Behaviour, code: str) -> None:
    patience = HASTY if code == "timeout" else {}
    assert ask(behaviour, **patience) == Ambiguous("m-1", code)


def test_each_message_has_its_own_fate_and_exactly_one(serve: Serve, open_carrier: Open) -> None:
    faults: dict[int, Behaviour] = {
        0: answers(200, TAKEN),
        1: answers(429, {}),
        2: answers(400, {}),
        3: answers(500, {}),
        4: resets_after(b""),
        5: hangs,
    }
    expected = {0: Accepted, 1: Busy, 2: Rejected, 3: Ambiguous, 4: Ambiguous, 5: Ambiguous}
    server = serve(lambda connection, heard: faults[int(heard.json["ref"][2:]) % 6](connection, heard))
    outcomes = sent(open_carrier(server.url, concurrency=12, **HASTY), window(36))
    assert sorted(references(outcomes)) == sorted(f"m-{place}" for place in range(36))
    assert {outcome.reference: type(outcome) for outcome in outcomes} == {
        f"m-{place}": expected[place % 6] for place in range(36)
    }


def test_answers_are_told_while_others_are_awaited(serve: Serve, open_carrier: Open) -> None:
    told: list[str] = []

    def behave(connection: Any, heard: Heard) -> None:
        if heard.json["ref"] == "m-slow":
            assert connection.recv(1) == b"" or told
        else:
            connection.sendall(whole(200, TAKEN))

    carrier = open_carrier(serve(behave).url, timeouts={"connect_ms": 1000, "read_ms": 1000})
    for outcomes in carrier.send([attempt(reference="m-slow"), attempt(reference="m-quick")], Gathered(), IN_TIME):
        told += references(outcomes)
    assert told == ["m-quick", "m-slow"]


def test_a_connection_that_was_closed_between_two_messages_is_not_used(serve: Serve, open_carrier: Open) -> None:
    """Closed unannounced, and the end has arrived. Had it not, the second would be Ambiguous: nobody could know."""
    server = serve(says(whole(200, TAKEN)))
    carrier = open_carrier(server.url, concurrency=1)
    first = sent(carrier, window(1))
    server.threads[0].join()
    assert first + sent(carrier, window(1, 1)) == [Accepted("m-0", "abc"), Accepted("m-1", "abc")]
    assert [heard.connection for heard in server.heard] == [1, 2]


def test_a_connection_whose_end_was_announced_is_not_used(serve: Serve, open_carrier: Open) -> None:
    server = serve(says(whole(200, TAKEN, {"Connection": "close"})))
    outcomes = sent(open_carrier(server.url, concurrency=1), window(10))
    assert outcomes == [Accepted(f"m-{place}", "abc") for place in range(10)]
    assert [heard.connection for heard in server.heard] == list(range(1, 11))


def test_one_that_stops_listening_begins_no_more(serve: Serve, open_carrier: Open) -> None:
    server = serve(answers(200, TAKEN))
    carrier = open_carrier(server.url, concurrency=1)
    outcomes = carrier.send(window(300), Gathered(), IN_TIME)
    next(iter(outcomes))
    outcomes.close()  # type: ignore[attr-defined]
    carrier.close()
    assert 1 <= len(server.heard) < 300


def self_signed(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that signs itself, and a server's side of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), start, start.replace(year=2090)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return folder / "certificate.pem", tls


def test_one_that_stops_listening_need_not_wait_for_what_drips(serve: Serve, open_carrier: Open) -> None:
    """Without the cut this test would never end: nobody looks for late ones any more."""
    server = serve(
        lambda connection, heard: (answers(200, TAKEN) if heard.json["ref"] == "m-0" else drips(b""))(connection, heard)
    )
    carrier = open_carrier(server.url)
    outcomes = carrier.send(window(4), Gathered(), IN_TIME)
    assert references(next(iter(outcomes))) == ["m-0"]
    outcomes.close()  # type: ignore[attr-defined]
    carrier.close()


def test_what_was_cut_before_it_left_never_leaves() -> None:
    flight = Flight()
    flight.end()
    with socket.socket() as unused, pytest.raises(ConnectionAbortedError):
        flight.departs(unused)
    assert not flight.left


def test_what_waits_for_a_connection_until_its_time_is_over_never_leaves(
    serve: Serve, open_carrier: Open, clock: ManualClock
) -> None:
    until = clock.now + 5_000

    def behave(connection: Any, _heard: Heard) -> None:
        clock.now = until + 1
        connection.sendall(whole(200, TAKEN))

    server = serve(behave)
    outcomes = sent(open_carrier(server.url, concurrency=1), window(20), until=until)
    assert sorted(outcomes, key=lambda outcome: int(outcome.reference[2:])) == [
        Accepted("m-0", "abc"),
        *(held_up(f"m-{place}") for place in range(1, 20)),
    ]
    assert [heard.json["ref"] for heard in server.heard] == ["m-0"]


def test_and_is_told_so_at_once_though_the_one_before_it_hangs(
    serve: Serve, open_carrier: Open, clock: ManualClock
) -> None:
    told = threading.Event()

    def behave(connection: Any, _heard: Heard) -> None:
        clock.forward(seconds=6)
        assert told.wait(PATIENCE_S)
        connection.sendall(whole(200, TAKEN))

    timeouts = {"connect_ms": 1000, "read_ms": 60_000}
    carrier = open_carrier(serve(behave).url, concurrency=1, timeouts=timeouts)
    came: list[Outcome] = []
    for outcomes in carrier.send(window(2), Gathered(), clock.now + 5_000):
        came += outcomes
        told.set()
    assert came == [held_up("m-1"), Accepted("m-0", "abc")]


def test_look_ups_hold_up_no_message(serve: Serve, open_carrier: Open) -> None:
    asked, go = threading.Event(), threading.Event()

    def hang(connection: Any, _heard: Heard) -> None:
        asked.set()
        assert go.wait(PATIENCE_S)
        connection.sendall(whole(404, {}))

    lookup = {"url": serve(hang).url + "/{reference}", "found": {"statuses": [200]}, "not_found": {"statuses": [404]}}
    timeouts = {"connect_ms": 1000, "read_ms": 60_000}
    carrier = open_carrier(serve(answers(200, TAKEN)).url, concurrency=1, lookup=lookup, timeouts=timeouts)
    told: dict[str, Any] = {}
    asking = threading.Thread(target=lambda: told.update(carrier.lookup(["m-8", "m-9"])))
    asking.start()
    try:
        assert asked.wait(PATIENCE_S)
        assert sent(carrier, [attempt()]) == [Accepted("m-1", "abc")]
        assert asking.is_alive()
    finally:
        go.set()
        asking.join(PATIENCE_S)
    assert told == {reference: NotFound(reference) for reference in ("m-8", "m-9")}


def test_time_is_looked_at_in_the_moment_before_the_first_byte_leaves() -> None:
    over: list[bool] = []
    late, begun = Flight(lambda: bool(over)), Flight(lambda: bool(over))
    with socket.socket() as unused:
        begun.departs(unused)
        over.append(True)
        begun.departs(unused)  # its body follows
        with pytest.raises(ConnectionAbortedError):
            late.departs(unused)
    assert (begun.left, begun.held_up) == (True, False)
    assert (late.left, late.held_up) == (False, True)
