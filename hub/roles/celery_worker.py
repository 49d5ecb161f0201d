"""The Celery worker of `smshub worker` and `smshub listen`: it hears wakes, and rings the bell of the process that it is in.

It runs in a thread beside the loops, not around them: they must work while there is no Redis, and stop when told to whatever
Celery is waiting for. What ends it is told, and it is started again.
"""

import logging
import socket
import threading
from collections.abc import Sequence
from typing import Any, Final

import structlog
from celery.worker import WorkController, state

from hub import wakes
from hub.bell import Bell

THREADS: Final = 2
AGAIN_S: Final = 5.0

log = structlog.get_logger()


class CeleryWorker:
    """Hears wakes: those for everyone, and where `one` says so those that one worker is enough for."""

    def __init__(self, url: str, bell: Bell, *, one: bool) -> None:
        self._url = url
        self._bell = bell
        self._queues: Sequence[str] = [wakes.TO_ALL, *(wakes.queue_of(topic) for topic in wakes.ONE if one)]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="smshub-celery", daemon=True)

    def start(self) -> None:
        """Hear from now on, or as soon as Redis is there."""
        for name in ("celery", "kombu"):  # it tells of each attempt to connect; the bell tells once a minute
            logging.getLogger(name).setLevel(logging.CRITICAL)
        state.should_stop = None
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Without it the loops look each second: no reason to end."""
        return True

    def stop(self, seconds: float) -> None:
        self._stopping.set()
        state.should_stop = 0
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._controller().start()
            except Exception:  # whatever it was: the loops go on, and this is tried again
                log.exception("celery.failed")
            if not self._stopping.wait(AGAIN_S):
                log.warning("celery.ended", again_in_s=AGAIN_S)

    def _controller(self) -> Any:
        app = wakes.application(self._url, self._bell.woken)
        app.set_default()  # Celery's pool looks a task up in whatever application its thread finds
        return WorkController(
            app=app,
            hostname=f"smshub@{socket.gethostname()}",
            pool="threads",
            concurrency=THREADS,
            queues=self._queues,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
