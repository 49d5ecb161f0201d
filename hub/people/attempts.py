"""How often somebody may try: counted in the database, so that all processes count together.

A try is counted before it is made, so that many at once are many. Whoever tried too often waits, each time twice as long; nobody is
locked out for good, and whoever is signed in notices nothing of it.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select, update

from core import Refused, Tx
from hub.people.tables import attempts

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` tries are taken as they come; from then on `first_ms` pass before the next, twice that before the one after, `longest_ms`
    at most. All is forgotten `memory_ms` after the last one; where many people share a subject, who never all rest for so long, one try
    is forgotten in each `one_in_ms` too.
    """

    kind: str
    free: int
    first_ms: int
    longest_ms: int
    memory_ms: int
    one_in_ms: int | None = None

    def kept(self, tries: int, passed_ms: int) -> tuple[int, int]:
        """How many of so many tries still count when this time has passed, and what of it has not made one forgotten yet."""
        if self.one_in_ms is None or passed_ms <= 0:
            return tries, 0
        forgotten, rest = divmod(passed_ms, self.one_in_ms)
        return (tries - forgotten, rest) if forgotten < tries else (0, 0)

    def wait(self, tries: int) -> int:
        """How long after the try number `tries` the next one is taken, in ms."""
        if tries < self.free:
            return 0
        return min(self.first_ms << min(tries - self.free, 40), self.longest_ms)


SIGN_IN_ADDRESS: Final = Limit("sign_in.address", 5, 2_000, 15 * MINUTE_MS, DAY_MS)
SIGN_IN_NETWORK: Final = Limit("sign_in.network", 40, 2_000, 5 * MINUTE_MS, HOUR_MS, 3 * MINUTE_MS)
MAIL_ADDRESS: Final = Limit("mail.address", 3, 5 * MINUTE_MS, HOUR_MS, DAY_MS)
INVITATIONS: Final = Limit("mail.invitations", 30, 10 * MINUTE_MS, DAY_MS, DAY_MS)  # of one account
MAIL_NETWORK: Final = Limit("mail.network", 20, MINUTE_MS, HOUR_MS, DAY_MS, HOUR_MS // 2)


def take(tx: Tx, limit: Limit, subject: str) -> None:
    """Count a try for this subject (an address, a network). Refuses (`too_many_attempts`, with `wait_ms`) one that comes too soon.

    Where a transaction takes several, it takes them in one order, the narrowest first.
    """
    this = (attempts.c.kind == limit.kind) & (attempts.c.subject == _digest(subject))
    new = {"kind": limit.kind, "subject": _digest(subject), "tries": 0, "free_at": 0, "ends_at": 0}
    tx.execute(tx.upsert(attempts).values(**new).on_conflict_do_nothing())
    row = tx.one(select(attempts).where(this).with_for_update())
    if row is None:  # forgotten in this very moment: there is nothing to wait for
        return
    if row.free_at > tx.now:
        raise Refused("too_many_attempts", "Too many attempts: wait a while.", facts={"wait_ms": row.free_at - tx.now})
    began = row.ends_at - limit.memory_ms
    kept, rest = limit.kept(row.tries, tx.now - began) if row.ends_at > tx.now else (0, 0)
    tries = kept + 1
    free_at = tx.now + limit.wait(tries)
    ends_at = max(tx.now + limit.memory_ms - rest, free_at)
    tx.execute(update(attempts).where(this).values(tries=tries, free_at=free_at, ends_at=ends_at))


def give_back(tx: Tx, limit: Limit, subject: str) -> None:
    """The try was right: it does not count, and nobody waits for it."""
    this = (attempts.c.kind == limit.kind) & (attempts.c.subject == _digest(subject)) & (attempts.c.tries > 0)
    tx.execute(update(attempts).where(this).values(tries=attempts.c.tries - 1, free_at=0))


def forget(tx: Tx, limit: Limit, subject: str) -> None:
    """The subject has shown who it is: all its tries are forgotten."""
    tx.execute(delete(attempts).where(attempts.c.kind == limit.kind, attempts.c.subject == _digest(subject)))


def network_of(address: str) -> str:
    """What of an IP address one visitor has: all of version 4, the first 64 bits of version 6 (RFC 6177)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _digest(subject: str) -> str:
    return hashlib.sha256(subject.encode()).hexdigest()
