"""The doorbell of one process: threads sleep on their topic and wake when it rings. Other processes are not heard: they are polled for.

A ring raises a count, and whoever waits says which count it has seen: one that comes while a thread is at work is not lost, and a
thousand are one.
"""

import threading
from typing import Final

TOPICS: Final = ("dispatch", "jobs", "events", "inbound", "hooks")


class Doorbell:
    """Counts of rings by topic. A ring on a topic that nobody waits for does no harm."""

    def __init__(self) -> None:
        self._rung = threading.Condition()
        self._counts = dict.fromkeys(TOPICS, 0)
        self._open = True

    def ring(self, topic: str) -> None:
        """There is work on `topic`."""
        with self._rung:
            self._counts[topic] = self._counts.get(topic, 0) + 1
            self._rung.notify_all()

    def heard(self, topic: str) -> int:
        """How often it has rung: read it before looking for work, and wait with it."""
        with self._rung:
            return self._counts.get(topic, 0)

    def wait(self, topic: str, heard: int, seconds: float) -> bool:
        """Sleep until it rings for more than `heard` times, at most `seconds`; whether it rang. At once when it has, or is closed."""
        with self._rung:
            self._rung.wait_for(lambda: not self._open or self._counts.get(topic, 0) != heard, seconds)
            return self._counts.get(topic, 0) != heard

    def close(self) -> None:
        """Wake everybody, for good."""
        with self._rung:
            self._open = False
            self._rung.notify_all()
