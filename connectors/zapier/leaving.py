"""Reverse unsubscribe: a Zap is told that its subscription is gone by a DELETE of the address that it had given, and is paused.

Zapier's documentation of REST hooks calls it so; without it such a Zap looks as if it were on, and hears nothing. Only addresses of
Zapier's are told: whoever has a grant chooses where its hooks post to, and might have us delete things elsewhere.
"""

from collections.abc import Sequence
from typing import Final

from connectors.contract import Visit
from core import PeerError

HOOKS: Final = "https://hooks.zapier.com/"  # how they begin, where the operator's option `hooks` says nothing else
# Somebody is there and may hear it later. Anything else, 404 and 410 above all, is an answer: there is nothing to pause.
_LATER: Final = frozenset({429, 500, 502, 503, 504})


def unsubscribe(visit: Visit, urls: Sequence[str]) -> None:
    """Tell every address of Zapier's. Raises PeerError where some could not be told; to tell the others again does no harm."""
    theirs = str(visit.tools.options.get("hooks") or HOOKS)
    untold = sum(not _told(visit, url) for url in urls if url.startswith(theirs))
    if untold:
        raise PeerError("unavailable", f"{untold} Zaps could not be told that their connection has ended")


def _told(visit: Visit, url: str) -> bool:
    try:
        return visit.tools.http("DELETE", url).status not in _LATER
    except PeerError as error:
        return error.kind == "rejected"  # an address that may not be called is told nothing, now or later
