"""What a carrier is to the engine: it takes windows, answers for each message, and brings back receipts and replies.

An answer of a carrier is a value, not an exception, because one window holds many of them. A carrier never opens one of our
transactions and never decides what a message becomes: it says what it was told, and `core.sending` decides.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

LONGEST_REF: Final = 255  # characters of an id of a carrier's that are kept: it stands in indexes, which bound it. Cut wherever one is read.

ReceiptStatus = Literal["delivered_operator", "received", "failed_temporary", "failed_permanent", "expired", "rejected"]


class Attempt(NamedTuple):
    """One message on its way to a carrier. `reference` is our message id, the same on every attempt; `number` E.164 digits."""

    reference: str
    number: int
    sender: str
    text: str
    encoding: str
    segments: int
    validity_minutes: int
    attempt: int


class Known(NamedTuple):
    """A receipt that came together with the answer, and so needs no names. `at` is the carrier's own time, ms."""

    status: ReceiptStatus
    code: str | None
    at: int


class Accepted(NamedTuple):
    """The carrier has it; `carrier_id` is its own id for it (at most LONGEST_REF), None if it gives none.

    `receipts`: what it can tell of it already, in the order of telling. Equal ones should be one tuple.
    """

    reference: str
    carrier_id: str | None
    receipts: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class Busy:
    """Definitely not taken, worth trying again after `retry_after_ms`."""

    reference: str
    retry_after_ms: int
    code: str | None = None


HELD_UP: Final = "held_up"


def held_up(reference: str) -> Busy:
    """The answer of a message that had not left when its time was over: whoever has it now may send it."""
    return Busy(reference, 1, HELD_UP)


@dataclass(frozen=True, slots=True)
class Rejected:
    """Definitely not taken, and never will be."""

    reference: str
    code: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Bytes left and no answer came: it may have been taken."""

    reference: str
    code: str


Outcome = Accepted | Busy | Rejected | Ambiguous


@dataclass(frozen=True, slots=True)
class Found:
    """A look-up by reference found the message at the carrier."""

    reference: str
    carrier_id: str | None


@dataclass(frozen=True, slots=True)
class NotFound:
    """The carrier never received that reference: safe to send."""

    reference: str


Lookup = Found | NotFound


@dataclass(frozen=True, slots=True)
class Receipt:
    """A delivery report (DLR). Names the message by our reference, the carrier's id, or both. `at` is the carrier's own time, ms."""

    status: ReceiptStatus
    code: str | None
    at: int
    reference: str | None = None
    carrier_id: str | None = None


@dataclass(frozen=True, slots=True)
class Inbound:
    """An incoming SMS (MO): from a recipient's `number` to a short code or long number of ours. `carrier_ref` tells it from others."""

    carrier_ref: str
    number: int
    code: str
    text: str
    at: int


class Inbox(Protocol):
    """Where a carrier leaves what came in. Returns once it is stored for good: only then may the carrier be told."""

    def __call__(self, carrier: str, receipts: Sequence[Receipt], replies: Sequence[Inbound], /) -> None:
        """Store raw; applied later."""
        ...


@dataclass(frozen=True, slots=True)
class Traits:
    """What can be counted on. `per_second` is in segments (None: no limit); `window` the most it takes at once.

    `echoes_reference`: every receipt names our reference, so nobody needs to look a message up by the carrier's id of it.
    `connected`: it lives on connections that stay open, which one process holds: `listen` serves it, and no worker.
    """

    real: bool
    looks_up: bool
    promises_receipts: bool
    submit_timeout_ms: int
    per_second: float | None = None
    window: int = 500
    lanes: int = 1
    echoes_reference: bool = False
    connected: bool = False


class Carrier(Protocol):
    """An upstream SMS provider."""

    @property
    def name(self) -> str:
        """Its name in SMSHUB_CARRIERS."""
        ...

    @property
    def traits(self) -> Traits:
        """What it can do."""
        ...

    def send(self, attempts: Sequence[Attempt], inbox: Inbox, until: int) -> Iterator[Sequence[Outcome]]:
        """Send a window; yield outcomes as they become known, each reference exactly once. Never raises for a message.

        No message leaves after `until` (ms), since others may have it then: look in the very moment before, and answer
        `held_up`, or Busy, for those that have not left.

        It is asked for more once these outcomes, and the receipts with them, are stored for good; it is closed where they are not.
        """
        ...

    def lookup(self, references: Sequence[str]) -> Mapping[str, Lookup]:
        """What became of these, by our reference; one left out could not be told now. Only called where traits.looks_up."""
        ...

    def pump(self, inbox: Inbox) -> int:
        """Fetch what is due and leave it in the inbox, then tell the carrier; how many. Carriers that push return 0."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


Sleep = Callable[[float], None]
