"""Loops in threads. One that fails is a bug or an outage: it is logged, counted, tried again with back-off, and /healthz says so.

A loop's turn does some work and says how long to rest. A ring on its topic ends the rest, unless the loop asked not to be disturbed.
A turn may also last until it is told to end (a server that listens): once it has lasted WELL_S, its failures before are over.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import structlog

from core import Runtime, outages
from hub.doorbell import Doorbell
from hub.outage import Outages

FIRST_BACKOFF_S: Final = 0.5
LONGEST_BACKOFF_S: Final = 30.0
WELL_S: Final = 10.0
LONGEST_OUTAGE_S: Final = 2.0  # a database that is back is found soon; asking one that is away costs nothing

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rest:
    """How long until the next turn, in seconds. `deaf`: no ring shortens it (a lane whose tokens are spent)."""

    seconds: float
    deaf: bool = False


ON: Final = Rest(0)  # there may be more: go on at once
POLL: Final = Rest(1.0)  # behind every doorbell


@dataclass(frozen=True, slots=True)
class Loop:
    """One thread's work. Without a topic it is deaf. end: tells a turn that lasts to come to its end; others end by themselves."""

    name: str
    turn: Callable[[], Rest]
    topic: str | None = None
    end: Callable[[], None] | None = None


@dataclass(slots=True)
class _Watched:
    """A loop as its supervisor sees it: how often it failed, in a row and ever, and of what."""

    loop: Loop
    in_a_row: int = 0
    ever: int = 0
    error: str = ""
    began: float | None = None  # its turn, by monotonic(); None while it rests
    thread: threading.Thread | None = field(default=None)

    def is_well(self, well_s: float) -> bool:
        """Whether its turn lasts, and has for so long."""
        began = self.began
        return self.loop.end is not None and began is not None and monotonic() - began >= well_s


class Supervisor:
    """Runs loops until it is told to stop."""

    def __init__(
        self,
        bell: Doorbell,
        loops: Sequence[Loop],
        first_backoff_s: float = FIRST_BACKOFF_S,
        well_s: float = WELL_S,
    ) -> None:
        self._bell = bell
        self._watched = [_Watched(loop) for loop in loops]
        self._first_backoff_s = first_backoff_s
        self._well_s = well_s
        self._stopping = threading.Event()
        self._outages = Outages()

    def add(self, loop: Loop) -> None:
        """One more loop, before they start."""
        self._watched.append(_Watched(loop))

    def start(self) -> None:
        """Start every loop in a thread of its own."""
        for watched in self._watched:
            watched.thread = threading.Thread(
                target=self._run, args=(watched,), name=f"smshub-{watched.loop.name}", daemon=True
            )
            watched.thread.start()

    def stop(self, seconds: float) -> Sequence[str]:
        """No turn begins any more; wait for those under way. The names of loops that did not end within `seconds`."""
        self._stopping.set()
        self._bell.close()
        for watched in self._watched:
            if watched.loop.end is not None:
                watched.loop.end()
        ends = monotonic() + seconds
        for watched in self._watched:
            if watched.thread is not None:
                watched.thread.join(max(0.0, ends - monotonic()))
        return [one.loop.name for one in self._watched if one.thread is not None and one.thread.is_alive()]

    def reasons(self, _runtime: Runtime) -> Sequence[str]:
        """What is wrong just now, for /healthz: loops whose last turn failed."""
        failing = [one for one in self._watched if one.in_a_row and not one.is_well(self._well_s)]
        dead = [
            one for one in self._watched if one.thread is not None and not one.thread.is_alive() and not one.in_a_row
        ]
        gone = [] if self._stopping.is_set() else [f"The loop {one.loop.name} has ended." for one in dead]
        return [
            *(f"The loop {one.loop.name} failed {one.in_a_row} times in a row ({one.error})." for one in failing),
            *gone,
        ]

    def failures(self) -> Mapping[str, float]:
        """Turns that failed since the start, by loop; for /metrics."""
        return {one.loop.name: one.ever for one in self._watched}

    def _run(self, watched: _Watched) -> None:
        loop = watched.loop
        while not self._stopping.is_set():
            heard = self._bell.heard(loop.topic) if loop.topic else 0
            watched.began = monotonic()
            try:
                rest = loop.turn()
            except Exception as error:  # noqa: BLE001 - whatever it was: the others go on, and this one is tried again
                rest = self._failed(watched, error)
            except BaseException as end:  # noqa: BLE001 - it wanted to end its thread, which is not its own
                rest = self._failed(watched, RuntimeError(f"it wanted to end its thread ({type(end).__name__})"))
            else:
                watched.in_a_row = 0
            watched.began = None
            self._rest(loop, rest, heard)

    def _failed(self, watched: _Watched, error: Exception) -> Rest:
        """Count it; a bug is told with its lines, an outage of the database in one line for all loops."""
        if watched.is_well(self._well_s):
            watched.in_a_row = 0
        watched.error = type(error).__name__
        watched.in_a_row += 1
        watched.ever += 1
        outage = outages.of(error)
        if outage is None:
            log.error("loop.failed", exc_info=error, loop=watched.loop.name, in_a_row=watched.in_a_row)
        else:
            self._outages.tell(outage, error)
        longest = LONGEST_BACKOFF_S if outage is None else LONGEST_OUTAGE_S
        doubled = self._first_backoff_s * 2 ** min(watched.in_a_row - 1, 10)
        return Rest(min(doubled, longest), deaf=True)

    def _rest(self, loop: Loop, rest: Rest, heard: int) -> None:
        if rest.seconds <= 0:
            return
        if loop.topic is None or rest.deaf:
            self._stopping.wait(rest.seconds)
        else:
            self._bell.wait(loop.topic, heard, rest.seconds)
