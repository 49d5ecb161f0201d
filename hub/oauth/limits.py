"""How often the token and introspection endpoints may be asked: by one client from one network, by a network, by a client, by all.

One kind of bucket for each, of QUOTA a minute: what is narrower pays more for a request. A request whose client or grant is refused costs
its own network ten times that: guessing is slower than working. Buckets are in this process, and with Redis one over all processes
(`hub.api.together`). What a stranger asks in the name of a client costs the buckets of his own network first, and those that he shares with
its owner no more than what is right does: it takes a hundred networks to be in the owner's way.
"""

from collections.abc import Mapping
from typing import Final

from hub.api.limits import Buckets
from hub.api.together import Together
from hub.settings import Settings

QUOTA: Final = 60_000
CLIENT_HERE: Final = 100  # 600 requests a minute, or 60 that are refused
NETWORK: Final = 30  # 2,000, or 200
CLIENT: Final = 10  # 6,000
ALL: Final = 2  # 30,000
REFUSED_TIMES: Final = 10


class Limits:
    """The buckets of one application."""

    def __init__(self, settings: Settings) -> None:
        shared = settings.redis_url if not settings.sqlite else None
        self._together = Together(shared) if shared else None
        self._buckets = Buckets(QUOTA, self._together)

    def close(self) -> None:
        """No other process is told any more."""
        if self._together is not None:
            self._together.close()

    def take(self, client_id: str | None, network: str, now: int) -> int | None:
        """Pay for a request from a network; None where it may be answered, else after how many seconds it may be asked again."""
        for name, price in _prices(client_id, network).items():
            if (wait_s := self._buckets.take(name, now, price).retry_after_s) is not None:
                return wait_s
        return None

    def refused(self, client_id: str | None, network: str, now: int) -> None:
        """It was refused: its network pays the rest."""
        for name, price in _near(client_id, network).items():
            self._buckets.take(name, now, price * (REFUSED_TIMES - 1))


def _prices(client_id: str | None, network: str) -> Mapping[str, int]:
    """From the narrowest to the widest: what is refused early is not paid for later."""
    wide = {} if client_id is None else {f"oauth:client:{client_id}": CLIENT}
    return {**_near(client_id, network), **wide, "oauth:all": ALL}


def _near(client_id: str | None, network: str) -> Mapping[str, int]:
    """Those that nobody else pays into."""
    narrow = {} if client_id is None else {f"oauth:client:{client_id}:{network}": CLIENT_HERE}
    return {**narrow, f"oauth:network:{network}": NETWORK}
