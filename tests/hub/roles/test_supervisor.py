"""Loops under supervision: what fails is told and tried again, what is finished rests until it rings."""

import threading
from asyncio import CancelledError
from collections.abc import Callable
from pathlib import Path

import pytest

from core import lanes
from core.database import Database
from hub.doorbell import Doorbell
from hub.roles.loops import pause, while_busy
from hub.roles.supervisor import ON, POLL, Loop, Rest, Supervisor
from tests.support.world import runtime_on

LONG = 30.0


def run(*loops: Loop, bell: Doorbell | None = None) -> Supervisor:
    made = Supervisor(bell or Doorbell(), loops, first_backoff_s=0.001)
    made.start()
    return made


def failing(times: int, then: threading.Event) -> Callable[[], Rest]:
    left = times

    def turn() -> Rest:
        nonlocal left
        left -= 1
        if left >= 0:
            raise ValueError("a bug")
        then.set()
        return Rest(LONG)

    return turn


def test_a_loop_that_fails_is_counted_and_tried_again(tmp_path: Path) -> None:
    worked = threading.Event()
    supervisor = run(Loop("mending", failing(3, worked)))
    assert worked.wait(LONG)
    assert supervisor.stop(LONG) == []
    assert supervisor.failures() == {"mending": 3}
    assert supervisor.reasons(runtime_on(Database(f"sqlite:///{tmp_path / 'x.db'}"))) == []


def test_while_it_fails_health_says_which_and_of_what(tmp_path: Path) -> None:
    failed = threading.Event()

    def turn() -> Rest:
        if failed.is_set():
            blocked.wait(LONG)
        failed.set()
        raise ValueError("words that may quote a number")

    blocked = threading.Event()
    supervisor = run(Loop("broken", turn))
    assert failed.wait(LONG)
    runtime = runtime_on(Database(f"sqlite:///{tmp_path / 'x.db'}"))
    while not (reasons := supervisor.reasons(runtime)):
        threading.Event().wait(0.001)
    assert reasons == ["The loop broken failed 1 times in a row (ValueError)."]
    blocked.set()
    supervisor.stop(LONG)


def test_one_that_ends_its_thread_is_begun_again() -> None:
    worked, left = threading.Event(), [SystemExit(3), CancelledError(), GeneratorExit()]

    def turn() -> Rest:
        if left:
            raise left.pop()
        worked.set()
        return Rest(LONG)

    supervisor = run(Loop("listener-of-a-connector", turn))
    assert worked.wait(LONG)
    supervisor.stop(LONG)
    assert supervisor.failures() == {"listener-of-a-connector": 3}


def test_other_loops_go_on_beside_one_that_fails() -> None:
    worked = threading.Event()
    supervisor = run(Loop("broken", failing(10**9, threading.Event())), Loop("well", failing(0, worked)))
    assert worked.wait(LONG)
    supervisor.stop(LONG)


def test_a_ring_ends_a_rest() -> None:
    bell, turns = Doorbell(), threading.Semaphore(0)

    def turn() -> Rest:
        turns.release()
        return Rest(LONG)

    supervisor = run(Loop("lane", turn, "dispatch"), bell=bell)
    assert turns.acquire(timeout=LONG)
    bell.ring("dispatch")
    assert turns.acquire(timeout=LONG / 2)
    supervisor.stop(LONG)


def test_a_deaf_rest_is_not_disturbed_but_by_the_end() -> None:
    bell, turns = Doorbell(), threading.Semaphore(0)

    def turn() -> Rest:
        turns.release()
        return Rest(LONG, deaf=True)

    supervisor = run(Loop("lane", turn, "dispatch"), bell=bell)
    assert turns.acquire(timeout=LONG)
    bell.ring("dispatch")
    assert not turns.acquire(timeout=0.05)
    assert supervisor.stop(LONG / 2) == []


def test_a_loop_that_hangs_is_named_when_all_stop() -> None:
    begun, go = threading.Event(), threading.Event()

    def turn() -> Rest:
        begun.set()
        go.wait(LONG)
        return POLL

    supervisor = run(Loop("hanging", turn))
    assert begun.wait(LONG)
    assert supervisor.stop(0.01) == ["hanging"]
    go.set()


def test_work_that_was_done_is_followed_by_more_at_once() -> None:
    left = [0, 2, 1]
    turn = while_busy(left.pop)
    assert [turn(), turn(), turn()] == [ON, ON, POLL]


@pytest.mark.parametrize(
    "per_second, level, rest",
    [
        (None, 0.0, POLL),  # no rate: it was not for want of tokens
        (1000.0, 3.0, POLL),
        (1000.0, 0.0, Rest(0.05, deaf=True)),  # fifty tokens together, not one by one
        (20.0, 0.5, Rest(0.025, deaf=True)),
        (2.0, 0.0, Rest(0.5, deaf=True)),
        (1.0, -9.0, Rest(1.0, deaf=True)),  # a long message's debt: the lease is looked after meanwhile
    ],
)
def test_a_lane_without_tokens_waits_for_them_and_not_a_second(
    per_second: float | None, level: float, rest: Rest
) -> None:
    assert pause(lanes.Bucket(per_second, level)) == rest
