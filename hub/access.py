"""Around every request: its id, the headers that all answers carry, the access log and the counters.

At the WSGI layer, where a header costs an append: the framework's own headers are searched for each that is set.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Any, Final

import structlog

from hub.metrics import Metrics

REQUEST_ID: Final = "smshub.request_id"
ROUTE: Final = "smshub.route"
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

log = structlog.get_logger()


class Access:
    """A WSGI application around another. A header that an answer has already stays as it is."""

    def __init__(self, application: Wsgi, new_id: Callable[[], str], meter: Metrics, *, https: bool) -> None:
        self._application = application
        self._new_id = new_id
        self._meter = meter
        self._defaults = [
            (name.lower(), (name, value)) for name, value in (*_DEFAULTS, *([_ONLY_HTTPS] if https else []))
        ]

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        started = perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        environ[REQUEST_ID] = request_id = given if _REQUEST_ID.fullmatch(given) else self._new_id()

        def start(status: str, headers: Sequence[tuple[str, str]], *exc_info: Any) -> Any:
            write = start_response(status, self._completed(headers, request_id), *exc_info)
            self._tell(environ, int(status[:3]), perf_counter() - started)
            return write

        return self._application(environ, start)

    def _completed(self, headers: Sequence[tuple[str, str]], request_id: str) -> Headers:
        present = {name.lower() for name, _ in headers}
        return [*headers, ("X-Request-Id", request_id), *(pair for name, pair in self._defaults if name not in present)]

    def _tell(self, environ: Environ, status: int, seconds: float) -> None:
        """By the template of the route: a path may hold a recipient's number."""
        route, method = environ.get(ROUTE, "none"), environ["REQUEST_METHOD"]
        method = method if method in _METHODS else "OTHER"
        self._meter.observe(route, method, status, seconds)
        log.info(
            "request",
            route=route,
            method=method,
            status=status,
            ms=round(seconds * 1000, 1),
            request_id=environ[REQUEST_ID],
        )
