"""Several processes that do the same, and a parent that only looks after them: who ends is started again, and all end with it.

The parent has no thread, no connection and nothing of the hub: each child composes its own after the fork.
"""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

import structlog

from hub.roles import stopping

LOOK_S: Final = 1.0
LOOK_BEFORE_READY_S: Final = 0.05
SOON_S: Final = 5.0  # a child that ends sooner than this after its start fails to start: it is started again ever later
FIRST_BACKOFF_S: Final = 0.5
LONGEST_BACKOFF_S: Final = 30.0
STOP_S: Final = 15.0  # above what a child gives its server and its loops
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)

Child = Callable[[Callable[[], None], Callable[[], bool]], int]

log = structlog.get_logger()


@dataclass(slots=True)
class _Place:
    """One child, and the ones that follow it when it ends."""

    pid: int | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    in_a_row: int = 0


class Children:
    """`count` children that run `child(ready, well)`: `ready` is to be called once it works, `well` says no when the parent is gone."""

    def __init__(self, count: int, child: Child, ready: Callable[[], None]) -> None:
        self._child = child
        self._ready = ready
        self._places = [_Place() for _ in range(count)]
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._heard = 0

    def run(self) -> int:
        """Look after them until a signal says to stop; the exit code. A second signal ends all at once."""
        stopping.hold_back(signal.SIGCHLD)
        while True:
            self._start_missing()
            found = stopping.wait((*stopping.SIGNALS, signal.SIGCHLD), self._look_s())
            self._bury()
            self._listen()
            if found in stopping.SIGNALS:
                return self._stop()

    def _look_s(self) -> float:
        if self._heard < len(self._places):
            return LOOK_BEFORE_READY_S
        waiting = [place.start_at - monotonic() for place in self._places if place.pid is None]
        return max(0.0, min([LOOK_S, *waiting]))

    def _listen(self) -> None:
        """Each child says once that it is ready; when as many did as there are, so do we."""
        if self._heard >= len(self._places):
            return
        with contextlib.suppress(BlockingIOError):
            self._heard += len(os.read(self._reading, len(self._places)))
            if self._heard >= len(self._places):
                self._ready()

    def _start_missing(self) -> None:
        for place in self._places:
            if place.pid is None and place.start_at <= monotonic():
                place.started_at = monotonic()
                place.pid = self._fork()

    def _fork(self) -> int:
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            _die_with_parent()
            code = self._child(self._say_ready, lambda: os.getppid() == parent)
        except BaseException:  # whatever it was: this process must not go on as its parent
            log.exception("child.failed")
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _say_ready(self) -> None:
        os.write(self._writing, b".")

    def _bury(self) -> None:
        for place in self._places:
            if place.pid is not None and (status := _ended(place.pid)) is not None:
                self._died(place, status)

    def _died(self, place: _Place, status: int) -> None:
        lived = monotonic() - place.started_at
        place.in_a_row = place.in_a_row + 1 if lived < SOON_S else 0
        wait = min(FIRST_BACKOFF_S * 2 ** (place.in_a_row - 1), LONGEST_BACKOFF_S) if place.in_a_row else 0.0
        log.error("child.ended", child=place.pid, code=status, again_in_s=wait)
        place.pid, place.start_at = None, monotonic() + wait

    def _stop(self) -> int:
        """All are told; who does not end in time is killed."""
        self._tell(signal.SIGTERM)
        ends, codes = monotonic() + STOP_S, []
        while (alive := [place for place in self._places if place.pid is not None]) and monotonic() < ends:
            found = stopping.wait((*stopping.SIGNALS, signal.SIGCHLD), LOOK_S)
            if found in stopping.SIGNALS:
                break
            for place in alive:
                if place.pid is not None and (status := _ended(place.pid)) is not None:
                    codes.append(status)
                    place.pid = None
        self._tell(signal.SIGKILL)
        return 0 if not any(codes) and not alive else 1

    def _tell(self, what: signal.Signals) -> None:
        for place in self._places:
            if place.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(place.pid, what)


def _ended(pid: int) -> int | None:
    """The exit code of a child that has ended: below 0 it is the signal it died of."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 1
    return os.waitstatus_to_exitcode(status) if found else None


def _die_with_parent() -> None:
    """The kernel tells us at once when the parent is killed, where it can (Linux); elsewhere `well` finds out within a second."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
