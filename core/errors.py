"""The kinds of error that the engine speaks of; anything else is a bug and is let through. What a carrier answers is a value, not an error
(core.carriers.contract): one window holds many answers.

Core knows no HTTP status: the hub has one table that turns these into problem details (RFC 9457).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one field: where it stands (an RFC 6901 JSON pointer) and what would cure it."""

    pointer: str
    message: str


@dataclass(slots=True, eq=False)  # an exception is itself, and can be hashed
class Refused(Exception):  # noqa: N818 - "refused" is the word of the house: the caller must change something
    """The caller must change something. `code` is stable, part of the API; `detail` is a sentence for a person."""

    code: str
    detail: str
    faults: tuple[Fault, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"

    @classmethod
    def at(cls, pointer: str, code: str, detail: str, **facts: object) -> "Refused":
        """A refusal that names the one field at fault."""
        return cls(code, detail, (Fault(pointer, detail),), facts)

    def about(self, pointer: str) -> "Refused":
        """The same refusal, naming this field unless it names one already."""
        return self if self.faults else Refused(self.code, self.detail, (Fault(pointer, self.detail),), self.facts)


@dataclass(slots=True, eq=False)
class PeerError(Exception):
    """A third party (a webhook's receiver, a mail server, a CRM) failed: `kind` is unavailable, rejected or bad_signature."""

    kind: str
    detail: str
