"""Fault points: `SMSHUB_CRASH_AT=after_submit:3` kills the process the third time it passes that point, as kill -9 would.

For tests and for operators who want to see it recover. A point is a place in the code that calls `runtime.fault(name)`.
"""

import os
import re
import threading
from collections.abc import Callable
from typing import Final

from core import Fault, Refused

KILLED: Final = 137  # what a shell says of a process that died of SIGKILL


def crash_at(text: str | None, die: Callable[[int], object] = os._exit) -> Callable[[str], None]:
    """The hook for a setting; one that does nothing where there is none. Refuses (`invalid_settings`) what is not point[:times]."""
    if not text:
        return _nothing
    point, times = _read(text)
    lock = threading.Lock()
    left = times

    def passing(name: str) -> None:
        nonlocal left
        if name != point:
            return
        with lock:
            left -= 1
            if left == 0:
                die(KILLED)

    return passing


def _nothing(_point: str) -> None:
    """Nobody wants a crash."""


def _read(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"([a-z_.]+)(?::([1-9][0-9]{0,8}))?", text)
    if found is None:
        fault = Fault(
            "SMSHUB_CRASH_AT", "must be the name of a fault point, and how many times it is passed: after_submit:3"
        )
        raise Refused("invalid_settings", f"{fault.pointer} {fault.message}", (fault,))
    return found[1], int(found[2] or 1)
