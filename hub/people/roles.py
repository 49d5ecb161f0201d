"""Roles, and what a session of each may do. Pure."""

from collections.abc import Mapping
from typing import Final

from core import accounts

OWNER: Final = "owner"
SENDER: Final = "sender"
VIEWER: Final = "viewer"
OPERATOR: Final = "operator"
OF_ACCOUNTS: Final = (OWNER, SENDER, VIEWER)  # the most powerful first

_SENDING: Final = frozenset(
    {
        "messages:send",
        "messages:read",
        "contacts:read",
        "contacts:write",
        "blacklist:write",
        "stats:read",
        "credits:read",
        "webhooks:manage",
    }
)
_SCOPES: Final[Mapping[str, frozenset[str]]] = {
    OWNER: frozenset(accounts.SCOPES),
    SENDER: _SENDING,
    VIEWER: frozenset(scope for scope in accounts.SCOPES if scope.endswith(":read")),
}


def scopes_of(role: str) -> frozenset[str]:
    """What a session of this role may do with its account; an operator sees every account, and acts for none."""
    return _SCOPES.get(role, frozenset())


def of_kind(kind: str) -> tuple[str, ...]:
    """The roles that people of an account of this kind may have: those of the hub's own account (`system`) are its operators."""
    return (OPERATOR,) if kind == "system" else OF_ACCOUNTS
