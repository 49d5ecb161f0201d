"""What is wrong with the loops of another process is told by the web all the same."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from structlog.testing import capture_logs

from core import Runtime, beats
from hub.doorbell import Doorbell
from hub.roles import troubles
from hub.roles.supervisor import Loop, Rest, Supervisor
from tests.support.world import ManualClock

WEB = "web here-1"


@contextmanager
def failing(runtime: Runtime) -> Iterator[Supervisor]:
    """A supervisor of a loop that has failed once, and is failing."""
    failed, over = threading.Event(), threading.Event()

    def turn() -> Rest:
        if failed.is_set():
            over.wait(30)
        failed.set()
        raise LookupError("+33612345678")

    made = Supervisor(Doorbell(), [Loop("listener-parcels-line", turn)], first_backoff_s=0.001)
    with capture_logs():
        made.start()
        while not made.reasons(runtime):
            pass
        yield made
        over.set()
        made.stop(30)


def quiet() -> Supervisor:
    return Supervisor(Doorbell(), [])


def beat(runtime: Runtime, name: str, trouble: str | None) -> None:
    with runtime.begin() as tx:
        beats.beat(tx, name, name.partition(" ")[0], trouble)


def counted(runtime: Runtime, supervisor: Supervisor) -> Any:
    with runtime.read() as tx:
        return troubles.counted(tx, supervisor, WEB)


def test_a_process_whose_loops_are_well_tells_of_nothing(runtime: Runtime) -> None:
    assert troubles.of(quiet(), runtime) is None


def test_what_fails_elsewhere_turns_the_web_red_and_is_counted(runtime: Runtime) -> None:
    with failing(runtime) as supervisor:
        told = troubles.of(supervisor, runtime)
    assert told is not None
    assert "33612345678" not in told
    beat(runtime, "listen there-7", told)
    (reason,) = troubles.elsewhere(WEB)(runtime)
    assert reason == "listen there-7: The loop listener-parcels-line failed 1 times in a row (LookupError)."
    assert counted(runtime, quiet()) == {"listener-parcels-line": 1}


def test_it_is_over_when_the_next_beat_says_so_or_none_comes(runtime: Runtime, clock: ManualClock) -> None:
    with failing(runtime) as supervisor:
        told = troubles.of(supervisor, runtime)
    for name in ("listen there-7", "worker there-8"):
        beat(runtime, name, told)
    assert len(troubles.elsewhere(WEB)(runtime)) == 2
    beat(runtime, "listen there-7", None)
    (reason,) = troubles.elsewhere(WEB)(runtime)
    assert str(reason).startswith("worker there-8: ")
    clock.forward(seconds=31)
    assert troubles.elsewhere(WEB)(runtime) == []


def test_a_process_that_stops_takes_its_troubles_along(runtime: Runtime) -> None:
    with failing(runtime) as supervisor:
        beat(runtime, "listen there-7", troubles.of(supervisor, runtime))
    with runtime.begin() as tx:
        beats.leave(tx, "listen there-7")
        assert beats.latest(tx) == {"listen": tx.now}
    assert troubles.elsewhere(WEB)(runtime) == []


def test_a_process_does_not_tell_of_itself_twice(runtime: Runtime) -> None:
    with failing(runtime) as supervisor:
        beat(runtime, WEB, troubles.of(supervisor, runtime))
        assert troubles.elsewhere(WEB)(runtime) == []
        assert counted(runtime, supervisor) == {"listener-parcels-line": 1}


def test_the_same_loop_of_several_processes_is_counted_together(runtime: Runtime) -> None:
    with failing(runtime) as supervisor:
        for name in ("listen a", "listen b"):
            beat(runtime, name, troubles.of(supervisor, runtime))
        assert counted(runtime, supervisor) == {"listener-parcels-line": 3}
