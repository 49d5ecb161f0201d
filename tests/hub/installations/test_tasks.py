"""What connectors do by themselves: promised jobs, and turns that one process takes at a time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from connectors.contract import Task, Visit
from core import Runtime, jobs
from hub.installations import tasks
from hub.installations.tables import task_turns
from hub.installations.tasks import LEASE_MS, Turns
from tests.support.gadgets import gadget
from tests.support.plugged import Plugged, plugged

Run = Callable[[Visit, str], None]


@contextmanager
def doing(url: str, folder: Path, run: Run, every_s: float | None = 60.0) -> Iterator[Plugged]:
    with plugged(url, folder, gadget(tasks=(Task("count", run, every_s),))) as made:
        yield made


def turns(hub: Plugged, owner: str = "one") -> Turns:
    (found,) = tasks.of(hub.lender, owner)
    return found


def test_a_turn_is_taken_when_it_is_due_and_then_not_before_its_time(database_url: str, tmp_path: Path) -> None:
    done: list[str] = []
    with doing(database_url, tmp_path, lambda _visit, subject: done.append(subject)) as hub:
        clock = hub.engine.clock
        assert turns(hub).take() == tasks.LONGEST_REST_S
        assert done == [""]
        clock.forward(seconds=58)
        assert turns(hub).take() == 2.0
        clock.forward(seconds=2)
        turns(hub).take()
        assert len(done) == 2


def test_a_quick_one_is_looked_at_as_often_as_it_is_done(database_url: str, tmp_path: Path) -> None:
    with doing(database_url, tmp_path, lambda *_: None, every_s=0.5) as hub:
        assert turns(hub).take() == 0.5


def test_one_process_is_at_it_and_another_when_that_one_died(database_url: str, tmp_path: Path) -> None:
    done: list[str] = []
    with doing(database_url, tmp_path, lambda *_: done.append("done")) as hub:
        with hub.runtime.begin() as tx:
            assert tasks._claimed(tx, "gadget.count", "killed") is None
        assert turns(hub, "other").take() == tasks.LONGEST_REST_S
        assert done == []
        hub.engine.clock.forward(ms=LEASE_MS)
        turns(hub, "other").take()
        assert done == ["done"]


def test_two_at_once_do_it_once(database_url: str, tmp_path: Path) -> None:
    begun, go, done = threading.Event(), threading.Event(), []

    def slow(_visit: Visit, _subject: str) -> None:
        done.append("done")
        begun.set()
        go.wait(30)

    with doing(database_url, tmp_path, slow) as hub:
        first = threading.Thread(target=turns(hub, "one").take)
        first.start()
        assert begun.wait(30)
        turns(hub, "two").take()
        go.set()
        first.join()
        turns(hub, "two").take()
        assert done == ["done"]


def test_the_lease_is_kept_while_the_work_goes_on(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "LEASE_MS", 30)  # renewed every 10 ms of real time, while the clock of the hub runs away
    leases: list[int] = []

    def long(visit: Visit, _subject: str) -> None:
        for _ in range(3):
            before = lease(visit.runtime)
            hub.engine.clock.forward(minutes=10)
            while lease(visit.runtime) == before:
                pass
            leases.append(lease(visit.runtime) - hub.engine.clock.now)

    with doing(database_url, tmp_path, long) as hub:
        turns(hub).take()
        assert leases == [30, 30, 30]
        assert lease(hub.runtime) <= hub.engine.clock.now


def lease(runtime: Runtime) -> int:
    with runtime.read() as tx:
        return int(tx.scalar(select(task_turns.c.lease_until)))


def test_a_turn_that_fails_is_free_at_once(database_url: str, tmp_path: Path) -> None:
    errors: list[Exception] = [LookupError()]

    def fails(_visit: Visit, _subject: str) -> None:
        if errors:
            raise errors.pop()

    with doing(database_url, tmp_path, fails) as hub:
        with pytest.raises(LookupError):
            turns(hub, "one").take()
        assert turns(hub, "two").take() == tasks.LONGEST_REST_S
        assert errors == []


def test_a_job_that_a_connector_promised_is_done_with_its_subject(database_url: str, tmp_path: Path) -> None:
    done: list[str] = []
    with doing(database_url, tmp_path, lambda _visit, subject: done.append(subject), every_s=None) as hub:
        assert list(tasks.of(hub.lender, "one")) == []
        account = hub.engine.account()
        with hub.runtime.begin() as tx:
            subject = tx.new_id()
            jobs.add(tx, account.id, "gadget.count", subject, tx.now + 1000)
        hub.work()
        assert done == []
        hub.engine.clock.forward(seconds=1)
        hub.work()
        assert done == [subject]
