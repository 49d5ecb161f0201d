"""The SMTP server of Mail2SMS on a port of its own, with a peer that speaks to it line by line."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connectors.contract import Visit
from connectors.mail2sms.intake.door import Door
from connectors.mail2sms.intake.server import serve
from connectors.mail2sms.intake.session import Desk, Take
from connectors.mail2sms.mail import Found, Outcome
from connectors.mail2sms.settings import Office
from tests.support.serving import PATIENCE_S, free_port


class Steps:
    """What becomes of mails is what a test says; it remembers them."""

    def __init__(self) -> None:
        self.found: list[Found] = []
        self.offices: list[Office] = []
        self.become: Callable[[], Outcome] = lambda: Outcome("accepted")

    def __call__(self, office: Office, found: Found) -> Outcome:
        self.offices.append(office)
        self.found.append(found)
        return self.become()


class Server:
    """One that listens until it is stopped. take: the steps of a mail."""

    def __init__(self, visit: Visit, take: Take, most_of_one: int = 50) -> None:
        self.desk = Desk(visit, take, "hub.example", Door(visit.runtime.clock, most_of_one=most_of_one))
        self.port = free_port()
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(serve(self.desk, ("127.0.0.1", self.port), self.stop))

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self.stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


@contextmanager
def serving(visit: Visit, take: Take, most_of_one: int = 50) -> Iterator[Server]:
    server = Server(visit, take, most_of_one)
    server.start()
    try:
        yield server
    finally:
        server.end()


class Peer:
    """A mail server that says what it is told to, byte by byte, and gives the reply's last line."""

    def __init__(self, port: int) -> None:
        self._socket = _connected(port)
        self._lines = self._socket.makefile("rb")
        self.greeting = self.heard()

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def heard(self) -> str:
        """The last line of the next reply; nothing where the connection is over."""
        while True:
            line = self._lines.readline().decode()
            if line[3:4] != "-":
                return line.rstrip("\r\n")

    def says(self, line: str | bytes) -> str:
        raw = line.encode() if isinstance(line, str) else line
        self._socket.sendall(raw + b"\r\n")
        return self.heard()

    def sends(self, raw: bytes) -> None:
        self._socket.sendall(raw)

    def begins(self, *recipients: str, sender: str = "anne@example.org") -> list[str]:
        """A transaction; what it is told of each recipient."""
        self.says("EHLO mta.example")
        self.says(f"MAIL FROM:<{sender}>")
        return [self.says(f"RCPT TO:<{one}>") for one in recipients]

    def mails(self, raw: bytes) -> str:
        """A mail, as it goes over the wire, up to the dot."""
        assert self.says("DATA").startswith("354")
        self.sends(raw)
        return self.says(b"\r\n.")


def _connected(port: int) -> socket.socket:
    """As soon as it listens."""
    for _ in range(500):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        except ConnectionRefusedError:
            threading.Event().wait(0.01)
    raise AssertionError("nobody listens")


@contextmanager
def peer_of(server: Server) -> Iterator[Peer]:
    peer = Peer(server.port)
    try:
        yield peer
    finally:
        peer.close()
