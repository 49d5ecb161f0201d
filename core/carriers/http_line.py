"""The way to an HTTP provider: threads that each keep a connection, and for every request the knowledge whether a byte left.

Whether one did, and whether one still may, is decided where bytes leave, in the connection's `send`, rather than guessed from kinds of
errors. And since a timeout of a socket begins anew with every byte that drips in, whoever waits cuts what takes longer than it may.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from core.carriers.contract import HELD_UP
from core.carriers.http_rules import Answer, Grounded, Landing, Lost, Request, document
from core.carriers.http_settings import Provider

LONGEST_BODY: Final = 65_536
# A server that closes idle connections may do so just as we send, and then nobody knows: ours are never idle for long.
IDLE_S: Final = 2.0
LOOK_S: Final = 0.1  # how often late ones are looked for
SOCKET_OPTIONS: Final = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
FAILURES: Final = (requests.RequestException, HTTPError, HTTPException, OSError)
HEADERS: Final = {"User-Agent": "smshub", "Accept": "application/json, */*;q=0.5", "Accept-Encoding": "identity"}

Key = TypeVar("Key")
Over = Callable[[], bool]  # whether nothing more may leave


def never() -> bool:
    """It may leave at any time."""
    return False


class Flight:
    """One request under way: whether bytes left, or may no more, and the socket to cut."""

    __slots__ = ("_lock", "_over", "_socket", "cut", "ends_at", "held_up", "left")

    def __init__(self, over: Over = never) -> None:
        self._over = over
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.left = False
        self.cut = False
        self.held_up = False
        self.ends_at: float | None = None

    def departs(self, sock: socket.socket) -> None:
        """Bytes are about to leave; the first must not, when it was cut or its time is over."""
        with self._lock:
            if not self.left:
                self.held_up = self._over()
            if self.cut or self.held_up:
                raise ConnectionAbortedError("its time was over before it left")
            self._socket = sock
            self.left = True

    def lands(self) -> None:
        """The connection may serve another."""
        with self._lock:
            self._socket = None

    def end(self) -> None:
        """Wake its thread out of its read."""
        with self._lock, suppress(OSError):
            self.cut = True
            if self._socket is not None:
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # past TLS, which another thread is reading

    def is_late(self, now: float) -> bool:
        return self.ends_at is not None and self.ends_at <= now


class _Aboard(threading.local):
    flight: Flight | None = None


_aboard: Final = _Aboard()


class _Noticed:
    """Says so before the first byte leaves."""

    sock: socket.socket | None

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        if _aboard.flight is not None and self.sock is not None:
            _aboard.flight.departs(self.sock)
        super().send(data)  # type: ignore[misc]


class _Http(_Noticed, HTTPConnection):
    pass


class _Https(_Noticed, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, socket_options=SOCKET_OPTIONS)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


class _Line(threading.local):
    """A thread's own session and when it was last used."""

    session: requests.Session | None = None
    used_at: float = 0.0


class Lines:
    """Up to `size` connections of a carrier. Threads start with the first request, so a process may fork before it."""

    def __init__(self, provider: Provider, size: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._provider = provider
        self._size = size
        self._monotonic = monotonic
        self._timeouts = (provider.connect_ms / 1000, provider.read_ms / 1000)
        self._lock = threading.Lock()
        self._line = _Line()
        self._sessions: list[requests.Session] = []
        self._pool: ThreadPoolExecutor | None = None

    def fly(self, cargo: Iterable[tuple[Key, Request]], over: Over = never) -> Iterator[list[tuple[Key, Landing]]]:
        """Send all, some at a time; yield what became of them as they land. When the caller stops, those under way are cut.

        What has not left once it is `over` never does, whether it waits for a thread or for its connection.
        """
        landed: SimpleQueue[Future[Landing]] = SimpleQueue()
        waiting: dict[Future[Landing], tuple[Key, Flight]] = {}
        try:
            for key, request in cargo:
                flight = Flight(over)
                future = self._threads().submit(self._exchange, flight, request)
                waiting[future] = (key, flight)
                future.add_done_callback(landed.put)
            while waiting:
                if ready := _drain(landed):
                    yield [(waiting.pop(future)[0], _landing(future)) for future in ready]
                now = self._monotonic()
                for flight in (flight for _, flight in waiting.values() if flight.is_late(now)):
                    flight.end()
                if over():
                    for future in waiting:
                        future.cancel()  # of those that wait for a thread
        finally:
            for future, (_, flight) in waiting.items():
                future.cancel()
                flight.end()

    def close(self) -> None:
        """Wait for what is under way, and close every connection."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True)
        with self._lock:
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.close()

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._size, thread_name_prefix=f"carrier-{self._provider.name}")
            return self._pool

    def _exchange(self, flight: Flight, request: Request) -> Landing:
        _aboard.flight = flight
        flight.ends_at = self._monotonic() + sum(self._timeouts)
        try:
            answer = self._answer(request)
        except FAILURES as error:
            code = HELD_UP if flight.held_up else "timeout" if flight.cut else _code(error)
            return Lost(code) if flight.left else Grounded(code)
        else:
            # A body that ends with its connection looks whole when it was cut.
            return Lost("timeout") if flight.cut else answer
        finally:
            flight.lands()
            _aboard.flight = None

    def _answer(self, request: Request) -> Answer:
        with self._session().request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body,
            timeout=self._timeouts,
            allow_redirects=False,
            stream=True,
        ) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, headers, document(_body(response)))

    def _session(self) -> requests.Session:
        line, now = self._line, self._monotonic()
        if line.session is None:
            line.session = self._new_session()
        elif now - line.used_at > IDLE_S:
            line.session.close()  # its connections; it opens others
        line.used_at = now
        return line.session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # no proxy, key or certificate from the environment: the settings say all
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        session.headers.clear()
        session.headers.update(HEADERS)
        session.verify = self._provider.ca_file or True
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(pool_connections=4, pool_maxsize=1, max_retries=0))
        with self._lock:
            self._sessions.append(session)
        return session


def _body(response: requests.Response) -> bytes | None:
    """The whole body, None if it is too long. The read that finds nothing more is the one that tells an end from a break."""
    body = b""
    while more := response.raw.read(LONGEST_BODY + 1 - len(body), decode_content=False):
        body += more
        if len(body) > LONGEST_BODY:
            return None
    return body


def _landing(future: Future[Landing]) -> Landing:
    return Grounded(HELD_UP) if future.cancelled() else future.result()


def _drain(landed: "SimpleQueue[Future[Landing]]") -> list[Future[Landing]]:
    """What has landed; waits a moment for the first."""
    ready: list[Future[Landing]] = []
    with suppress(Empty):
        ready.append(landed.get(timeout=LOOK_S))
        while True:
            ready.append(landed.get_nowait())
    return ready


def _code(error: Exception) -> str:
    """A short, stable name for what happened; never the address or what was sent."""
    if isinstance(error, requests.Timeout | TimeoutError):
        return "timeout"
    return "tls_failed" if isinstance(error, requests.exceptions.SSLError) else "connection_failed"
