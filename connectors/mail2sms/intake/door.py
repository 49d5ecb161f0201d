"""Who is let in by SMTP: so many connections at a time and a minute, of one peer and of all."""

import ipaddress
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

MINUTE_MS: Final = 60_000


@dataclass(slots=True)
class Door:
    """Counts connections. A peer is an address, or what one subscriber has of IPv6. Of one thread."""

    clock: Callable[[], int]
    most: int = 200
    most_of_one: int = 50  # Postfix opens 20 to one place unless told otherwise
    most_in_a_minute: int = 1200
    _here: Counter[str] = field(default_factory=Counter)
    _came: Counter[str] = field(default_factory=Counter)
    _minute: int = 0

    def enters(self, host: str) -> bool:
        """Whether it may. Who does is to leave."""
        peer = peer_of(host)
        if self.clock() // MINUTE_MS != self._minute:
            self._minute = self.clock() // MINUTE_MS
            self._came.clear()
        self._came[peer] += 1
        full = self._here.total() >= self.most or self._here[peer] >= self.most_of_one
        if full or self._came[peer] > self.most_in_a_minute:
            return False
        self._here[peer] += 1
        return True

    def leaves(self, host: str) -> None:
        peer = peer_of(host)
        self._here[peer] -= 1
        if self._here[peer] <= 0:
            del self._here[peer]


def peer_of(host: str) -> str:
    """What is counted as one."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else host
