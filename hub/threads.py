"""Daemon threads for work that comes and goes: an idle one is taken before another is started, and none outlives the process."""

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final

import structlog

IDLE_S: Final = 30.0

log = structlog.get_logger()


class Threads:
    """At most `most` threads; what comes when all of them work waits for one. An executor's threads would hold up the end of a process
    whose database hangs; these do not.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._left = 0  # what was given and is not over

    def run(self, work: Callable[[], None]) -> None:
        """Carry `work` out in a thread, soon. It should not raise: what it raises is logged and lost.

        Raises RuntimeError where no thread can be started and none is there; then `work` is not done.
        """
        with self._lock:
            if self._left >= self._threads < self._most:
                self._start()
            self._left += 1
        self._waiting.put(work)

    def _start(self) -> None:
        try:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        except RuntimeError:  # the machine has no more; the ones that are there will do
            if not self._threads:
                raise
        else:
            self._threads += 1

    def _work(self) -> None:
        try:
            self._work_on()
        except BaseException:  # it ends, and another takes its place
            with self._lock:
                self._threads -= 1
                if self._left > self._threads:
                    with suppress(RuntimeError):  # no thread can be had: the next that is given tries again
                        self._start()
            raise

    def _work_on(self) -> None:
        while True:
            try:
                work = self._waiting.get(timeout=IDLE_S)
            except Empty:
                if self._leaves():
                    return
                continue
            try:
                work()
            except Exception:
                log.exception("thread.failed", thread=self._name)
            finally:
                with self._lock:
                    self._left -= 1

    def _leaves(self) -> bool:
        """Whether this thread is one too many: what came since is another's, if there is another for it."""
        with self._lock:
            if self._left >= self._threads:
                return False
            self._threads -= 1
            return True
