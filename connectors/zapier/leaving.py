"""Reverse unsubscribe: a Zap is told that its subscription is gone by a DELETE of the address that it had given, and is paused.

Zapier's documentation of REST hooks calls it so; without it such a Zap looks as if it were on, and hears nothing.
"""

from collections.abc import Sequence
from typing import Final

from connectors.contract import Visit
from core import PeerError

# Somebody is there and may hear it later. Anything else, 404 and 410 above all, is an answer: there is nothing to pause.
_LATER: Final = frozenset({429, 500, 502, 503, 504})


def unsubscribe(visit: Visit, urls: Sequence[str]) -> None:
    """Tell every address. Raises PeerError where some could not be told; to tell the others again does no harm."""
    untold = sum(not _told(visit, url) for url in urls)
    if untold:
        raise PeerError("unavailable", f"{untold} Zaps could not be told that their connection has ended")


def _told(visit: Visit, url: str) -> bool:
    try:
        return visit.tools.http("DELETE", url).status not in _LATER
    except PeerError as error:
        return error.kind == "rejected"  # an address that may not be called is told nothing, now or later
