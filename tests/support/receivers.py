"""Real receivers of webhooks: HTTP servers on 127.0.0.1 that remember what they were sent and answer as a test wants."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import time_machine
from standardwebhooks import Webhook

Behaviour = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True, slots=True)
class Post:
    """One request as it arrived; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def verified(self, secret: str) -> Any:
        """The payload, by the package that receivers use; raises when the signature is not right. Its clock is the attempt's."""
        with time_machine.travel(int(self.headers["webhook-timestamp"]), tick=False):
            return Webhook(secret).verify(self.body, dict(self.headers))


def answers(status: int, **headers: str) -> Behaviour:
    def behave(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return behave


class Receiver:
    """Answers with `behaviour`, which a test may change at any time."""

    def __init__(self, server: ThreadingHTTPServer, scheme: str) -> None:
        self.posts: list[Post] = []
        self.behaviour: Behaviour = answers(200)
        self.port = server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}/hook"
        self.stopped = threading.Event()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that was cut is what some tests are about."""


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver for the length of a `with`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            if len(body) < length:  # whoever posted died meanwhile: this is no request
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen.posts.append(Post(self.path, headers, body, self.command))
            with suppress(OSError):
                seen.behaviour(self)

        def do_DELETE(self) -> None:
            """By which a subscription is told that its other end is gone."""
            self.do_POST()

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = _Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    seen = Receiver(server, "https" if tls else "http")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield seen
    finally:
        seen.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
