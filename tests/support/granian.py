"""The web server of `smshub web` on a free port, and callers with plain sockets."""

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from hub.roles.granian_web import GranianServer, TakesLater, never
from hub.roles.web import bound, shared

LONG: Final = 60
HEAD: Final = b"POST / HTTP/1.1\r\nHost: x\r\n"


@contextmanager
def serving(app: Any, threads: int = 4, later: TakesLater = never) -> Iterator[tuple[GranianServer, int]]:
    place = bound("127.0.0.1", 0)
    server = GranianServer(app, shared(place), threads, later)
    server.start()
    try:
        yield server, place.getsockname()[1]
    finally:
        server.stop(LONG)
        place.close()


def echo(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """Says how long the body is, as the application sees it."""
    declared = environ.get("CONTENT_LENGTH")
    read = len(environ["wsgi.input"].read())
    start("200 OK", [("Content-Type", "text/plain")])
    return [f"{declared} {read} {'HTTP_TRANSFER_ENCODING' in environ}".encode()]


def ask(port: int, *pieces: bytes, end: bool = False) -> bytes:
    """What is answered to these bytes; `end`: nothing follows them."""
    with socket.create_connection(("127.0.0.1", port), LONG) as caller:
        for piece in pieces:
            caller.sendall(piece)
        if end:
            caller.shutdown(socket.SHUT_WR)
        return answer_of(caller)


def answer_of(caller: socket.socket) -> bytes:
    """All of an answer whose head says how long it is."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = caller.recv(65536)
        if not piece:
            return got
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    (length,) = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    while len(body) < length:
        body += caller.recv(65536)
    return head + b"\r\n\r\n" + body
