"""One mailbox, read for as long as it is wanted: connected, looked through, waited for; and again, whatever happens to its server."""

from dataclasses import dataclass, field
from time import monotonic
from typing import Final, Protocol

import structlog

from connectors.contract import Stop
from connectors.mail2sms.intake import idling, putting_away
from connectors.mail2sms.intake.connection import BROKEN, Line, Times, Token, Trouble, opened
from connectors.mail2sms.intake.looking import Down, Judge, Look, Memory
from connectors.mail2sms.settings import Mailbox
from core import Runtime

BROKE_OFF: Final = (
    "The connection to the mail server broke off before the folder was seen; it is tried again by itself."
)
UNEXPECTED: Final = (
    "Reading the mailbox failed in an unexpected way, which the hub's log tells; it is tried again by itself."
)
_DOUBLINGS: Final = 20  # more would pass the longest wait anyway

log = structlog.get_logger()


class Diary(Protocol):
    """Who is told how it goes."""

    def heard(self, trouble: str | None = None, *, taken: bool = False) -> None:
        """The server answers; a mail was taken out; this is still wrong."""
        ...

    def failing(self, sentence: str) -> None:
        """It can't be read now."""
        ...


@dataclass(slots=True)
class Reading:
    """The mailbox of an installation, as one process reads it."""

    installation_id: str
    mailbox: Mailbox
    token: Token
    judge: Judge
    runtime: Runtime
    diary: Diary
    times: Times = field(default_factory=Times)
    _memory: Memory = field(default_factory=Memory)
    _failures: int = 0
    _slowness: int = 0  # how often in a row an answer took too long
    _seen_at: float | None = None  # all of the folder, on this connection, by monotonic()

    def until(self, stop: Stop) -> None:
        """Read it until told to stop, and raise nothing."""
        while not stop.is_set():
            stop.wait(self._turn(stop))

    def _turn(self, stop: Stop) -> float:
        """One connection, to its end; how long to wait before the next."""
        self._seen_at = None
        try:
            times = self.times.for_one_as_slow_as(self._slowness)
            with opened(self.mailbox, self.token, times) as line:
                self._serve(line, times, stop)
        except Trouble as trouble:
            self.diary.failing(trouble.sentence)
            return self._later() if trouble.kind == "refused" else self._soon()
        except BROKEN as error:
            log.info("mailbox.broken", installation_id=self.installation_id, error=type(error).__name__)
            self._slowness = self._slowness + 1 if isinstance(error, TimeoutError) and not self._was_steady() else 0
            if self._seen_at is None:
                self.diary.failing(BROKE_OFF)
        except Down:  # the hub says so itself, and loudly
            log.warning("mailbox.down", installation_id=self.installation_id)
        except Exception:
            log.exception("mailbox.failed", installation_id=self.installation_id)
            self.diary.failing(UNEXPECTED)
            return self._later()
        return self._soon()

    def _serve(self, line: Line, times: Times, stop: Stop) -> None:
        files = putting_away.cabinet(line.client, self._memory.copied)
        whose = (self.runtime, times, stop, self.installation_id, self._heard)
        look = Look(line.client, self.mailbox, files, self.judge, self._memory, *whose)
        while not stop.is_set():
            if look.through():
                self._seen_at = self._seen_at or monotonic()
                idling.wait(line, times, stop, self._heard, self._next_at())

    def _next_at(self) -> float:
        """When the folder is looked at in any case: a mail that stayed comes again."""
        due, latest = self._memory.next_at(), monotonic() + self.times.look
        return latest if due is None else min(due, latest)

    def _heard(self, *, taken: bool = False) -> None:
        self.diary.heard(self._memory.trouble(), taken=taken)

    def _soon(self) -> float:
        return self._grown(self.times.first, self.times.longest)

    def _later(self) -> float:
        return self._grown(self.times.retry, self.times.refused)

    def _grown(self, first: float, longest: float) -> float:
        if self._was_steady():
            self._failures = 0
        self._failures += 1
        return float(min(first * 2 ** min(self._failures - 1, _DOUBLINGS), longest))

    def _was_steady(self) -> bool:
        """A connection that lasted was no failure."""
        return self._seen_at is not None and monotonic() - self._seen_at >= self.times.steady
