"""Passwords: kept as argon2id (RFC 9106), with the parameters that OWASP names for a server that does other things too.

https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html: 19 MiB, two passes, one lane.
"""

import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core import Refused

SHORTEST: Final = 8  # characters (NIST SP 800-63B); those that everybody tries first are refused too
LONGEST: Final = 256
DIFFERENT: Final = 4  # characters
AT_ONCE: Final = 2  # in a process: each takes 19 MiB and a core

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_COMMON: Final = Path(__file__).with_name("common_passwords.txt")
_turns: Final = threading.BoundedSemaphore(AT_ONCE)


def hashed(password: str) -> str:
    """As it is kept. The salt is the library's, of the system's randomness."""
    with _turns:
        return _HASHER.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether it is the one that is kept. Where none is kept it takes as long, and is not."""
    try:
        with _turns:
            _HASHER.verify(kept or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def renewed(kept: str | None, password: str) -> str:
    """As it is to be kept from now on: made again where it was made with other parameters than today's."""
    return kept if kept and not _HASHER.check_needs_rehash(kept) else hashed(password)


def faults(password: str, email: str) -> Iterator[str]:
    """What is wrong with a new password: short, long, plain (its owner's address, a few characters again and again, or common)."""
    if len(password) < SHORTEST:
        yield "short"
    if len(password) > LONGEST:
        yield "long"
    plain = password.lower()
    if plain in {email, email.partition("@")[0]} or plain in _common() or len(set(plain)) < DIFFERENT:
        yield "plain"


def check(password: str, email: str) -> None:
    """Refuse (`invalid_password`) one that is too short, too long or too plain."""
    if (fault := next(faults(password, email), None)) is not None:
        raise Refused.at("/password", "invalid_password", _WORDS[fault])


@cache
def _common() -> frozenset[str]:
    """What is tried first by whoever guesses, of those that are long enough; in lower case."""
    return frozenset(_COMMON.read_text(encoding="utf-8").split())


@cache
def _nobodys() -> str:
    """Something to compare with for people there are not: nobody knows its password."""
    return _HASHER.hash("a password of nobody's")


_WORDS: Final = {
    "short": f"must be {SHORTEST} characters or more",
    "long": f"must be {LONGEST} characters or fewer",
    "plain": "is too easy to guess: it is common, the address, or a few characters again and again",
}
