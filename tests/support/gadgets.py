"""A connector that a test puts together as it needs it."""

from collections.abc import Callable
from typing import Any, Final

from connectors.contract import Connector, Reply, Route, Visit
from core import Refused

SETTINGS: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["host", "mailbox"],
    "properties": {
        "host": {"type": "string", "title": "Host", "minLength": 1},
        "note": {"type": "string", "title": "Note"},
        "port": {"type": "integer", "title": "Port", "minimum": 1, "maximum": 65535},
        "address": {"type": "string", "title": "Address", "format": "email"},
        "mailbox": {
            "type": "object",
            "title": "Mailbox",
            "required": ["user", "password"],
            "properties": {
                "user": {"type": "string", "title": "User", "minLength": 1},
                "password": {"type": "string", "title": "Password", "minLength": 1, "writeOnly": True},
                "folder": {"type": "string", "title": "Folder"},
            },
            "additionalProperties": False,
        },
        "keys": {"type": "object", "title": "Keys", "writeOnly": True},
    },
    "additionalProperties": False,
}
SECRET: Final = "a password of the mailbox"
GIVEN: Final[dict[str, Any]] = {"host": "mail.example", "mailbox": {"user": "ann", "password": SECRET}}


def gadget(**changes: Any) -> Connector:
    """A connector called gadget, with settings that hold a secret within."""
    plain: dict[str, Any] = {
        "name": "gadget",
        "title": "Gadget",
        "description": "It does what a test wants.",
        "auth": "settings",
        "settings": SETTINGS,
        "scopes": frozenset({"messages:send", "messages:read"}),
    }
    return Connector(**(plain | changes))


def route(handler: Callable[[Visit], Reply], path: str = "/thing", auth: Any = "public", **more: Any) -> Route:
    """A POST that anybody may make, unless it is told otherwise."""
    return Route(**({"method": "POST", "path": path, "handler": handler, "auth": auth} | more))


def by_word(visit: Visit) -> None:
    """Proven by saying the password of the mailbox."""
    if visit.asked.headers.get("x-word") != visit.installed.settings["mailbox"]["password"]:
        raise Refused("unauthenticated", "Say the word.")
