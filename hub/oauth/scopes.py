"""What an application may be let do. Pure."""

from collections.abc import Iterable
from typing import Final

from core import accounts
from hub.people import roles

# Money and keys stay with the account's own people.
NEVER: Final = frozenset({"credits:transfer", "account:write"})
GRANTABLE: Final = tuple(scope for scope in accounts.SCOPES if scope not in NEVER)


def ordered(scopes: Iterable[str]) -> tuple[str, ...]:
    """These, each once, in the order of the table; unknown ones are left out."""
    wanted = frozenset(scopes)
    return tuple(scope for scope in GRANTABLE if scope in wanted)


def joined(scopes: Iterable[str]) -> str:
    """As OAuth writes them (RFC 6749 section 3.3)."""
    return " ".join(ordered(scopes))


def left(scopes: str, role: str | None) -> str:
    """What of these somebody of this role may let others do; all of them where it was no person who did (None)."""
    return scopes if role is None else joined(roles.scopes_of(role).intersection(scopes.split()))
