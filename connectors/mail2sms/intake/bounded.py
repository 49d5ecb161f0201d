"""How a reading process works: one mail after the other, from its input to its output, within limits that the kernel holds.

It ends by itself, whatever became of its parent: its input ends, or the alarm rings, which no loop in C holds up.
"""

import os
import pickle
import signal
import sys
from collections.abc import Callable
from resource import RLIMIT_AS, RLIMIT_CORE, setrlimit
from traceback import extract_tb
from typing import IO, Final

from connectors.mail2sms import mail
from connectors.mail2sms.intake.child import Task

MOST_MEMORY: Final = 1024 * 1024 * 1024  # of addresses: the libraries take a part of it

Look = Callable[[Task], mail.Read]


def serve(look: Look, seconds: int) -> None:
    """Answer tasks by what `look` makes of them, each within so many seconds. What it raises is answered as a word on where it was."""
    _limit()
    given, answers = _pipes()
    while True:
        signal.alarm(0)
        try:
            task = pickle.load(given)  # noqa: S301 - from our parent
        except EOFError:
            return
        signal.alarm(seconds)
        pickle.dump(_answer(look, task), answers)
        answers.flush()


def _answer(look: Look, task: Task) -> mail.Read | str:
    try:
        return look(task)
    except MemoryError:  # it may have left little: another process takes its place
        raise
    except Exception as error:  # noqa: BLE001 - said without its words, which may be those of the mail
        at = extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {at.name}, line {at.lineno}"


def _pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Input and output as they were given; whatever else would print goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return sys.stdin.buffer, answers


def _limit() -> None:
    """So much memory, no core file. A signal to all processes of the hub is for its parent, which lets this one finish."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for ignored in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ignored, signal.SIG_IGN)
    setrlimit(RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    setrlimit(RLIMIT_CORE, (0, 0))
