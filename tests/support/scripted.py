"""A carrier that does as a test says, message by message."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.carriers.contract import Accepted, Attempt, Inbox, Lookup, Outcome, Traits

Answer = Callable[[Attempt], Outcome | None]

PLAIN = Traits(real=False, looks_up=False, promises_receipts=True, submit_timeout_ms=1_000)


def accepts(attempt: Attempt) -> Outcome:
    return Accepted(attempt.reference, f"c-{attempt.reference[-8:]}-{attempt.attempt}")


@dataclass(slots=True)
class Scripted:
    """`answer` says what comes of each attempt (None: nothing is ever said); `told` what a look-up knows; `given` is what it got.

    `per_yield`: how many outcomes come together. `meanwhile` happens once the window has left and before its first outcome.
    """

    name: str = "scripted"
    traits: Traits = PLAIN
    answer: Answer = accepts
    told: dict[str, Lookup] = field(default_factory=dict)
    per_yield: int = 500
    meanwhile: Callable[[], None] = lambda: None
    given: list[Attempt] = field(default_factory=list)
    windows: list[int] = field(default_factory=list)
    untils: list[int] = field(default_factory=list)
    asked: list[Sequence[str]] = field(default_factory=list)
    breaks_after: tuple[int, Exception] | None = None
    lookup_breaks: Exception | None = None

    def send(self, attempts: Sequence[Attempt], inbox: Inbox, until: int) -> Iterator[Sequence[Outcome]]:
        self.windows.append(len(attempts))
        self.untils.append(until)
        self.given.extend(attempts)
        self.meanwhile()
        for start in range(0, len(attempts), self.per_yield):
            if self.breaks_after and start >= self.breaks_after[0]:
                raise self.breaks_after[1]
            part = attempts[start : start + self.per_yield]
            yield [outcome for attempt in part if (outcome := self.answer(attempt)) is not None]

    def lookup(self, references: Sequence[str]) -> Mapping[str, Lookup]:
        self.asked.append(references)
        if self.lookup_breaks:
            raise self.lookup_breaks
        return {reference: self.told[reference] for reference in references if reference in self.told}

    def pump(self, inbox: Inbox) -> int:
        return 0

    def close(self) -> None:
        """There is nothing to let go of."""


def that(**traits: object) -> Traits:
    """Plain traits with some changed."""
    return replace(PLAIN, **traits)  # type: ignore[arg-type]
