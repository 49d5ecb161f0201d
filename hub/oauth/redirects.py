"""Addresses that an authorization may be sent back to: what may be registered, and whether one that is asked for is one of those. Pure.

Compared as text, character by character (RFC 9700 section 2.1). The one exception is the port of a loopback address of a public client:
a program on somebody's machine takes whichever is free (RFC 8252 section 7.3).
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import SplitResult, urlsplit

LONGEST: Final = 2000  # characters

_LOOPBACK: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?(/[^#]*)?")
# An app's own scheme is the reverse of a domain that its makers have (RFC 8252 section 7.1).
_OWN_SCHEME: Final = re.compile(r"[a-z][a-z0-9+\-]*(?:\.[a-z0-9+\-]+)+")
_CHARACTERS: Final = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%]+")  # RFC 3986 appendix A, less # and *
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def fault(uri: str, *, public: bool) -> str | None:
    """Why an address cannot be registered; None where it can."""
    if len(uri) > LONGEST or not _CHARACTERS.fullmatch(uri):
        return f"must be an address of at most {LONGEST} characters as RFC 3986 has them, without a fragment (#) or wildcard"
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        return "is not an address"
    if "@" in parts.netloc:
        return "must not hold a user or password"
    return _scheme_fault(parts, public=public)


def matches(registered: Iterable[str], asked: str, *, public: bool) -> bool:
    """Whether the address that is asked for is registered."""
    known = frozenset(registered)
    if asked in known:
        return True
    portless = _portless(asked) if public else None
    return portless is not None and portless in map(_portless, known)


def host(uri: str) -> str:
    """Where an address leads, for people: its host, or the scheme of an app on the same machine."""
    parts = urlsplit(uri)
    return parts.hostname or f"{parts.scheme}:"


def _scheme_fault(parts: SplitResult, *, public: bool) -> str | None:
    if parts.scheme == "https":
        return None if parts.hostname else "must name a host"
    if parts.scheme == "http":
        return None if parts.hostname in _LOCAL else "must begin with https://, but for a program on the same machine"
    if public and _OWN_SCHEME.fullmatch(parts.scheme):
        return None
    return "must begin with https://; an app's own scheme is for public clients, and is a domain in reverse (com.example.app:/done)"


def _portless(uri: str) -> str | None:
    found = _LOOPBACK.fullmatch(uri)
    return f"{found[1]}{found[2] or ''}" if found else None
