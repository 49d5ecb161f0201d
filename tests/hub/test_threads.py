"""Threads for work that comes and goes."""

import threading
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from hub.threads import Threads
from tests.support.serving import wait_for

LONG = 60


def held(go: threading.Event, began: list[str], ended: list[str]) -> Callable[[], None]:
    def work() -> None:
        began.append(threading.current_thread().name)
        assert go.wait(LONG)
        ended.append("")

    return work


def test_as_much_is_worked_at_once_as_there_may_be_threads_and_the_rest_afterwards() -> None:
    go, began, ended = threading.Event(), list[str](), list[str]()
    threads = Threads(3, "shop")
    for _ in range(10):
        threads.run(held(go, began, ended))
    wait_for(lambda: len(began) == 3)
    go.set()
    wait_for(lambda: len(ended) == 10)
    assert set(began) == {"shop"}


def test_an_idle_thread_is_taken_before_another_is_started() -> None:
    seen = []
    threads = Threads(10, "shop")
    for place in range(1, 51):
        threads.run(lambda: seen.append(threading.get_ident()))
        wait_for(lambda: len(seen) == place)  # noqa: B023 - waited for before it changes
    assert len(set(seen)) <= 2  # one may be about to look for more when the next comes


def test_work_that_fails_is_logged_and_takes_no_thread_with_it() -> None:
    done = threading.Event()
    threads = Threads(1, "shop")
    with capture_logs() as entries:
        threads.run(lambda: next(iter(())))
        threads.run(done.set)
        assert done.wait(LONG)
    assert [entry["event"] for entry in entries] == ["thread.failed"]


def test_where_the_machine_has_no_more_threads_those_that_are_there_do_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    go, began, ended = threading.Event(), list[str](), list[str]()
    threads = Threads(3, "shop")
    threads.run(held(go, began, ended))
    wait_for(lambda: began)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError

    monkeypatch.setattr(threading.Thread, "start", refuse)
    threads.run(held(go, began, ended))
    with pytest.raises(RuntimeError):
        Threads(1, "shop").run(go.set)
    go.set()
    wait_for(lambda: len(ended) == 2)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the thread that is ended here
def test_a_thread_that_is_ended_makes_room_for_another() -> None:
    done = threading.Event()
    threads = Threads(1, "ended")

    def end() -> None:
        raise SystemExit

    threads.run(end)
    wait_for(lambda: "ended" not in {thread.name for thread in threading.enumerate()})
    threads.run(done.set)
    assert done.wait(LONG)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the thread that is ended here
def test_what_waits_for_a_thread_that_is_ended_is_done_by_another() -> None:
    go, done, ended = threading.Event(), threading.Event(), list[threading.Thread]()
    threads = Threads(1, "shop")

    def end() -> None:
        ended.append(threading.current_thread())
        assert go.wait(LONG)
        raise SystemExit

    threads.run(end)
    wait_for(lambda: ended)
    threads.run(done.set)
    go.set()
    assert done.wait(LONG)
    ended[0].join(LONG)
