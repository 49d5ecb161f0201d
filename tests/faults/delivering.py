"""A process of a hub that relays and delivers webhooks until it is killed; run by test_hooks_killed. Arguments: database, role."""

import ipaddress
import random
import sys
import threading

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


def main(url: str, ahead: int) -> None:
    clock = Ahead(ahead)
    runtime = Runtime(
        Database(url), rules(), clock=clock, ids=UuidV7(clock, random.SystemRandom().getrandbits), random=random.SystemRandom()
    )
    outbound = Outbound(Guard(allow=(ipaddress.ip_network("127.0.0.0/8"),)))
    idle = threading.Event()

    def delivering() -> None:
        while True:
            if not deliver(runtime, KEYS, outbound.send, limit=50):
                idle.wait(0.01)

    print("ready", flush=True)
    for _ in range(THREADS):
        threading.Thread(target=delivering, daemon=True).start()
    while True:
        if not relay(runtime, TRIGGERS, [queue.sink], limit=2):
            idle.wait(0.01)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
