"""Guarded HTTP to the addresses that tenants give: webhooks, CRMs, token endpoints.

`requests` with nothing taken from the environment (no proxy, no netrc), no redirect followed, no cookie kept; connected to an address
that the guard has judged while Host, SNI and the certificate stay those of the name; cut at a total deadline however slowly the
other side drips; and never more than 64 KiB of its answer read.
"""

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from socket import IPPROTO_TCP, SHUT_RDWR, TCP_NODELAY, create_connection, socket
from types import TracebackType
from typing import Any, Final, Self

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from core import PeerError
from hub.guard import Guard, Target

CONNECT_S: Final = 5.0  # one of several addresses may be dead: the others get their turn
_PIECE: Final = 8192


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, of any status. `headers` are found in any case; `whole` is False where the body was longer than is read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True


def trusted() -> ssl.SSLContext:
    """The authorities that browsers trust, and those that the operator gave the machine (SSL_CERT_FILE)."""
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


@dataclass(frozen=True, slots=True)
class Outbound:
    """The one way out. `seconds` is for the whole exchange but the name's look-up; `most_bytes` is how much of the answer is read."""

    guard: Guard = field(default_factory=Guard)
    seconds: float = 15.0
    most_bytes: int = 65_536
    tls: ssl.SSLContext = field(default_factory=trusted)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """One exchange; answers of any status come back. Raises PeerError: `rejected` by the guard or a bad certificate, else `unavailable`."""
        target = self.guard.vet(url)
        request = _prepared(method, target, headers, body)
        with _Leash(self.seconds) as leash, _Pinned(target, self.tls, leash) as adapter:
            try:
                return _read(adapter.send(request, stream=True, timeout=self.seconds), self.most_bytes)
            except requests.exceptions.SSLError:
                raise _reason(leash, PeerError("rejected", "its certificate is not valid for the name")) from None
            except (requests.RequestException, HTTPError, OSError):
                raise _reason(leash, PeerError("unavailable", "the connection broke before an answer came")) from None
            finally:
                leash.check()


def _prepared(method: str, target: Target, headers: Mapping[str, str], body: bytes) -> requests.PreparedRequest:
    # No compression: an answer of 64 KiB stays one, whatever it would unfold to.
    fixed = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "smshub"}
    try:
        return requests.Request(method, target.url, headers=fixed | dict(headers), data=body).prepare()
    except (requests.RequestException, ValueError):
        raise PeerError("rejected", "this is not an address that can be called") from None


def _read(response: requests.Response, most: int) -> Answer:
    try:
        read = bytearray()
        for piece in response.raw.stream(_PIECE, decode_content=False):
            read += piece
            if len(read) > most:
                break
        return Answer(
            response.status_code, CaseInsensitiveDict(response.headers), bytes(read[:most]), whole=len(read) <= most
        )
    finally:
        response.close()


def _reason(leash: "_Leash", otherwise: PeerError) -> PeerError:
    return leash.error() or otherwise


class _Leash:
    """Cuts a connection at its deadline, wherever it is: in the handshake, in the headers, between two bytes of the body.

    A socket's own timeout begins anew with every byte. This shuts the connection down from the side, through a duplicate of its
    descriptor, which TLS leaves alone.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._wires: list[socket] = []
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
            while self._wires:
                self._wires.pop().close()

    def left(self) -> float:
        return self._ends - time.monotonic()

    def hold(self, wire: socket) -> None:
        with self._lock:
            self._wires.append(wire.dup())
        if self.left() <= 0:
            self._cut()

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
            for wire in self._wires:
                with suppress(OSError):  # it is closed already
                    wire.shutdown(SHUT_RDWR)


def _dial(target: Target, leash: _Leash) -> socket:
    for address in target.addresses:
        try:
            wire = create_connection((address, target.port), timeout=max(0.001, min(CONNECT_S, leash.left())))
        except OSError:
            continue
        wire.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        leash.hold(wire)
        return wire
    raise leash.error() or PeerError("unavailable", "nobody takes connections at this address")


class _Dialled(HTTPConnection):
    """A connection whose socket somebody else makes; its name stays what it was."""

    def __init__(self, *args: Any, dial: Callable[[], socket], **options: Any) -> None:
        super().__init__(*args, **options)
        self._dial = dial

    def _new_conn(self) -> socket:
        return self._dial()


class _DialledTls(_Dialled, HTTPSConnection):
    """The same over TLS."""


class _Pinned(HTTPAdapter):
    """Lets `requests` talk to a judged address and to nothing else, and judge certificates by our context."""

    def __init__(self, target: Target, tls: ssl.SSLContext, leash: _Leash) -> None:
        super().__init__()
        secure = target.scheme == "https"
        kind = HTTPSConnectionPool if secure else HTTPConnectionPool
        more: dict[str, Any] = {"ssl_context": tls} if secure else {}
        self._pool: HTTPConnectionPool = kind(target.host, target.port, dial=lambda: _dial(target, leash), **more)
        self._pool.ConnectionCls = _DialledTls if secure else _Dialled

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.close()
        self.close()

    def get_connection_with_tls_context(self, *_args: Any, **_options: Any) -> HTTPConnectionPool:
        return self._pool

    def cert_verify(self, *_args: Any, **_options: Any) -> None:
        """The context verifies: `requests` would load its own list of authorities for each connection."""
