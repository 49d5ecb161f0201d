"""The connector: everything that it can do, in one value."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from connectors.contract import Command, Connector, Installation, Listener, Route, Sink, Task, Visit
from core import PeerError, Tx

from . import line, routes, scanners, shelf

SETTINGS: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["depot", "secret"],
    "properties": {
        "depot": {
            "type": "string",
            "title": "Depot",
            "description": "Its name, as people know it",
            "minLength": 1,
            "maxLength": 40,
            "examples": ["Lyon Sud"],
        },
        "secret": {
            "type": "string",
            "title": "Secret",
            "description": "What the depot signs its scans with",
            "minLength": 16,
            "maxLength": 200,
            "writeOnly": True,
            "examples": ["correct horse battery staple"],
        },
        "url": {
            "type": "string",
            "title": "Address",
            "description": "Where the depot's own service answers, to see whether it does",
            "format": "uri",
            "examples": ["https://depot.example/alive"],
        },
        "remind": {
            "type": "object",
            "title": "Reminders",
            "additionalProperties": False,
            "properties": {
                "hours": {
                    "type": "integer",
                    "title": "Hours",
                    "description": "After how long somebody who did not come is told again",
                    "minimum": 1,
                    "maximum": 240,
                    "examples": [48],
                },
            },
        },
    },
    "additionalProperties": False,
}


def health(visit: Visit) -> Sequence[str]:
    """Whether the depot's own service answers, where it has one."""
    url = visit.installed.settings.get("url")
    if not url:
        return ()
    try:
        answer = visit.tools.http("GET", url)
    except PeerError as error:
        return [f"The depot can't be asked: {error.detail}."]
    return [f"The depot answers {answer.status}."] if answer.status >= 400 else ()


def dropped(tx: Tx, installation: Installation) -> None:
    """What a depot had goes with it."""
    shelf.clear(tx, installation)
    scanners.clear(tx, installation)


CONNECTOR: Final = Connector(
    name="parcels",
    title="Parcels",
    description="A depot says where parcels are, and whoever waits for one is told by SMS.",
    auth="settings",
    settings=SETTINGS,
    health=health,
    dropped=dropped,
    scopes=frozenset({"messages:send"}),
    triggers=("message.status",),
    actions=(routes.ANNOUNCE,),
    routes=(
        Route("POST", "/parcels", routes.announce, "bearer", "messages:send"),
        Route("GET", "/parcels/{parcel}", routes.where, "public"),
        Route(
            "POST",
            "/depots/{installation}/scans",
            routes.scanned,
            "installation",
            proven=routes.proven,
            most_bytes=65_536,
        ),
    ),
    sinks=(Sink(frozenset({"message.status"}), shelf.told),),
    tasks=(Task("sweep", shelf.sweep, every_s=60), Task("remind", routes.remind)),
    listeners=(Listener("line", line.listen, wanted=lambda tools: "listen" in tools.options),),
    commands=(Command("count", "How many parcels each depot has on its shelf.", shelf.count),),
    tokens=scanners.DESK,
    recent=shelf.recent,
    gauges=(shelf.ON_SHELVES,),
    tables=(shelf.parcels, scanners.scanners),
    migrations=Path(__file__).with_name("migrations"),
)
