"""Processes of a hub that relay and deliver webhooks until they are killed; run by test_hooks_killed.

It imports once, then forks: for each line on its input (how far the clock is ahead, in ms) one process, whose id it prints.
"""

import ipaddress
import os
import random
import sys
import threading
from typing import NoReturn

import structlog

from core import Runtime, UuidV7, wall_clock
from core.database import Database
from hub import secrets
from hub.guard import Guard
from hub.hooks import queue
from hub.hooks.deliver import deliver
from hub.hooks.relay import relay
from hub.hooks.triggers import TRIGGERS
from hub.outbound import Outbound
from tests.support.world import rules

KEYS = secrets.keys_from(["a secret of the operator, for tests"])
THREADS = 3


class Ahead:
    """The wall clock, so many milliseconds ahead: leases of killed processes end without waiting for them."""

    def __init__(self, ms: int) -> None:
        self._ms = ms

    def __call__(self) -> int:
        return wall_clock() + self._ms


def live(url: str, ahead: int) -> NoReturn:
    clock = Ahead(ahead)
    runtime = Runtime(
        Database(url),
        rules(),
        clock=clock,
        ids=UuidV7(clock, random.SystemRandom().getrandbits),
        random=random.SystemRandom(),
    )
    outbound = Outbound(Guard(allow=(ipaddress.ip_network("127.0.0.0/8"),)))
    idle = threading.Event()

    def delivering() -> None:
        while True:
            if not deliver(runtime, KEYS, outbound.send, limit=50):
                idle.wait(0.01)

    for _ in range(THREADS):
        threading.Thread(target=delivering, daemon=True).start()
    mother = os.getppid()
    while os.getppid() == mother:  # nobody outlives the test
        if not relay(runtime, TRIGGERS, [queue.sink], limit=2):
            idle.wait(0.01)
    os._exit(0)


def main(url: str) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # the output is for process ids
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            live(url, int(line))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1])
