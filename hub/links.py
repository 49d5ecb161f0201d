"""Connections to others: made to an address that the guard has judged, cut at a deadline, and kept for a moment.

A kept connection is used again for the same URL alone (receivers that merely share a host may not meddle with each other's answers),
and only while the guard, asked anew, still judges its address to be one of that host's. It is given up when its other side has closed
it, or said more than it was asked.
"""

import ssl
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from socket import IPPROTO_TCP, SHUT_RDWR, TCP_NODELAY, create_connection, socket
from types import TracebackType
from typing import Any, Final, Self

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.wait import wait_for_read

from core import PeerError
from hub.guard import Target

CONNECT_S: Final = 5.0  # one of several addresses may be dead: the others get their turn
IDLE_S: Final = 4.0  # less than servers keep them: the most impatient ones in use close after five seconds
LIFE_S: Final = 60.0  # then it is made anew: certificates and load balancers change
MOST: Final = 64
MOST_OF_ONE: Final = 4


class Leash:
    """Cuts a connection at its deadline, wherever it is: in the handshake, in the headers, between two bytes of the body.

    A socket's own timeout begins anew with every byte. This shuts the connection down from the side, through a duplicate of its
    descriptor, which TLS leaves alone.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._held: list[socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._held.clear()

    def left(self) -> float:
        return self._ends - time.monotonic()

    def hold(self, side: socket) -> None:
        with self._lock:
            self._held.append(side)
        if self.left() <= 0:
            self._cut()

    def drop(self, side: socket) -> None:
        with self._lock:
            self._held = [held for held in self._held if held is not side]

    def error(self) -> PeerError | None:
        return (
            PeerError("unavailable", f"no whole answer within {self._seconds:g} seconds") if self.left() <= 0 else None
        )

    def check(self) -> None:
        """An answer without a length looks whole when it is cut: it is not."""
        if late := self.error():
            raise late

    def _cut(self) -> None:
        with self._lock:
            for side in self._held:
                with suppress(OSError):  # it is closed already
                    side.shutdown(SHUT_RDWR)


@dataclass(slots=True)
class Link:
    """An open connection; `side` is a duplicate of its descriptor. Times are of the monotonic clock, in seconds."""

    url: str
    address: str
    connection: HTTPConnection
    side: socket
    born: float
    idle_since: float = 0.0

    def close(self) -> None:
        self.connection.close()
        self.side.close()

    def lives(self, now: float) -> bool:
        """Whether it may be used again: open, silent, and not too old."""
        wire: Any = self.connection.sock
        fresh = now - self.idle_since < IDLE_S and now - self.born < LIFE_S
        return fresh and wire is not None and not _says_something(wire)


@dataclass(slots=True, weakref_slot=True)
class Kept:
    """Connections that nobody uses just now, oldest first: never many, and none for long."""

    most: int = MOST
    most_of_one: int = MOST_OF_ONE
    _idle: list[Link] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Whoever drops a hub need not think of its connections: they are closed before anything of them is finalised."""
        weakref.finalize(self, _close_all, self._idle)

    def take(self, target: Target) -> Link | None:
        """One to an address of the target as it was judged now; it is the caller's alone."""
        self._drop_old()
        while True:
            with self._lock:
                fit = [link for link in self._idle if link.url == target.url and link.address in target.addresses]
                if not fit:
                    return None
                self._idle.remove(fit[-1])
            if fit[-1].lives(time.monotonic()):
                return fit[-1]
            fit[-1].close()

    def put(self, link: Link) -> None:
        """It may be used again."""
        link.idle_since = time.monotonic()
        with self._lock:
            same = [other for other in self._idle if other.url == link.url]
            full = same if len(same) >= self.most_of_one else self._idle if len(self._idle) >= self.most else []
            oldest = full[0] if full else None
            if oldest is not None:
                self._idle.remove(oldest)
            self._idle.append(link)
        if oldest is not None:
            oldest.close()
        self._drop_old()

    def close(self) -> None:
        with self._lock:
            _close_all(self._idle)

    def _drop_old(self) -> None:
        now = time.monotonic()
        with self._lock:
            old = [link for link in self._idle if now - link.idle_since >= IDLE_S]
            self._idle[:] = [link for link in self._idle if now - link.idle_since < IDLE_S]
        for link in old:
            link.close()


def _close_all(idle: list[Link]) -> None:
    while idle:
        idle.pop().close()


def dial(target: Target, tls: ssl.SSLContext, leash: Leash) -> Link:
    """A new connection, TLS and all, held by the leash. Raises PeerError."""
    wire, address = _wire(target, leash)
    side = wire.dup()
    leash.hold(side)
    connection = _connection(target, tls, lambda: wire)
    link = Link(target.url, address, connection, side, time.monotonic())
    try:
        connection.connect()
    except ssl.SSLError:
        wire.close()
        link.close()
        raise leash.error() or PeerError("rejected", "its certificate is not valid for the name") from None
    except OSError:
        wire.close()
        link.close()
        raise leash.error() or PeerError("unavailable", "the connection broke before an answer came") from None
    return link


def _wire(target: Target, leash: Leash) -> tuple[socket, str]:
    for address in target.addresses:
        try:
            wire = create_connection((address, target.port), timeout=max(0.001, min(CONNECT_S, leash.left())))
        except OSError:
            continue
        wire.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        return wire, address
    raise leash.error() or PeerError("unavailable", "nobody takes connections at this address")


class _Dialled(HTTPConnection):
    """A connection whose socket somebody else makes; its name stays what it was."""

    def __init__(self, *args: Any, dialled: Callable[[], socket], **options: Any) -> None:
        super().__init__(*args, **options)
        self._dialled = dialled

    def _new_conn(self) -> socket:
        return self._dialled()


class _DialledTls(_Dialled, HTTPSConnection):
    """The same over TLS."""


def _connection(target: Target, tls: ssl.SSLContext, dialled: Callable[[], socket]) -> HTTPConnection:
    if target.scheme == "https":
        return _DialledTls(target.host, target.port, dialled=dialled, ssl_context=tls)
    return _Dialled(target.host, target.port, dialled=dialled)


def _says_something(wire: Any) -> bool:
    """Whether there is something to read, where nothing was asked: an end, or what belongs to no answer."""
    return bool(isinstance(wire, ssl.SSLSocket) and wire.pending()) or wait_for_read(wire, timeout=0.0)
