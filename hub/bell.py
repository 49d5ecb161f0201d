"""The doorbell between processes. Whoever rings pays a flag; a thread tells the others, through Redis, and waits in his place.

A ring that is under way is not sent again: `SET ring NX` before it is sent, and whoever is woken deletes that before looking for work. So
either the work was committed before somebody looked, or the ring is sent. What Redis loses costs a second: that is how often everybody looks.
"""

import threading
from collections.abc import Collection
from time import monotonic
from typing import Any, Final

import structlog
from celery import Celery
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from hub import wakes
from hub.doorbell import Doorbell

GAP_S: Final = 0.005
LONGEST_GAP_S: Final = (
    0.1  # between rings that do not cease: a task costs 3 ms of processor on its way, and who is at work needs no ring
)
AGAIN_S: Final = 0.5  # after Redis did not answer
LOOK_S: Final = 5.0  # how often it is asked whether it is there when nobody rings
TELL_S: Final = 60.0
CLOSE_S: Final = 1.0
UNREACHABLE: Final = "Redis can't be reached: work is found by looking for it each second."
FAILURES: Final = (RedisError, KombuError, OSError)

log = structlog.get_logger()


class Bell:
    """Rings here and elsewhere. `ring` never waits, and never fails."""

    def __init__(self, url: str, near: Doorbell) -> None:
        self._near = near
        self._sender = Sender(url)
        self._lock = threading.Lock()
        self._wanted: set[str] = set()
        self._some = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._told_at: float | None = None
        self._failing = False
        self._enough_here: frozenset[str] = frozenset()

    def ring(self, topic: str) -> None:
        """There is work on `topic`."""
        self._near.ring(topic)
        if topic in self._enough_here:
            return
        with self._lock:
            self._wanted.add(topic)
        self._some.set()
        if self._thread is None:
            self.start()

    def woken(self, topic: str) -> None:
        """A ring came from elsewhere."""
        try:
            self._sender.taken(topic)
        except FAILURES as error:
            self._failed(error)
        self._near.ring(topic)

    def start(self, enough_here: frozenset[str] = frozenset()) -> None:
        """Tell from now on; the first ring does it too. `enough_here`: topics that only this process's loops need hear from it."""
        self._enough_here = self._enough_here | enough_here
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name="smshub-bell", daemon=True)
                self._thread.start()

    @property
    def trouble(self) -> str | None:
        """What is wrong with it just now, in a sentence."""
        return UNREACHABLE if self._failing else None

    def close(self) -> None:
        """Tell what is still to be told, for a moment at most, and let go of the connections."""
        self._closing.set()
        self._some.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)
        self._sender.close()

    def _run(self) -> None:
        gap = GAP_S
        while True:
            gap = min(2 * gap, LONGEST_GAP_S) if self._some.is_set() else GAP_S
            self._some.wait(LOOK_S)
            self._some.clear()
            with self._lock:
                topics, self._wanted = self._wanted, set()
            done = self._tried(topics)
            if self._closing.is_set():
                return
            if not done:
                with self._lock:
                    self._wanted |= topics
                self._some.set()
            self._closing.wait(gap if done else AGAIN_S)

    def _tried(self, topics: Collection[str]) -> bool:
        try:
            if topics:
                self._sender.send(topics)
            else:
                self._sender.look()
        except FAILURES as error:
            self._failed(error)
            return False
        if self._failing:
            log.info("bell.heard_again")
        self._failing = False
        return True

    def _failed(self, error: Exception) -> None:
        self._failing = True
        if self._told_at is None or monotonic() - self._told_at >= TELL_S:
            self._told_at = monotonic()
            log.warning("bell.unheard", error=type(error).__name__, detail=UNREACHABLE)


class Sender:
    """Rings through Redis, each unless it is under way already. Raises one of FAILURES, and then owes what it did not send."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._owed: set[str] = set()
        self._connected: tuple[Celery, Any] | None = None

    def send(self, topics: Collection[str]) -> None:
        app, client = self._reached()
        for topic in sorted(topics):
            # Whoever has noted a ring must send it: after a failure nobody knows whether it was noted, or sent.
            if topic in self._owed or self._is_new(client, topic):
                self._owed.add(topic)
                wakes.publish(app, topic)
                self._owed.discard(topic)

    def taken(self, topic: str) -> None:
        """A ring arrived: whoever rings from now on is to be heard again."""
        self._reached()[1].delete(wakes.ring_key(topic))

    def look(self) -> None:
        """Is Redis there?"""
        self._reached()[1].ping()

    def close(self) -> None:
        if self._connected is not None:
            app, client = self._connected
            client.close()
            app.close()

    def _is_new(self, client: Any, topic: str) -> bool:
        """No ring is under way, and none lies in its queue, where rings would gather while no worker runs."""
        self._owed.add(topic)
        pipeline = client.pipeline(transaction=False)
        pipeline.set(wakes.ring_key(topic), 1, nx=True, px=wakes.RING_MS)
        if topic in wakes.ONE:
            pipeline.llen(wakes.queue_of(topic))
        noted, *waiting = pipeline.execute()
        new = bool(noted) and not any(waiting)
        if not new:
            self._owed.discard(topic)
        return new

    def _reached(self) -> tuple[Celery, Any]:
        if self._connected is None:
            self._connected = (wakes.application(self._url), wakes.client(self._url))
        return self._connected
