"""What the operator is told while the database is out: one line that names the cure, a minute, not a trace for everybody who met it."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

import structlog

from core import outages

AGAIN_S: Final = 60.0

log = structlog.get_logger()


class Outages:
    """One for each process, or part of one; any thread may tell it."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[outages.Kind, float] = {}
        self._since: dict[outages.Kind, int] = {}

    def tell(self, outage: outages.Outage, error: Exception) -> None:
        """Log it, unless that was done within the last minute; then it is only counted."""
        now = self._clock()
        with self._lock:
            if now - self._told.get(outage.kind, now - AGAIN_S) < AGAIN_S:
                self._since[outage.kind] = self._since.get(outage.kind, 0) + 1
                return
            self._told[outage.kind] = now
            unsaid = self._since.pop(outage.kind, 0)
        log.error("database.out", kind=outage.kind, cure=outage.cure, error=type(error).__name__, times_unsaid=unsaid)
