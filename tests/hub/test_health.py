from pathlib import Path

from core import Database, Runtime, beats
from hub import health
from tests.support.world import ManualClock, runtime_on


def heard(runtime: Runtime, role: str) -> None:
    with runtime.begin() as tx:
        beats.beat(tx, f"{role}:1", role)


def test_a_hub_whose_worker_beats_is_well(runtime: Runtime, clock: ManualClock) -> None:
    heard(runtime, "worker")
    found = health.look(runtime)
    assert (found.status, found.body()["status"], found.reasons) == (200, "ok", ())
    assert found.body()["workers"] == {"worker": "2026-09-21T14:13:20.000Z"}


def test_a_hub_without_a_worker_says_so(runtime: Runtime) -> None:
    found = health.look(runtime)
    assert found.status == 503
    assert "No worker" in found.reasons[0]


def test_a_worker_that_fell_silent_is_missed_and_one_that_comes_back_is_not(
    runtime: Runtime, clock: ManualClock
) -> None:
    heard(runtime, "worker")
    clock.forward(seconds=31)
    assert health.look(runtime).reasons == ("No worker has been heard of for 31 s.",)
    heard(runtime, "worker")
    assert health.look(runtime).status == 200


def test_further_checks_have_their_say(runtime: Runtime, clock: ManualClock) -> None:
    heard(runtime, "worker")
    assert health.look(runtime, [lambda _: ["Redis is full."]]).reasons == ("Redis is full.",)


def test_without_a_database_it_answers_all_the_same(tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    found = health.look(runtime_on(empty))
    empty.close()
    assert (found.status, found.database) == (503, "unreachable")


def test_processes_that_went_long_ago_are_forgotten(runtime: Runtime, clock: ManualClock) -> None:
    heard(runtime, "listen")
    clock.forward(days=1, ms=1)
    heard(runtime, "worker")
    assert set(health.look(runtime).workers) == {"worker"}
