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
from hub.outbound import Outbound
from tests.support.receivers import answers, receiver

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
