"""Around every request: its id, the headers that all answers carry, the access log and the counters.

At the WSGI layer, where a header costs an append: the framework's own headers are searched for each that is set.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any, Final

from hub import logs
from hub.metrics import Metrics

REQUEST_ID: Final = "smshub.request_id"
ROUTE: Final = "smshub.route"
IDS: Final = 64  # made at once: a draw of random bits is dear
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_\-]{8,64}")
_DEFAULTS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
)
_ONLY_HTTPS: Final = ("Strict-Transport-Security", "max-age=31536000")
# Anything else in place of a method is the caller's own word: it would make a counter of each.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Route = Callable[[Environ], Wsgi | None]
Respond = Callable[[str, Headers, bytes], None]  # status, headers and body of an answer
Later = Callable[[Environ, Respond], bool]  # answers once, in whatever thread has the answer; False: it is not taken
LaterRoute = Callable[[Environ], Later | None]


class Access:
    """A WSGI application around others: `route` names another one for some requests. A header that an answer has stays as it is."""

    def __init__(
        self,
        application: Wsgi,
        new_ids: Callable[[int], list[str]],
        meter: Metrics,
        *,
        https: bool,
        route: Route = lambda _environ: None,
        later: LaterRoute = lambda _environ: None,
    ) -> None:
        self._application = application
        self._route = route
        self._later = later
        self._new_ids = new_ids
        self._ids: list[str] = []
        self._meter = meter
        self._defaults = [
            (name.lower(), (name, value)) for name, value in (*_DEFAULTS, *([_ONLY_HTTPS] if https else []))
        ]

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        started = perf_counter()
        request_id = self._named(environ)

        def start(status: str, headers: Sequence[tuple[str, str]], *exc_info: Any) -> Any:
            write = start_response(status, self._completed(headers, request_id), *exc_info)
            self._tell(environ, int(status[:3]), perf_counter() - started)
            return write

        return (self._route(environ) or self._application)(environ, start)

    def later(self, environ: Environ, respond: Respond) -> bool:
        """Take a request that is answered by `respond`, perhaps after this returned; False: it is to be called as any other.

        Waits for nothing and asks no database.
        """
        found = self._later(environ)
        if found is None:
            return False
        started = perf_counter()
        request_id = self._named(environ)

        def answered(status: str, headers: Headers, body: bytes) -> None:
            respond(status, self._completed(headers, request_id), body)
            self._tell(environ, int(status[:3]), perf_counter() - started)

        return found(environ, answered)

    def _named(self, environ: Environ) -> str:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        environ[REQUEST_ID] = request_id = given if _REQUEST_ID.fullmatch(given) else self._new_id()
        return request_id

    def _new_id(self) -> str:
        with suppress(IndexError):  # another thread may have taken the last
            return self._ids.pop()
        made = self._new_ids(IDS)[::-1]
        first = made.pop()
        self._ids = made
        return first

    def _completed(self, headers: Sequence[tuple[str, str]], request_id: str) -> Headers:
        present = {name.lower() for name, _ in headers}
        return [*headers, ("X-Request-Id", request_id), *(pair for name, pair in self._defaults if name not in present)]

    def _tell(self, environ: Environ, status: int, seconds: float) -> None:
        """By the template of the route: a path may hold a recipient's number."""
        route, method = environ.get(ROUTE, "none"), environ["REQUEST_METHOD"]
        method = method if method in _METHODS else "OTHER"
        self._meter.observe(route, method, status, seconds)
        logs.tell_request(
            {
                "route": route,
                "method": method,
                "status": status,
                "ms": round(seconds * 1000, 1),
                "request_id": environ[REQUEST_ID],
            }
        )
