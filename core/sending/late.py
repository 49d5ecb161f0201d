"""Answers that could not be written in a moment: somebody holds rows of their account for long (a paused process, a host without power).

A lane does not wait for them, since others' messages would. It keeps them, leaves that account alone and goes on with the others; another
thread writes them once it can, and keeps their windows alive until then. With the process they are lost: then their windows are found
abandoned, and looked up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from core import outages
from core.carriers.contract import Outcome
from core.credits.ledger import MOMENT_MS
from core.runtime import Runtime
from core.sending import answers
from core.sending.windows import Window, renew

MOST: Final = (
    32  # windows that a lane keeps; with so many it claims no more. Trying each again takes less than their leases
)
AGAIN_MS: Final = 1_000  # until an account that was in use as its window was claimed is tried again


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a window that is to be closed. `whole`: all its answers; else those that are missing will not come."""

    window: Window
    outcomes: Sequence[Outcome]
    whole: bool


@dataclass(slots=True)
class Late:
    """What one lane keeps, and the accounts that it leaves alone. The lane's threads put in, and one other takes out."""

    _kept: list[Kept] = field(default_factory=list)
    _until: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def keep(self, one: Kept) -> None:
        with self._lock:
            self._kept.append(one)

    def leave_alone(self, account_id: str, now: int) -> None:
        """For a while: its credits are in use."""
        with self._lock:
            self._until[account_id] = now + AGAIN_MS

    def left_alone(self, now: int) -> frozenset[str]:
        """The accounts of which nothing is claimed just now."""
        with self._lock:
            self._until = {account_id: until for account_id, until in self._until.items() if until > now}
            return frozenset({*self._until, *(one.window.account_id for one in self._kept)})

    def full(self) -> bool:
        return len(self._kept) >= MOST

    def waiting(self) -> Sequence[Kept]:
        with self._lock:
            return tuple(self._kept)

    def settled(self, one: Kept) -> None:
        with self._lock:
            self._kept.remove(one)


class Answered:
    """The answers of a window on their way to the database; `left` are the references that have none yet."""

    __slots__ = ("_closed", "_kept", "_runtime", "left", "window")

    def __init__(self, runtime: Runtime, window: Window) -> None:
        self.window = window
        self.left = {attempt.reference for attempt in window.attempts}
        self._runtime = runtime
        self._closed = False
        self._kept: list[Outcome] | None = None

    def record(self, outcomes: Sequence[Outcome]) -> bool:
        """Write them, or keep them. Whether more of the window may leave."""
        self.left.difference_update(outcome.reference for outcome in outcomes)
        if self._kept is None:
            try:
                mine = answers.record(self._runtime, self.window, outcomes, last=not self.left, wait_ms=MOMENT_MS)
            except outages.ERRORS as error:
                _let_through_bugs(error)
                self._kept = []
            else:
                self._closed = mine and not self.left
                return mine
        self._kept.extend(outcomes)
        return _renewed(self._runtime, [self.window])

    def end(self) -> Kept | None:
        """No more will come: close the window. What could not be written of it, if there is such."""
        if self._closed:
            return None
        if self._kept is None:
            try:
                answers.close(self._runtime, self.window, wait_ms=MOMENT_MS)
            except outages.ERRORS as error:
                _let_through_bugs(error)
            else:
                return None
        return Kept(self.window, self._kept or (), whole=not self.left)


def write(runtime: Runtime, late: Late) -> bool:
    """Try once to write all that is kept; whether there was any. Raises what hinders it, if anything does: it is kept then.

    A bug is raised too, and what met it is let go: its window will be found abandoned.
    """
    waiting = late.waiting()
    if not waiting:
        return False
    _renewed(runtime, [one.window for one in waiting])
    hindered: Exception | None = None
    for one in waiting:
        try:
            _write(runtime, one)
        except Exception as error:  # noqa: BLE001 - raised below: the others come first
            hindered = error
            if outages.of(error) is not None:
                continue
        late.settled(one)
        runtime.doorbell.ring("dispatch")
    if hindered is not None:
        raise hindered
    return True


def _write(runtime: Runtime, one: Kept) -> None:
    """What was written already is written again to no effect, for its attempt number."""
    answers.record(runtime, one.window, one.outcomes, last=one.whole, wait_ms=MOMENT_MS)
    if not one.whole:
        answers.close(runtime, one.window, wait_ms=MOMENT_MS)


def _renewed(runtime: Runtime, windows: Sequence[Window]) -> bool:
    """Keep these windows; whether all of them are ours, as far as can be told in a moment."""
    try:
        with runtime.begin() as tx:
            tx.wait_at_most(MOMENT_MS)
            ours = [renew(tx, window) for window in sorted(windows, key=lambda window: window.id)]
        return all(ours)
    except outages.ERRORS as error:
        _let_through_bugs(error)
        return False


def _let_through_bugs(error: Exception) -> None:
    if outages.of(error) is None:
        raise error
