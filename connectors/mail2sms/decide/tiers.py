"""Who may have something sent, by what a mail proves of them. Pure.

3: a token, and a proven allowed sender. 2: a proven allowed sender. 1: a token by itself, for the numbers that it was made for.
0: nothing but a From, which anybody can write: never sends.
"""

from collections.abc import Collection
from dataclasses import dataclass

from connectors.mail2sms.mail import Wrong


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote. proven: the domain of From is (RFC 7489 section 3.1). silent: a name server did not answer, so it may be, yet."""

    sender: str
    proven: bool
    allowed: bool
    silent: bool = False

    @property
    def trusted(self) -> bool:
        return self.proven and self.allowed


@dataclass(frozen=True, slots=True)
class Key:
    """A token that is good. numbers: whom it sends to by itself; None: nobody. writer: the only address that it is good from, if any."""

    id: str
    numbers: Collection[int] | None = None
    writer: str | None = None

    def opens(self, number: int | None, sender: str) -> bool:
        """Whether it is enough for this number, whoever wrote."""
        mine = self.writer is None or self.writer.lower() == sender.lower()
        return mine and number is not None and number in (self.numbers or ())


def tier(writer: Writer, key: Key | None, number: int | None) -> int:
    """What a mail of this writer may, with this token in the address of this number (None: of a group)."""
    if writer.trusted:
        return 2 if key is None else 3
    return int(key is not None and key.opens(number, writer.sender))


def refusal(writer: Writer, key: Key | None) -> Wrong:
    """Why a mail of tier 0 is not sent. What is told here goes to the log, and to nobody who wrote."""
    if writer.silent and writer.allowed:
        return Wrong("dns_silent")
    if key is not None and key.numbers:
        allowed = ", ".join(f"+{number}" for number in sorted(key.numbers))
        return Wrong("token_alone", {"allowed": allowed})
    if not writer.allowed:
        return Wrong("not_allowed", {"sender": writer.sender})
    return Wrong("unproven", {"sender": writer.sender})
