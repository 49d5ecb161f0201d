"""A token endpoint that does as a test says: it rotates refresh tokens and takes a second use for theft, unless it is told otherwise."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

Body = Mapping[str, Any] | bytes
Said = tuple[int, Body, Mapping[str, str]]


def says(status: int, body: Body = b"", **headers: str) -> Callable[[], Said]:
    """This answer, once; names of headers with _ for -."""
    return lambda: (status, body, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass(slots=True)
class Issuing:
    """What it was asked, and what it does. `next` are answers that come before all rules.

    life: of access tokens, in seconds. grace: a spent refresh token is answered as the first time. rotates: refresh tokens are good once.
    meanwhile: happens while it thinks.
    """

    life: int | None = 3600
    grace: bool = False
    rotates: bool = True
    asked: list[Mapping[str, str]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    next: deque[Callable[[], Said]] = field(default_factory=deque)
    meanwhile: Callable[[], object] = lambda: None
    count: int = 0
    good: str = "refresh-0"
    spent: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    ended: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def answer(self, form: Mapping[str, str], headers: Mapping[str, str]) -> Said:
        with self.lock:
            self.asked.append(form)
            self.headers.append(headers)
            told = self.next.popleft() if self.next else None
        self.meanwhile()
        if told is not None:
            return told()
        with self.lock:
            return self._refresh(form) if form["grant_type"] == "refresh_token" else (200, self._new(), {})

    def _refresh(self, form: Mapping[str, str]) -> Said:
        shown = form.get("refresh_token", "")
        if shown in self.spent:
            if self.grace:
                return 200, self.spent[shown], {}
            self.ended = True
        if self.ended or shown != self.good:
            return 400, {"error": "invalid_grant", "error_description": f"unknown token {shown}"}, {}
        given = self._new()
        if self.rotates:
            self.good = f"refresh-{self.count}"
            given["refresh_token"] = self.good
            self.spent[shown] = given
        return 200, given, {}

    def _new(self) -> dict[str, Any]:
        self.count += 1
        life = {} if self.life is None else {"expires_in": self.life}
        return {"access_token": f"access-{self.count}", "token_type": "Bearer", **life}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asks may have died meanwhile."""


@contextmanager
def issuing(**options: Any) -> Iterator[Issuing]:
    """A token endpoint on 127.0.0.1 for the length of a `with`."""
    made = Issuing(**options)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said, more = made.answer(dict(parse_qsl(body.decode(), keep_blank_values=True)), headers)
            written = said if isinstance(said, bytes) else json.dumps(said).encode()
            with suppress(OSError):
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **more}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(written)))
                self.end_headers()
                self.wfile.write(written)

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = _Server(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/token"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
