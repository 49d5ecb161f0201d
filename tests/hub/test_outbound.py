"""Against real servers; what they answer over TLS is signed by an authority made for the test."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core import PeerError
from hub.guard import Guard
from hub.links import IDLE_S, Kept, Leash, dial
from hub.lookups import Lookups
from hub.outbound import Outbound, trusted
from tests.support.receivers import Receiver, answers, receiver

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


def to_loopback(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def outbound(seconds: float = 5, tls: ssl.SSLContext | None = None) -> Outbound:
    guard = Guard(allow=LOOPBACK, resolve=to_loopback)
    return Outbound(guard, seconds=seconds, tls=tls) if tls else Outbound(guard, seconds=seconds)


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for `name`, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())


def test_a_name_keeps_its_host_header_though_the_socket_goes_to_the_judged_address() -> None:
    with receiver() as shop:
        answer = outbound().send("POST", f"http://shop.test:{shop.port}/hook?a=b", {"X-One": "1"}, b"{}")
    assert (answer.status, answer.body, answer.whole) == (200, b"", True)
    (post,) = shop.posts
    assert (post.path, post.body) == ("/hook?a=b", b"{}")
    assert post.headers["host"] == f"shop.test:{shop.port}"
    assert post.headers["x-one"] == "1"


def test_over_tls_the_name_is_what_the_certificate_must_be_for(tmp_path: Path) -> None:
    server, client = certificate(tmp_path, "shop.test")
    asked_for: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    with receiver(server) as shop:
        assert outbound(tls=client).send("POST", f"https://shop.test:{shop.port}/", {}).status == 200
        with pytest.raises(PeerError) as error:
            outbound(tls=client).send("POST", f"https://other.test:{shop.port}/", {})
    assert asked_for == ["shop.test", "other.test"]
    assert (error.value.kind, error.value.detail) == ("rejected", "its certificate is not valid for the name")
    assert len(shop.posts) == 1


def test_an_authority_that_nobody_trusts_is_rejected(tmp_path: Path) -> None:
    server, _ = certificate(tmp_path, "shop.test")
    with receiver(server) as shop, pytest.raises(PeerError) as error:
        outbound().send("POST", f"https://shop.test:{shop.port}/", {})
    assert error.value.kind == "rejected"


def test_nothing_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("default login me password secret\n")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with receiver() as shop:
        assert outbound().send("POST", shop.url, {}).status == 200
    assert "authorization" not in shop.posts[0].headers


def test_a_redirect_comes_back_as_it_is() -> None:
    with receiver() as shop:
        shop.behaviour = answers(302, Location="http://169.254.169.254/")
        answer = outbound().send("POST", shop.url, {})
    assert (answer.status, answer.headers["LOCATION"]) == (302, "http://169.254.169.254/")
    assert len(shop.posts) == 1


@pytest.mark.parametrize("length, whole", [(65_536, True), (65_537, False)])
def test_no_more_than_the_cap_is_read(length: int, whole: bool) -> None:
    def long(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(length))
        request.end_headers()
        request.wfile.write(b"x" * length)

    with receiver() as shop:
        shop.behaviour = long
        answer = outbound().send("POST", shop.url, {})
    assert (len(answer.body), answer.whole) == (65_536, whole)


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["status line", "headers", "body", "body without a length"],
)
def test_a_receiver_that_drips_is_cut_wherever_it_is(start: bytes) -> None:
    cut = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(start)
        try:
            while not shop.stopped.wait(0.02):
                request.wfile.write(b"H")
        except OSError:
            cut.set()

    with receiver() as shop:
        shop.behaviour = drip
        with pytest.raises(PeerError) as error:
            outbound(seconds=0.3).send("POST", shop.url, {})
        assert cut.wait(10)
    assert (error.value.kind, error.value.detail) == ("unavailable", "no whole answer within 0.3 seconds")


def test_a_receiver_that_never_finishes_the_handshake_is_cut() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(PeerError) as error:
        outbound(seconds=0.3).send("POST", f"https://shop.test:{silent.getsockname()[1]}/", {})
    assert error.value.detail == "no whole answer within 0.3 seconds"


def test_where_nobody_listens_it_is_unavailable() -> None:
    with pytest.raises(PeerError) as error:
        outbound().send("POST", "http://127.0.0.1:1/", {})
    assert (error.value.kind, error.value.detail) == ("unavailable", "nobody takes connections at this address")


def test_of_two_addresses_the_one_that_answers_is_used() -> None:
    with receiver() as shop:
        guard = Guard(allow=LOOPBACK, resolve=lambda _host, _port: ["127.0.0.2", "127.0.0.1"])
        with socket.create_server(("127.0.0.2", 0)):
            assert Outbound(guard).send("POST", f"http://shop.test:{shop.port}/", {}).status == 200


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"])
def test_an_answer_that_is_none_is_unavailable(said: bytes) -> None:
    def rude(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(said)
        request.wfile.flush()
        request.connection.shutdown(socket.SHUT_RDWR)
        request.close_connection = True

    with receiver() as shop:
        shop.behaviour = rude
        with pytest.raises(PeerError) as error:
            outbound().send("POST", shop.url, {})
    assert error.value.kind == "unavailable"


# Connections are kept


KEYED = {"webhook-id": "msg_1"}


def wires(shop: Receiver) -> list[int]:
    """From which port of ours each request came: a port is a connection. The list grows as they come."""
    seen: list[int] = []
    answer = shop.behaviour

    def noted(request: BaseHTTPRequestHandler) -> None:
        seen.append(request.client_address[1])
        answer(request)

    shop.behaviour = noted
    return seen


def test_a_second_post_goes_over_the_same_connection() -> None:
    with receiver() as shop:
        seen, out = wires(shop), outbound()
        for _ in range(3):
            assert out.send("POST", shop.url, KEYED, b"{}").status == 200
    assert len(seen) == 3
    assert len(set(seen)) == 1


def test_over_tls_too_with_one_handshake(tmp_path: Path) -> None:
    server, client = certificate(tmp_path, "shop.test")
    shaken: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: shaken.append(name)
    with receiver(server) as shop:
        out = outbound(tls=client)
        for _ in range(2):
            assert out.send("POST", f"https://shop.test:{shop.port}/", KEYED).status == 200
    assert (len(shop.posts), shaken) == (2, ["shop.test"])


def test_another_name_at_the_same_address_has_its_own_connection() -> None:
    with receiver() as shop:
        seen, out = wires(shop), outbound()
        for name in ("shop.test", "other.test"):
            out.send("POST", f"http://{name}:{shop.port}/", KEYED)
    assert len(set(seen)) == 2
    assert [post.headers["host"] for post in shop.posts] == [f"shop.test:{shop.port}", f"other.test:{shop.port}"]


def test_receivers_that_share_a_host_share_no_connection() -> None:
    with receiver() as shop:
        seen, out = wires(shop), outbound()
        for path in ("/one", "/two"):
            out.send("POST", f"http://shop.test:{shop.port}{path}", KEYED)
    assert len(set(seen)) == 2


def test_what_may_not_be_repeated_never_goes_over_a_kept_connection() -> None:
    with receiver() as shop:
        seen, out = wires(shop), outbound()
        for _ in range(2):
            out.send("POST", shop.url, {}, b"{}")
    assert len(set(seen)) == 2


def test_the_guard_is_asked_again_and_a_name_that_moved_is_not_met_at_its_old_address() -> None:
    resolves_to = ["127.0.0.1"]
    with receiver() as shop:
        out = Outbound(Guard(allow=LOOPBACK, resolve=lambda _host, _port: resolves_to), seconds=5)
        url = f"http://shop.test:{shop.port}/"
        assert out.send("POST", url, KEYED).status == 200
        for moved, kind in (("127.0.0.2", "unavailable"), ("10.0.0.1", "rejected")):
            resolves_to[:] = [moved]
            with pytest.raises(PeerError) as error:
                out.send("POST", url, KEYED)
            assert error.value.kind == kind
    assert len(shop.posts) == 1


def test_a_receiver_that_closed_the_connection_meanwhile_is_met_on_a_new_one() -> None:
    def closes(request: BaseHTTPRequestHandler) -> None:
        answers(200)(request)
        request.connection.shutdown(socket.SHUT_RDWR)
        request.close_connection = True

    with receiver() as shop:
        shop.behaviour = closes
        seen, out = wires(shop), outbound()
        for _ in range(5):
            assert out.send("POST", shop.url, KEYED).status == 200
    assert len(set(seen)) == 5


def test_a_connection_that_breaks_before_an_answer_is_replaced_once() -> None:
    def breaks_the_second_time(request: BaseHTTPRequestHandler) -> None:
        if seen.count(request.client_address[1]) > 1:
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
        else:
            answers(200)(request)

    with receiver() as shop:
        shop.behaviour = breaks_the_second_time
        seen, out = wires(shop), outbound()
        assert [out.send("POST", shop.url, KEYED).status for _ in range(2)] == [200, 200]
    assert (len(seen), len(set(seen))) == (3, 2)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70_000,
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=["longer than is read", "an answer before the answer", "an old server", "asked to close"],
)
def test_a_connection_whose_answer_did_not_end_cleanly_is_not_kept(said: bytes) -> None:
    def speaks(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(said)
        request.wfile.flush()

    with receiver() as shop:
        shop.behaviour = speaks
        seen, out = wires(shop), outbound()
        statuses = {out.send("POST", shop.url, KEYED).status for _ in range(3)}
    assert statuses <= {200, 103}
    assert len(set(seen)) == 3


def test_few_connections_are_kept_and_fewer_to_one_receiver() -> None:
    kept = Kept(most=3, most_of_one=2)
    with receiver() as shop, receiver() as other, Leash(5) as leash:
        links = []
        for each in (shop, shop, shop, other, other):
            target = outbound().guard.vet(each.url)
            links.append((target, dial(target, trusted(), leash)))
        for _, link in links:
            kept.put(link)
        assert [link.connection.sock is not None for _, link in links] == [False, False, True, True, True]
        assert kept.take(links[0][0]) is links[2][1]
        assert kept.take(links[0][0]) is None
        kept.close()
        links[2][1].close()


def test_a_connection_is_kept_for_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, passed = Kept(), [0.0]
    with receiver() as shop, Leash(5) as leash:
        target = outbound().guard.vet(shop.url)
        link = dial(target, trusted(), leash)
        began = link.born
        monkeypatch.setattr("hub.links.time.monotonic", lambda: began + passed[0])
        kept.put(link)
        passed[0] = IDLE_S
        assert kept.take(target) is None
        assert link.connection.sock is None


# Names


def test_a_name_that_is_looked_up_for_ever_costs_no_more_than_the_deadline() -> None:
    answered = threading.Event()

    def hangs(_host: str, _port: int) -> Sequence[str]:
        answered.wait()
        return ["127.0.0.1"]

    out = Outbound(Guard(allow=LOOPBACK, resolve=hangs), seconds=0.2)
    with pytest.raises(PeerError) as error:
        out.send("POST", "http://shop.test/", KEYED)
    assert error.value.kind == "unavailable"
    answered.set()


def test_whoever_asks_for_a_name_that_is_being_looked_up_waits_for_the_same_answer_and_too_many_names_are_refused() -> (
    None
):
    answered, asked = threading.Event(), []

    def hangs(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        answered.wait()
        return ["127.0.0.1"]

    lookups = Lookups(most=2)
    for name in ("a.test", "a.test", "b.test", "c.test"):
        with pytest.raises(TimeoutError):
            lookups.within(0.01, hangs, name, 80)
    assert sorted(asked) == ["a.test", "b.test"]
    answered.set()
    assert lookups.within(5, hangs, "a.test", 80) == ["127.0.0.1"]
