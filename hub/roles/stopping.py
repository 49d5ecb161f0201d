"""How a person or a system stops a process: the first Ctrl-C or SIGTERM lets it finish what is under way, the second ends it at once."""

import os
import signal
from collections.abc import Callable, Collection
from time import monotonic, sleep
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
LOOK_S: Final = 1.0
STEP_S: Final = 0.05


def hold_back(*more: signal.Signals) -> None:
    """Signals wait from here on, in this thread and in those that it starts, until `until_told` takes them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (*SIGNALS, *more))


def until_told(well: Callable[[], bool]) -> bool:
    """Wait for a signal; False when `well` says no before one came. Another one afterwards ends the process at once."""
    told = False
    while not told and well():
        told = wait(SIGNALS, LOOK_S) is not None
    for one in SIGNALS:
        signal.signal(one, _leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    return told


def wait(signals: Collection[signal.Signals], seconds: float) -> int | None:
    """The next of these signals, which are held back; None after so long.

    Never `sigtimedwait` with a time: where it is interrupted (SIGSTOP and SIGCONT) and its time is over, CPython answers with whatever
    lay in memory, and a process that was paused would believe that it was told to stop.
    """
    ends = monotonic() + seconds
    while (found := signal.sigtimedwait(signals, 0)) is None:
        left = ends - monotonic()
        if left <= 0:
            return None
        sleep(min(left, STEP_S))
    return found.si_signo


def _leave(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)
