"""Guarded HTTP to the addresses that tenants give: webhooks, CRMs, token endpoints.

Nothing is taken from the environment (no proxy, no netrc), no redirect followed, no cookie kept; connected to an address that the
guard has judged while Host, SNI and the certificate stay those of the name; cut at a total deadline however slowly the other side
drips; and never more than 64 KiB of its answer read. Connections are kept for a moment: see `hub.links`.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Final

from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from core import PeerError
from hub.guard import Guard, Target
from hub.links import Kept, Leash, Link, dial

_PIECE: Final = 8192
# No compression: an answer of 64 KiB stays one, whatever it would unfold to.
_FIXED: Final = {"Accept-Encoding": "identity", "User-Agent": "smshub"}
_SAFE: Final = frozenset(
    {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}
)  # RFC 9110 section 9.2.2: twice is as good as once
_KEYS: Final = frozenset({"webhook-id", "idempotency-key"})  # by these a receiver knows a repeat


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, of any status. `headers` are found in any case; `whole` is False where the body was longer than is read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a target that was judged."""

    method: str
    target: Target
    headers: Mapping[str, str]
    body: bytes

    @property
    def repeatable(self) -> bool:
        """Whether a receiver that got it twice is no worse off."""
        return self.method in _SAFE or any(name.lower() in _KEYS for name in self.headers)


def trusted() -> ssl.SSLContext:
    """The authorities that browsers trust, and those that the operator gave the machine (SSL_CERT_FILE)."""
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


@dataclass(frozen=True, slots=True)
class Outbound:
    """The one way out. `seconds` is for the whole exchange, the name's look-up too; `most_bytes` is how much of the answer is read."""

    guard: Guard = field(default_factory=Guard)
    seconds: float = 15.0
    most_bytes: int = 65_536
    tls: ssl.SSLContext = field(default_factory=trusted)
    kept: Kept = field(default_factory=Kept)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """One exchange; answers of any status come back. Raises PeerError: `rejected` by the guard or a bad certificate, else `unavailable`."""
        with Leash(self.seconds) as leash:
            request = Request(method, self.guard.vet(url, self.seconds), headers, body)
            answer, link = self._exchanged(request, leash)
        if link is not None:  # only now: nobody cuts it any more
            self.kept.put(link)
        return answer

    def _exchanged(self, request: Request, leash: Leash) -> tuple[Answer, Link | None]:
        """The answer, and the connection if it is good for another one.

        The other side may close a kept connection just as it is used: a request that may be repeated is then made once more on a new
        one, and a request that may not never goes over a kept one.
        """
        old = self.kept.take(request.target) if request.repeatable else None
        if old is not None:
            leash.hold(old.side)
            try:
                return self._exchange(request, old, leash)
            except _Closed:
                leash.drop(old.side)
        new = dial(request.target, self.tls, leash)
        try:
            return self._exchange(request, new, leash)
        except _Closed as closed:
            raise PeerError("unavailable", str(closed)) from None

    def _exchange(self, request: Request, link: Link, leash: Leash) -> tuple[Answer, Link | None]:
        reusable = False
        try:
            answer = _asked(request, link, leash, self.most_bytes)
            leash.check()
            reusable = answer.whole and answer.status >= 200 and link.connection.sock is not None
        except (HTTPException, HTTPError, OSError) as error:
            broken = "the connection broke before an answer came"
            raise leash.error() or _why(error, broken) from None
        except ValueError:
            raise PeerError("rejected", "this is not an address that can be called") from None
        finally:
            if not reusable:
                link.close()
        return answer, link if reusable else None


class _Closed(Exception):  # noqa: N818 - it is no error where the connection was a kept one
    """The other side had closed the connection, or did before the first byte of its answer."""


def _why(error: Exception, words: str) -> Exception:
    closed = isinstance(error, ConnectionError | ssl.SSLEOFError | ssl.SSLZeroReturnError)
    return _Closed(words) if closed else PeerError("unavailable", words)


def _asked(request: Request, link: Link, leash: Leash, most: int) -> Answer:
    link.connection.timeout = max(0.001, leash.left())
    link.connection.request(
        request.method,
        parse_url(request.target.url).request_uri,
        body=request.body or None,
        headers=_FIXED | dict(request.headers),
        preload_content=False,
        decode_content=False,
    )
    return _read(link.connection.getresponse(), most)


def _read(response: BaseHTTPResponse, most: int) -> Answer:
    try:
        read = bytearray()
        for piece in response.stream(_PIECE, decode_content=False):
            read += piece
            if len(read) > most:
                break
        return Answer(
            response.status, CaseInsensitiveDict(response.headers), bytes(read[:most]), whole=len(read) <= most
        )
    finally:
        response.close()
