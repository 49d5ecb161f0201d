"""Where posts that take long go on, while the thread that began them makes the next: a receiver that hangs holds up no other.

At most `most` of them; whoever comes after those waits for its own.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from hub.hooks import schedule
from hub.hooks.schedule import Outcome

MOST: Final = 64


@dataclass(slots=True)
class Aside:
    """Of one process. `seconds`: how long a post may hold the thread that began it."""

    seconds: float = schedule.SLOW_MS / 1000
    most: int = MOST
    _late: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def roomy(self) -> bool:
        """Whether one more may go on by itself."""
        with self._lock:
            return self._late < self.most

    def within(self, post: Callable[[], Outcome], later: Callable[[Outcome], None]) -> Outcome | None:
        """What came of a post, if that is known in time; None where `later` is told of it. A post that ends in a bug raises it here.

        A late one that ends in a bug is told to nobody: its lease ends, and it is made again.
        """
        running: Future[Outcome] = Future()
        threading.Thread(target=_run, args=(running, post), name="smshub-post", daemon=True).start()
        try:
            return running.result(self.seconds)
        except TimeoutError:
            if running.done() or not self._leave():
                return running.result()
        running.add_done_callback(lambda done: self._back(done, later))
        return None

    def _leave(self) -> bool:
        with self._lock:
            if self._late >= self.most:
                return False
            self._late += 1
            return True

    def _back(self, done: Future[Outcome], later: Callable[[Outcome], None]) -> None:
        with self._lock:
            self._late -= 1
        later(done.result())


def _run(running: Future[Outcome], post: Callable[[], Outcome]) -> None:
    try:
        running.set_result(post())
    except Exception as error:  # noqa: BLE001 - whoever waits for it raises it
        running.set_exception(error)
