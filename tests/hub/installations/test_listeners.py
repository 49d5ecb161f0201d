"""Listeners: which there are, their end, and what happens to one that ends or fails by itself."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connectors.contract import Listener, Stop, Visit
from core import Runtime
from hub.doorbell import Doorbell
from hub.installations.listeners import ears, missed
from hub.roles import loops
from hub.roles.supervisor import Supervisor
from tests.support.databases import SqliteFiles
from tests.support.gadgets import gadget
from tests.support.plugged import Plugged, plugged

LONG = 30.0


class Line:
    """A listener that a test lets fail."""

    def __init__(self) -> None:
        self.heard = threading.Semaphore(0)
        self.failure = threading.Event()
        self.error: BaseException | None = LookupError()

    def listen(self, visit: Visit, stop: Stop) -> None:
        assert visit.tools.options == {"listen": "here"}
        self.heard.release()
        while not stop.wait(0.001):
            if self.failure.is_set():
                self.failure.clear()
                if self.error is None:
                    return
                raise self.error


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def hub(sqlite_files: SqliteFiles, tmp_path: Path, line: Line) -> Iterator[Plugged]:
    listener = Listener("line", line.listen, wanted=lambda tools: "listen" in tools.options)
    never = Listener("never", line.listen, wanted=lambda _: False)
    url, options = sqlite_files.fresh(tmp_path), {"SMSHUB_CONNECTOR_GADGET_LISTEN": "here"}
    with plugged(url, tmp_path, gadget(listeners=(listener, never)), **options) as made:
        yield made


def supervised(hub: Plugged, well_s: float = LONG) -> Supervisor:
    class Composed:
        lender = hub.lender

    made = Supervisor(Doorbell(), list(loops.listeners(Composed())), first_backoff_s=0.001, well_s=well_s)  # type: ignore[arg-type]
    made.start()
    return made


def until(supervisor: Supervisor, runtime: Runtime, *, failing: bool) -> list[str]:
    while bool(reasons := list(supervisor.reasons(runtime))) != failing:
        pass
    return reasons


def test_those_that_are_wanted_listen_until_they_are_told_to_end(hub: Plugged, line: Line) -> None:
    assert [ear.name for ear in ears(hub.lender)] == ["gadget-line"]
    supervisor = supervised(hub)
    assert line.heard.acquire(timeout=LONG)
    assert supervisor.reasons(hub.runtime) == []
    assert supervisor.stop(LONG) == []
    assert supervisor.failures() == {"listener-gadget-line": 0}


@pytest.mark.parametrize("error", [LookupError(), SystemExit(1), None])
def test_one_that_dies_turns_health_red_and_comes_back(hub: Plugged, line: Line, error: BaseException | None) -> None:
    line.error = error
    supervisor = supervised(hub, well_s=0.05)
    assert line.heard.acquire(timeout=LONG)
    with capture_logs():
        line.failure.set()
        (reason,) = until(supervisor, hub.runtime, failing=True)
    assert reason.startswith("The loop listener-gadget-line failed 1 times in a row")
    assert line.heard.acquire(timeout=LONG)
    until(supervisor, hub.runtime, failing=False)
    assert supervisor.failures() == {"listener-gadget-line": 1}
    assert supervisor.stop(LONG) == []


def test_one_that_was_well_for_a_while_is_not_punished_for_what_was_long_ago(hub: Plugged, line: Line) -> None:
    supervisor = supervised(hub, well_s=0)
    with capture_logs():
        for _ in range(20):
            assert line.heard.acquire(timeout=LONG)
            line.failure.set()
        assert line.heard.acquire(timeout=LONG)
    assert supervisor.failures() == {"listener-gadget-line": 20}
    assert supervisor.stop(LONG) == []


def test_one_that_cannot_say_whether_it_is_wanted_is_run_and_fails_where_it_is_seen(
    sqlite_files: SqliteFiles, tmp_path: Path, line: Line
) -> None:
    broken = gadget(listeners=(Listener("line", line.listen, wanted=lambda tools: bool(tools.options["nothing"])),))
    with plugged(sqlite_files.fresh(tmp_path), tmp_path, broken) as hub, capture_logs() as entries:
        assert [ear.name for ear in ears(hub.lender)] == ["gadget-line"]
    assert [entry["event"] for entry in entries] == ["listener.wanted_failed"]


def test_one_is_missed_only_where_something_stands_still_without_it(
    sqlite_files: SqliteFiles, tmp_path: Path, line: Line
) -> None:
    there: list[str] = []
    listeners = (Listener("line", line.listen, missed=lambda _tools: bool(there)), Listener("other", line.listen))
    with plugged(sqlite_files.fresh(tmp_path), tmp_path, gadget(listeners=listeners)) as hub:
        assert [ear.name for ear in ears(hub.lender)] == ["gadget-line", "gadget-other"]
        assert missed(hub.lender) == ["gadget-other"]
        there.append("a mailbox")
        assert missed(hub.lender) == ["gadget-line", "gadget-other"]
