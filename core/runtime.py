"""Everything that is injected: the database, the clock, ids, randomness, carriers, the doorbell, mail, and the operator's rules.

Nothing in core reads a clock, makes an id or draws a random number except through a Runtime.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any, Protocol

from core.database import Connected, Database
from core.ids import Ids, UuidV7

if TYPE_CHECKING:
    from core.carriers.contract import Carrier
    from core.credits.tariff import Tariff
    from core.sending.hours import Hours
    from core.text.mention import Mentions

Clock = Callable[[], int]


class Doorbell(Protocol):
    """Wakes whoever works on a topic. It may be lost or doubled: a one-second poll stands behind it."""

    def ring(self, topic: str) -> None:
        """Say that there is work on `topic` (dispatch, jobs, events, inbound)."""
        ...


class Mail(Protocol):
    """Sends one plain mail to a person of an account."""

    def send(self, to: str, subject: str, body: str) -> None:
        """Hand it over; raises PeerError when the mail server does not take it."""
        ...


class Silent:
    """A doorbell that nobody hears, for processes with no workers."""

    def ring(self, topic: str) -> None:
        """Do nothing: the workers poll."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator decided: prices, the STOP mention, the short code, sending hours (None: at any time)."""

    tariff: "Tariff"
    mentions: "Mentions"
    short_code: str
    hours: "Hours | None" = None


class Tx(Connected):
    """A transaction with what its work needs: one `now`, ids, randomness, the rules, and a doorbell that rings after the commit."""

    __slots__ = ("_ids", "carriers", "locked", "now", "patient", "random", "rings", "rules")

    def __init__(self, connected: Connected, runtime: "Runtime") -> None:
        super().__init__(connected.connection)
        self.now = runtime.clock()
        self.random = runtime.random
        self.rules = runtime.rules
        self.carriers = runtime.carriers
        self.rings: set[str] = set()
        # The ledger's: rows that this transaction has locked, as they are now; and whether it waits for those that another one has.
        self.locked: dict[tuple[str, str], Any] = {}
        self.patient = True
        self._ids = runtime.ids

    def new_id(self) -> str:
        return self._ids.new()

    def new_ids(self, count: int) -> list[str]:
        return self._ids.many(count)

    def ring(self, topic: str) -> None:
        """Ring once, after the commit, however often it was asked for."""
        self.rings.add(topic)


def wall_clock() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the engine runs on. Composed by the hub; composed of fakes by tests."""

    database: Database
    rules: Rules
    carriers: Mapping[str, "Carrier"] = field(default_factory=dict)
    clock: Clock = wall_clock
    random: Random = field(default_factory=SystemRandom)
    ids: Ids = field(default_factory=lambda: UuidV7(wall_clock, SystemRandom().getrandbits))
    doorbell: Doorbell = field(default_factory=Silent)
    mail: Mail | None = None
    fault: Callable[[str], None] = lambda _point: None

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """A write transaction; the doorbell rings once it has committed."""
        with self.database.begin() as connected:
            tx = Tx(connected, self)
            yield tx
        for topic in tx.rings:
            self.doorbell.ring(topic)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A transaction for reading."""
        with self.database.read() as connected:
            yield Tx(connected, self)

    @contextmanager
    def snapshot(self) -> Iterator[Tx]:
        """The same, of one moment: for what compares."""
        with self.database.snapshot() as connected:
            yield Tx(connected, self)

    def as_of(self, **changes: Any) -> "Runtime":
        """The same runtime with some parts changed."""
        return Runtime(**{name: changes.get(name, getattr(self, name)) for name in self.__dataclass_fields__})
