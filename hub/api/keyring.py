"""Who asks: the caller behind a bearer secret, remembered for two seconds.

A key that is revoked is refused at the latest TTL_MS later, in every process. Unknown secrets are not remembered: looking one up is
one indexed read, and nobody guesses 256 random bits.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from core import Caller, Refused, Runtime, accounts

TTL_MS: Final = 2000
_MOST_REMEMBERED: Final = 10_000

Identify = Callable[[str], Caller | None]


class Keyring:
    """Asks each `identify` in turn: API keys first, then what the hub adds (OAuth access tokens)."""

    def __init__(self, runtime: Runtime, others: Sequence[Identify] = ()) -> None:
        self._clock = runtime.clock
        self._ways: tuple[Identify, ...] = (lambda secret: accounts.by_key(runtime, secret), *others)
        self._known: dict[str, tuple[Caller, int]] = {}
        self._lock = threading.Lock()

    def caller(self, authorization: str | None) -> Caller:
        """The caller of an Authorization header (RFC 6750 section 2.1; nowhere else is a secret looked for).

        Refuses (`unauthenticated`) one that is missing, unknown, expired or revoked, all with the same words.
        """
        secret = _secret(authorization)
        now = self._clock()
        name = accounts.hash_secret(secret)  # secrets are not kept in memory longer than a request
        return self._remembered(name, now) or self._remember(name, self._ask(secret), now)

    def known(self, authorization: str | None) -> Caller | None:
        """The caller where that is remembered, without asking the database; else None. Refuses what can be nobody's."""
        return self._remembered(accounts.hash_secret(_secret(authorization)), self._clock())

    def _remembered(self, name: str, now: int) -> Caller | None:
        remembered = self._known.get(name)
        return remembered[0] if remembered is not None and 0 <= now - remembered[1] < TTL_MS else None

    def _ask(self, secret: str) -> Caller:
        for identify in self._ways:
            if (caller := identify(secret)) is not None:
                return caller
        raise _refusal()

    def _remember(self, name: str, caller: Caller, now: int) -> Caller:
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[name] = (caller, now)
        return caller


def _secret(authorization: str | None) -> str:
    scheme, _, secret = (authorization or "").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret.isascii() or not secret.isprintable() or not secret:
        raise _refusal()
    return secret


def _refusal() -> Refused:
    return Refused(
        "unauthenticated",
        "Send the header Authorization: Bearer, with an API key or access token that is known and not revoked.",
    )
