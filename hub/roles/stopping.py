"""How a person or a system stops a process: the first Ctrl-C or SIGTERM lets it finish what is under way, the second ends it at once."""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
LOOK_S: Final = 1.0


def hold_back() -> None:
    """Signals wait from here on, in this thread and in those that it starts, until `until_told` takes them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def until_told(well: Callable[[], bool]) -> bool:
    """Wait for a signal; False when `well` says no before one came. Another one afterwards ends the process at once."""
    told = False
    while not told and well():
        told = signal.sigtimedwait(SIGNALS, LOOK_S) is not None
    for one in SIGNALS:
        signal.signal(one, _leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    return told


def _leave(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)
