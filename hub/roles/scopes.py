"""A request's head as WSGI has it (PEP 3333), of what granian tells of it (RSGI 1.6).

Environment variables of the process stay out of it: an HTTP_AUTHORIZATION there is no header.
"""

from collections.abc import Mapping
from typing import Any, Final

from hub.access import Environ

_FIXED: Final[Mapping[str, Any]] = {
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "smshub",
    "wsgi.multiprocess": True,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.version": (1, 0),
}
_USUAL: Final = (
    "accept accept-encoding accept-language authorization connection content-length content-type cookie host idempotency-key origin "
    "referer transfer-encoding user-agent x-forwarded-for x-forwarded-host x-forwarded-proto x-request-id"
)


def environ_of(scope: Any, words: Any) -> Environ:
    """The environ of a request whose body is not there yet; `words` is wsgi.errors."""
    host, _, port = scope.server.rpartition(":")
    environ: Environ = {
        **_FIXED,
        "wsgi.errors": words,
        "wsgi.url_scheme": scope.scheme,
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": _latin(scope.path),
        "QUERY_STRING": scope.query_string,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "REMOTE_ADDR": scope.client.rpartition(":")[0],
    }
    for header, value in scope.headers.items():
        name = _NAMES.get(header) or _name(header)
        if name in environ:
            environ[name] += f"{';' if header == 'cookie' else ','}{value}"
        elif name:
            environ[name] = value
    if "HTTP_HOST" not in environ:
        environ["HTTP_HOST"] = scope.authority or ""
    return environ


def _name(header: str) -> str:
    """What a header is called in an environ; empty for one that would be taken for another (x_request_id)."""
    if "_" in header:
        return ""
    name = header.upper().replace("-", "_")
    return name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"


def _latin(path: str) -> str:
    """A path as WSGI has it: bytes in the guise of Latin-1."""
    return path if path.isascii() else path.encode().decode("latin-1")


_NAMES: Final[Mapping[str, str]] = {
    header: _name(header) for header in _USUAL.split()
}  # others are made each time: anybody's
