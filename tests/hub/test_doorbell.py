"""The doorbell: nobody sleeps through a ring, and nobody wakes for another's."""

import threading

from hub.doorbell import Doorbell

LONG = 30.0


def test_whoever_waits_wakes_when_it_rings() -> None:
    bell, woken = Doorbell(), threading.Event()
    heard = bell.heard("jobs")

    def sleep() -> None:
        if bell.wait("jobs", heard, LONG):
            woken.set()

    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    bell.ring("jobs")
    sleeper.join(LONG)
    assert woken.is_set()


def test_a_ring_that_comes_while_one_is_at_work_is_not_lost() -> None:
    bell = Doorbell()
    heard = bell.heard("dispatch")
    bell.ring("dispatch")
    assert bell.wait("dispatch", heard, LONG)


def test_a_thousand_rings_are_one() -> None:
    bell = Doorbell()
    heard = bell.heard("events")
    for _ in range(1000):
        bell.ring("events")
    assert bell.wait("events", heard, LONG)
    assert not bell.wait("events", bell.heard("events"), 0)


def test_a_ring_wakes_nobody_of_another_topic() -> None:
    bell = Doorbell()
    heard = bell.heard("hooks")
    bell.ring("inbound")
    assert not bell.wait("hooks", heard, 0.01)


def test_an_unknown_topic_may_ring() -> None:
    bell = Doorbell()
    heard = bell.heard("new")
    bell.ring("new")
    assert bell.wait("new", heard, LONG)


def test_a_closed_one_lets_everybody_go() -> None:
    bell = Doorbell()
    sleeper = threading.Thread(target=lambda: bell.wait("jobs", bell.heard("jobs"), LONG))
    sleeper.start()
    bell.close()
    sleeper.join(LONG / 2)
    assert not sleeper.is_alive()
