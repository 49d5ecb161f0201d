"""How installations are: their connector's `health`, asked with a deadline, and remembered for a moment.

A check may call a server that hangs. It has CHECK_S; then the answer is that it did not answer, and what it says later counts the next
time. Nothing that it does or raises fails the page on which it is shown.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import Any, Final

import structlog

from connectors.contract import Connector, Installation, Visit
from core import Refused, Runtime
from hub.api.show import iso
from hub.installations.contained import QUITS
from hub.threads import Threads

CHECK_S: Final = 3.0
KEEP_MS: Final = 30_000
THREADS: Final = 4  # of each connector
MOST_KEPT: Final = 1_000
LONGEST: Final = 500  # characters of a sentence
MOST_REASONS: Final = 20

log = structlog.get_logger()

Also = Callable[[str], Sequence[str]]  # sentences of the hub's own about the installation of this id


@dataclass(frozen=True, slots=True)
class Health:
    """What was found: `ok`, `failing` for these reasons, or `unknown` where no answer came in time."""

    status: str
    reasons: tuple[str, ...]
    checked_at: int

    def shape(self) -> dict[str, Any]:
        """As JSON."""
        return {"status": self.status, "reasons": list(self.reasons), "checked_at": iso(self.checked_at)}


@dataclass(slots=True)
class _Check:
    """One check under way."""

    ends: float  # by monotonic(): nobody waits for it any longer
    over: threading.Event = field(default_factory=threading.Event)
    found: Health | None = None


class Checkup:
    """Asks after installations. One for each process."""

    def __init__(
        self,
        runtime: Runtime,
        visit: Callable[[Connector, Installation], Visit],
        also: Also = lambda _id: (),
        seconds: float = CHECK_S,
    ) -> None:
        self._runtime = runtime
        self._visit = visit
        self._also = also
        self._seconds = seconds
        self._threads: dict[str, Threads] = {}  # by connector: one whose checks all hang holds up no other's
        self._kept: dict[tuple[str, int], _Check] = {}  # by installation and when it was last changed
        self._lock = threading.Lock()

    def of(self, asked: Sequence[tuple[Connector, Installation]]) -> Mapping[str, Health]:
        """The health of these, by the ids of their installations. All are asked at once."""
        checks = {installation.id: self._begun(connector, installation) for connector, installation in asked}
        return {installation_id: self._ended(check) for installation_id, check in checks.items()}

    def _begun(self, connector: Connector, installation: Installation) -> _Check:
        """A check that is under way, or was over a moment ago; else a new one."""
        key = installation.id, installation.updated_at
        with self._lock:
            known = self._kept.get(key)
            if known is not None and self._is_good(known):
                return known
            if len(self._kept) >= MOST_KEPT:
                self._kept = {each: check for each, check in self._kept.items() if not check.over.is_set()}
            made = self._kept[key] = _Check(monotonic() + self._seconds)
            threads = self._threads.setdefault(connector.name, Threads(THREADS, f"smshub-health-{connector.name}"))
        threads.run(lambda: self._look(made, connector, installation))
        return made

    def _is_good(self, check: _Check) -> bool:
        """Whether it is under way, or over a moment ago."""
        if check.found is None:
            return not check.over.is_set()
        return 0 <= self._runtime.clock() - check.found.checked_at < KEEP_MS

    def _ended(self, check: _Check) -> Health:
        check.over.wait(max(0.0, check.ends - monotonic()))
        late = f"The check gave no answer within {self._seconds:g} s."
        return check.found or Health("unknown", (late,), self._runtime.clock())

    def _look(self, check: _Check, connector: Connector, installation: Installation) -> None:
        try:
            told = (*self._also(installation.id), *self._asked(connector, installation))
            reasons = tuple(sentence[:LONGEST] for sentence in told[:MOST_REASONS])
            check.found = Health("failing" if reasons else "ok", reasons, self._runtime.clock())
        except Exception:  # the hub itself can't: the next who asks has it looked at again
            log.exception("health.failed", connector=connector.name, installation_id=installation.id)
        finally:
            check.over.set()

    def _asked(self, connector: Connector, installation: Installation) -> Sequence[str]:
        try:
            told = connector.health(self._visit(connector, installation))
            return [str(sentence)[:LONGEST] for sentence in islice(told, MOST_REASONS)]
        except Refused as refusal:
            return [refusal.detail]
        except (Exception, *QUITS) as error:  # a check that fails is a finding too
            log.warning("connector.health_failed", exc_info=error, connector=connector.name)
            return [f"The check itself failed ({type(error).__name__})."]
