"""The simulator: a carrier that reaches nobody, always does the same, and forgets nothing. Its endings: docs/carriers.md.

All of its processes share a file of its own, so it can be killed, and counted afterwards, like a carrier that is elsewhere.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.carriers import simulator_file as file
from core.carriers.contract import Attempt, Busy, Found, Inbox, Lookup, NotFound, Outcome, Sleep, Traits
from core.carriers.simulator_endings import (
    BUSY_RETRY_MS,
    LOST_TO_LOOKUP,
    Answer,
    Play,
    Stage,
    Taken,
    carrier_id,
    inbound,
    play,
    receipts,
    unanswered,
)

BATCH: Final = 1_000  # receipts and replies handed over together
BATCHES: Final = 10  # in one pump: whoever pumps can be stopped between two
PATIENCE_MS: Final = 500  # a lost answer is given up this long after it should have come


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """An entry of SMSHUB_CARRIERS. `timeout_ms`: when a lost answer is given up; `short_code`: where replies to a name go."""

    name: str
    answer_ms: int = 5
    receipt_ms: int = 2_000
    per_second: float | None = None
    lookup: bool = True
    timeout_ms: int | None = None
    lanes: int = 1
    short_code: str = "36034"
    connected: bool = False


class Simulator:
    """A carrier whose every message ends as the last two digits of its number say."""

    def __init__(
        self,
        settings: SimulatorSettings,
        path: Path,
        clock: Callable[[], int],
        random_bits: Callable[[int], int],
        sleep: Sleep = time.sleep,
        busy_timeout_s: float = file.BUSY_TIMEOUT_S,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._random_bits = random_bits
        self._sleep = sleep
        self._file = file.SimulatorFile(path, random_bits, busy_timeout_s)

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def traits(self) -> Traits:
        return Traits(
            real=False,
            looks_up=self._settings.lookup,
            promises_receipts=True,
            submit_timeout_ms=self._timeout_ms,
            per_second=self._settings.per_second,
            lanes=self._settings.lanes,
            echoes_reference=True,
            connected=self._settings.connected,
        )

    def send(self, attempts: Sequence[Attempt], inbox: Inbox, until: int) -> Iterator[Sequence[Outcome]]:
        """Take a window in one transaction of its own file; its messages are in flight together, lost answers come last.

        When the file can't be written nothing was taken, and all are Busy.
        """
        if not attempts:
            return
        try:
            played, mark, early, prompt = self._take(attempts, until)
        except sqlite3.OperationalError:
            yield [Busy(attempt.reference, BUSY_RETRY_MS, "unavailable") for attempt in attempts]
            return
        self._hand_over(early, inbox)
        self._wait(self._settings.answer_ms)
        if played.answers:
            yield played.answers
        if prompt.spans:
            self._told(played, mark, prompt, inbox)
        if played.late:
            self._wait(self._timeout_ms - self._settings.answer_ms)
            yield played.late

    def lookup(self, references: Sequence[str]) -> Mapping[str, Lookup]:
        """What it took, and what it never received; numbers in 13 can't be told."""
        if not self._settings.lookup or not references:
            return {}
        with self._file.reading() as connection:
            known, mark = file.find(connection, references), file.mark(connection)
        missing = {reference: NotFound(reference) for reference in references if reference not in known}
        return missing | {
            reference: Found(reference, carrier_id(mark, seq))
            for reference, (seq, number) in known.items()
            if number % 100 != LOST_TO_LOOKUP
        }

    def pump(self, inbox: Inbox) -> int:
        """Hand over what is due, and forget it once the inbox returned; some 10,000 at most, so call again until it is 0.

        A kill in between repeats it after ten seconds. Several processes may pump: each claims its own.
        """
        now, total = self._clock(), 0
        for _ in range(BATCHES):
            with self._file.writing() as connection:
                claimed = file.claim(connection, now, BATCH)
            if not (claimed.spans or claimed.answers):
                break
            total += self._hand_over(claimed, inbox)
        return total

    def reply(self, number: int, to: str, text: str) -> None:
        """A person writes to a short code or number of ours; it is in the inbox at the next pump."""
        answer = Answer(self._clock(), f"{self._random_bits(64):016x}", number, to, text)
        with self._file.writing() as connection:
            file.promise(connection, [answer])

    def sent(self, to: int | None = None, limit: int = 50, after: int = 0) -> list[Taken]:
        """What it took, in order, once for each time; a page begins after the `seq` that the page before ended with."""
        if to is None:
            with self._file.reading() as connection:
                return file.log(connection, limit, after)
        while self._index_more():
            pass
        with self._file.reading() as connection:
            return file.log_to(connection, to, limit, after)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @property
    def _timeout_ms(self) -> int:
        given = self._settings.timeout_ms
        return self._settings.answer_ms + PATIENCE_MS if given is None else given

    def _take(self, attempts: Sequence[Attempt], until: int) -> tuple[Play, str, file.Claimed, file.Claimed]:
        until = min(until, self._clock() + self._timeout_ms)
        with self._file.writing() as connection:
            if self._clock() > until:  # whoever looks it up was told that it is not here
                raise sqlite3.OperationalError("the file was in use for too long")
            stage = Stage(
                now=self._clock(),
                mark=file.mark(connection),
                next_seq=file.next_seq(connection),
                receipt_ms=self._settings.receipt_ms,
                short_code=self._settings.short_code,
                refusals=file.refusals(connection, ((attempt.reference, attempt.number) for attempt in attempts)),
                texted=file.texted(connection, (attempt.number for attempt in attempts)),
                answer_ms=self._settings.answer_ms,
            )
            played = play(attempts, stage)
            return played, stage.mark, *file.keep(connection, played, stage)

    def _told(self, played: Play, mark: str, prompt: file.Claimed, inbox: Inbox) -> None:
        """What came with the answers is stored; what belongs to answers that were lost is left in the inbox."""
        if played.late:
            inbox(
                self.name, [one for span in prompt.spans.values() for one in unanswered(played.taken, span, mark)], []
            )
        with self._file.writing() as connection:
            file.forget(connection, prompt)

    def _hand_over(self, claimed: file.Claimed, inbox: Inbox) -> int:
        """Leave it in the inbox, then forget it; how many receipts and replies."""
        if not (claimed.spans or claimed.answers):
            return 0
        with self._file.reading() as connection:
            mark = file.mark(connection)
            told = [
                told for span in claimed.spans.values() for told in receipts(file.traces(connection, span), span, mark)
            ]
        replies = [inbound(answer) for answer in claimed.answers.values()]
        inbox(self.name, told, replies)
        with self._file.writing() as connection:
            file.forget(connection, claimed)
        return len(told) + len(replies)

    def _index_more(self) -> bool:
        with self._file.writing() as connection:
            return file.index(connection)

    def _wait(self, ms: int) -> None:
        if ms > 0:
            self._sleep(ms / 1000)
