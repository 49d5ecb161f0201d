"""kill -9 at random moments of relaying and delivering: every event arrives, and a repeat says so by its webhook-id."""

import os
import random
import signal
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from sqlalchemy import func, select

from core import Database, Runtime, accounts, backlog, events
from hub.hooks import endpoints
from hub.hooks.deliver import LEASE_MS
from hub.hooks.schedule import DAY
from hub.hooks.tables import deliveries
from tests.faults.delivering import KEYS, Ahead
from tests.support.receivers import Behaviour, answers, receiver
from tests.support.world import runtime_on

ROOT = Path(__file__).parents[2]
EVENTS, KILLS = 80, 15


@pytest.fixture
def runtime(database_url: str) -> Iterator[Runtime]:
    made = runtime_on(Database(database_url), clock=Ahead(0))
    yield made
    made.database.close()


@pytest.mark.slow
@pytest.mark.parametrize("batch", [False, True], ids=["each", "batch"])
def test_no_event_is_lost_and_repeats_carry_the_same_webhook_id(
    runtime: Runtime, database_url: str, batch: bool
) -> None:
    chance = random.Random(20260921)
    with runtime.begin() as tx:
        account = accounts.create(tx, "Shop")
    with receiver() as shop, mother(database_url) as process:
        shop.behaviour = flaky(chance)
        with runtime.begin() as tx:
            wanted = endpoints.Wanted(shop.url, ["optout.created"], {}, batch)
            _, secret = endpoints.create(runtime, tx, KEYS, account.id, wanted, "api")
        for n in range(EVENTS):
            with runtime.begin() as tx:
                events.emit(
                    tx, account.id, "optout.created", [{"number": 33612000000 + n, "source": "api", "at": tx.now}]
                )
        for life in range(KILLS):
            with alive(process, ahead=life * 2 * LEASE_MS):
                threading.Event().wait(chance.uniform(0.02, 0.6))
        shop.behaviour = answers(200)
        with alive(process, ahead=2 * DAY):  # whatever is left is due by then
            until(lambda: waits(runtime) == 0)
    bodies, arrived = defaultdict(set), set()
    for post in shop.posts:
        payload = post.verified(secret)
        bodies[post.webhook_id].add(post.body)
        arrived |= {event["data"]["number"] for event in (payload if batch else [payload])}
    assert arrived == {f"+{33612000000 + n}" for n in range(EVENTS)}
    assert all(len(same) == 1 for same in bodies.values())
    if not batch:
        assert len(bodies) == EVENTS


def flaky(chance: random.Random) -> Behaviour:
    """A receiver that is slow enough to be killed at, and fails now and then."""
    lock, pause = threading.Lock(), threading.Event()

    def behave(request: BaseHTTPRequestHandler) -> None:
        with lock:
            slow, fails = chance.uniform(0, 0.03), chance.random() < 0.05
        pause.wait(slow)
        answers(500 if fails else 200)(request)

    return behave


@contextmanager
def mother(url: str) -> Iterator[Popen[str]]:
    """What the processes are forked from."""
    command = [sys.executable, "-P", "-m", "tests.faults.delivering", url]
    with Popen(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdin=PIPE, stdout=PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0


@contextmanager
def alive(process: Popen[str], ahead: int) -> Iterator[None]:
    """One life of a process, which ends wherever it is."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{ahead}\n")
    process.stdin.flush()
    child = int(process.stdout.readline())
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)


def until(true: Callable[[], bool]) -> None:
    """Wait, but not for ever."""
    for _ in range(1200):
        if true():
            return
        threading.Event().wait(0.05)
    assert true()


def waits(runtime: Runtime) -> int:
    """What was not relayed or not delivered yet."""
    with runtime.read() as tx:
        pending = tx.scalar(select(func.count()).where(deliveries.c.due_at.is_not(None)))
        return int(backlog.counts(tx)["outbox"] + pending)
