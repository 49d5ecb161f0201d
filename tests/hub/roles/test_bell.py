"""The doorbell between processes, through a real Redis that is wiped, killed and started again."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hub import wakes
from hub.bell import UNREACHABLE, Bell, Sender
from hub.doorbell import Doorbell
from hub.roles.celery_worker import CeleryWorker
from tests.support.servers import RedisServer
from tests.support.serving import wait_for

LONG = 60.0
pytestmark = pytest.mark.slow


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def bells(redis_server: RedisServer) -> Iterator[Callable[[], tuple[Bell, Doorbell]]]:
    """As many processes' bells as a test wants."""
    made: list[Bell] = []

    def make() -> tuple[Bell, Doorbell]:
        near = Doorbell()
        made.append(Bell(redis_server.url, near))
        return made[-1], near

    yield make
    for one in made:
        one.close()


@contextmanager
def hearing(url: str, bell: Bell) -> Iterator[None]:
    """A Celery worker, as a process of the hub has one; what it logs of lost connections is Celery's own affair."""
    levels = {name: logging.getLogger(name).level for name in ("celery", "kombu")}
    worker = CeleryWorker(url, bell, one=True)
    worker.start()
    try:
        yield
    finally:
        worker.stop(LONG)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def subscribed(server: RedisServer) -> bool:
    with server.client() as client:
        return bool(client.pubsub_numpat())


def rings_through(far: Bell, near: Doorbell, topic: str) -> None:
    """Each ring is heard: within a time that no poll comes into, as nothing polls here."""
    heard = near.heard(topic)
    far.ring(topic)
    assert near.wait(topic, heard, LONG)


@pytest.mark.parametrize("topic", [*wakes.EVERYONE, *wakes.ONE])
def test_a_ring_in_one_process_wakes_another(
    redis_server: RedisServer, bells: Callable[[], tuple[Bell, Doorbell]], topic: str
) -> None:
    (far, _), (here, near) = bells(), bells()
    with hearing(redis_server.url, here):
        wait_for(lambda: subscribed(redis_server))
        for _ in range(3):
            rings_through(far, near, topic)


def test_a_ring_is_heard_at_home_at_once_and_whoever_rings_waits_for_nobody(
    redis_server: RedisServer, bells: Callable[[], tuple[Bell, Doorbell]]
) -> None:
    redis_server.kill()
    far, near = bells()
    heard = near.heard("jobs")
    far.ring("jobs")
    assert near.heard("jobs") == heard + 1
    wait_for(lambda: far.trouble == UNREACHABLE)


def test_a_wiped_redis_and_one_that_was_killed_are_heard_through_again(
    redis_server: RedisServer, bells: Callable[[], tuple[Bell, Doorbell]]
) -> None:
    (far, _), (here, near) = bells(), bells()
    with hearing(redis_server.url, here):
        wait_for(lambda: subscribed(redis_server))
        with redis_server.client() as client:
            client.flushall()
        for topic in ("dispatch", "jobs"):
            rings_through(far, near, topic)
        redis_server.kill()
        far.ring("dispatch")
        wait_for(lambda: far.trouble)
        redis_server.start()
        wait_for(lambda: subscribed(redis_server) and not far.trouble)
        for topic in ("dispatch", "jobs"):
            rings_through(far, near, topic)


def test_a_thousand_rings_are_one_task_until_somebody_looks(redis_server: RedisServer) -> None:
    sender = Sender(redis_server.url)
    for _ in range(1000):
        sender.send(["jobs"])
    with redis_server.client() as client:
        assert client.llen(wakes.queue_of("jobs")) == 1
        client.delete(wakes.ring_key("jobs"))  # it ran out, and no worker is there: rings do not gather
        sender.send(["jobs"])
        assert client.llen(wakes.queue_of("jobs")) == 1
        client.delete(wakes.queue_of("jobs"))  # a worker took the task
        sender.taken("jobs")
        sender.send(["jobs"])
        assert client.llen(wakes.queue_of("jobs")) == 1
    sender.close()


def test_what_could_not_be_sent_is_owed_even_where_it_was_noted_as_sent(redis_server: RedisServer) -> None:
    sender = Sender(redis_server.url)
    sender.look()
    redis_server.kill()
    with pytest.raises(Exception, match=r".+"):
        sender.send(["jobs"])
    redis_server.start()
    with redis_server.client() as client:
        client.set(wakes.ring_key("jobs"), 1)  # as if the answer to it had been lost, and not the note
        sender.send(["jobs"])
        assert client.llen(wakes.queue_of("jobs")) == 1
    sender.close()


def test_a_worker_need_not_tell_others_what_its_own_loops_see_to(redis_server: RedisServer) -> None:
    bell = Bell(redis_server.url, Doorbell())
    bell.start(frozenset({"events"}))
    bell.ring("events")
    bell.ring("jobs")
    with redis_server.client() as client:
        wait_for(lambda: client.llen(wakes.queue_of("jobs")))
        assert client.llen(wakes.queue_of("events")) == 0
    bell.close()


@pytest.mark.parametrize(
    "given, meant",
    [
        ("redis://host:6379/3", "redis://host:6379/3"),
        ("redis+socket:///run/redis.sock?virtual_host=2", "redis+socket:///run/redis.sock?virtual_host=2"),
        ("unix:///run/redis.sock?db=2", "redis+socket:///run/redis.sock?virtual_host=2"),
    ],
)
def test_every_way_to_write_the_address_of_a_redis_is_understood(given: str, meant: str) -> None:
    app = wakes.application(given)
    assert app.conf.broker_url == meant
    kept = wakes.client(given).connection_pool.connection_kwargs
    assert kept["db"] == int(meant[-1])
    app.close()
