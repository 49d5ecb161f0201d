"""Providers to talk to: real servers on 127.0.0.1 that answer as a test says, or misbehave."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Heard:
    """A request as it came in. `connection` counts connections, so a second request on one is seen."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)


Behaviour = Callable[[socket.socket, Heard], None]

# A provider's settings, and the answer by which it accepts.
TAKEN = {"messages": [{"id": "abc"}]}
BODY = {"to": "{to_e164}", "from": "{sender}", "text": "{text}", "ref": "{reference}"}
PLAIN = {
    "name": "acme",
    "kind": "http",
    "body": BODY,
    "id": "/messages/0/id",
    "timeouts": {"connect_ms": 2000, "read_ms": 5000},
}
HASTY = {"timeouts": {"connect_ms": 150, "read_ms": 150}}


@dataclass(slots=True)
class Server:
    """A server on a port of this machine."""

    behaviour: Behaviour
    tls: ssl.SSLContext | None = None
    heard: list[Heard] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=128))

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/sms"

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection, len(self.connections)))
            self.threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, count: int) -> None:
        with suppress(OSError, ssl.SSLError), connection:
            if self.tls is None:
                self._converse(connection, count)
            else:
                with self.tls.wrap_socket(connection, server_side=True) as secured:
                    self._converse(secured, count)

    def _converse(self, connection: socket.socket, count: int) -> None:
        while (heard := _request(connection, count)) is not None:
            self.heard.append(heard)
            self.behaviour(connection, heard)


Serve = Callable[..., Server]


@contextmanager
def serving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server that behaves so, until the end of the block."""
    server = Server(behaviour, tls)
    acceptor = threading.Thread(target=server.accept)
    acceptor.start()
    try:
        yield server
    finally:
        with suppress(OSError):
            server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()
        acceptor.join()
        for connection in server.connections:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in server.threads:
            thread.join()


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def answers(status: int = 200, body: Any = None, **headers: str) -> Behaviour:
    """Always the same answer; a body that is not bytes goes as JSON."""
    return lambda connection, _: connection.sendall(whole(status, body, headers))


def whole(status: int, body: Any, headers: Mapping[str, str] | None = None) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Content-Length": str(len(content))} | {
        name.replace("_", "-"): value for name, value in (headers or {}).items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} So\r\n{head}\r\n".encode() + content


def says(raw: bytes) -> Behaviour:
    """These bytes, and the end."""

    def behave(connection: socket.socket, _: Heard) -> None:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_RDWR)

    return behave


def hangs(connection: socket.socket, _: Heard) -> None:
    """Nothing, until the other side gives up."""
    connection.recv(1)


def resets_after(raw: bytes) -> Behaviour:
    """These bytes, then a reset rather than an end."""

    def behave(connection: socket.socket, _: Heard) -> None:
        connection.sendall(raw)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return behave


def drips(before: bytes) -> Behaviour:
    """These bytes, then one at a time, each well within any timeout of a read, until the other side gives up."""

    def behave(connection: socket.socket, _: Heard) -> None:
        connection.sendall(before)
        connection.settimeout(0.02)
        while True:
            connection.sendall(b"x")
            with suppress(TimeoutError):
                if not connection.recv(1):
                    return

    return behave


def _request(connection: socket.socket, count: int) -> Heard | None:
    """The next request of a connection; None at its end."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            return None
        received += more
    head, body = received.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        more = connection.recv(65536)
        if not more:  # it was cut between its head and its body
            return None
        body += more
    method, target, _ = first.split(" ")
    return Heard(method, target, headers, body, count)
