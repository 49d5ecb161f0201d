"""How installations are: asked with a deadline, remembered for a moment, and never a reason for a page to fail."""

import threading
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.contract import Installation, Visit
from core import Refused, Runtime
from hub.installations.health import KEEP_MS, THREADS, Checkup, Health
from tests.support.gadgets import gadget
from tests.support.world import ManualClock

ONE = Installation("01997b2c-1a2b-7c3d-8e4f-123456789abc", "an account", "gadget", {}, 0, 0)


def numbered(number: int) -> Installation:
    return Installation(f"01997b2c-1a2b-7c3d-8e4f-{number:012}", "an account", "gadget", {}, 0, 0)


def checkup(runtime: Runtime, seconds: float = 30.0, also: Callable[[str], Sequence[str]] = lambda _: ()) -> Checkup:
    return Checkup(runtime, lambda _connector, found: Visit(runtime, None, installation=found), also, seconds)  # type: ignore[arg-type]


def asked(made: Checkup, health: Callable[[Visit], Any], installation: Installation = ONE) -> Health:
    return made.of([(gadget(health=health), installation)])[installation.id]


@pytest.fixture
def database_url(sqlite_files: Any, tmp_path: Any) -> Any:
    """Health keeps nothing: one kind of database will do."""
    return sqlite_files.fresh(tmp_path)


def test_it_is_well_where_nothing_is_said(runtime: Runtime) -> None:
    assert asked(checkup(runtime), lambda _: ()).shape() == {
        "status": "ok",
        "reasons": [],
        "checked_at": "2026-09-21T14:13:20.000Z",
    }


def test_what_is_said_is_told_and_what_the_hub_knows_beside(runtime: Runtime) -> None:
    found = asked(
        checkup(runtime, also=lambda id_: [f"Nothing is connected for {id_[:8]}."]), lambda _: ["It is cold."]
    )
    assert (found.status, found.reasons) == ("failing", ("Nothing is connected for 01997b2c.", "It is cold."))


@pytest.mark.parametrize(
    "error, sentence",
    [
        (LookupError("+33612345678"), "The check itself failed (LookupError)."),
        (CancelledError(), "The check itself failed (CancelledError)."),
        (SystemExit(1), "The check itself failed (SystemExit)."),
        (Refused("secrets_lost", "Set the secrets again."), "Set the secrets again."),
    ],
)
def test_a_check_that_raises_is_a_finding(runtime: Runtime, error: BaseException, sentence: str) -> None:
    def health(_visit: Visit) -> Sequence[str]:
        raise error

    assert asked(checkup(runtime), health).reasons == (sentence,)


def test_a_novel_is_cut(runtime: Runtime) -> None:
    found = asked(checkup(runtime), lambda _: ["x" * 10_000] * 1000)
    assert (len(found.reasons), len(found.reasons[0])) == (20, 500)


@contextmanager
def hanging() -> Iterator[tuple[Callable[[Visit], Sequence[str]], threading.Event, list[int]]]:
    """A check that hangs until it is let go, and counts how often it was asked."""
    go, times = threading.Event(), [0]

    def health(_visit: Visit) -> Sequence[str]:
        times[0] += 1
        go.wait(30)
        return ["It is slow."]

    yield health, go, times
    go.set()


def test_one_that_hangs_is_unknown_and_its_answer_counts_the_next_time(runtime: Runtime) -> None:
    with hanging() as (health, go, times):
        made = checkup(runtime, 0.05)
        found = asked(made, health)
        assert (found.status, found.reasons) == ("unknown", ("The check gave no answer within 0.05 s.",))
        assert asked(made, health).status == "unknown"
        assert times == [1]
        go.set()
        while (found := asked(made, health)).status == "unknown":
            pass
        assert (found.reasons, times) == (("It is slow.",), [1])


def test_one_that_hangs_does_not_hold_up_the_others(runtime: Runtime) -> None:
    with hanging() as (health, _, _):
        other = Installation("01997b2c-1a2b-7c3d-8e4f-123456789abd", "an account", "gadget", {}, 0, 0)
        slow, quick = gadget(health=health), gadget(health=lambda _: ())
        found = checkup(runtime, 0.05).of([(slow, ONE), (quick, other)])
        assert [found[one.id].status for one in (ONE, other)] == ["unknown", "ok"]


def test_a_connector_whose_checks_all_hang_does_not_hold_up_another(runtime: Runtime) -> None:
    with hanging() as (health, _, times):
        slow = gadget(name="slow", health=health)
        made = checkup(runtime, 0.05)
        made.of([(slow, numbered(number)) for number in range(20)])
        assert made.of([(slow, numbered(99))])[numbered(99).id].reasons == ("The check gave no answer within 0.05 s.",)
        assert times[0] <= THREADS
        assert asked(made, lambda _: ()).status == "ok"


def test_where_the_hub_itself_fails_nothing_is_known_for_a_moment_only(runtime: Runtime) -> None:
    fails = [True]

    def also(_id: str) -> Sequence[str]:
        if fails.pop():
            raise LookupError("the database")
        return ["It is cold."]

    made = checkup(runtime, also=also)
    with capture_logs() as told:
        assert asked(made, lambda _: ()).status == "unknown"
    assert [one["event"] for one in told] == ["health.failed"]
    fails.append(False)
    assert asked(made, lambda _: ()).reasons == ("It is cold.",)


def test_one_that_never_comes_to_its_end_is_cut(runtime: Runtime) -> None:
    found = asked(checkup(runtime), lambda _: repeat("x"))
    assert len(found.reasons) == 20


def test_it_is_asked_again_after_a_moment_and_at_once_when_it_was_changed(runtime: Runtime, clock: ManualClock) -> None:
    times: list[str] = []

    def health(visit: Visit) -> Sequence[str]:
        times.append(visit.installed.id)
        return ()

    made = checkup(runtime)
    for _ in range(3):
        asked(made, health)
    assert len(times) == 1
    clock.forward(ms=KEEP_MS)
    asked(made, health)
    assert len(times) == 2
    asked(made, health, Installation(ONE.id, ONE.account_id, "gadget", {}, 0, 1))
    assert len(times) == 3


def test_what_was_found_is_forgotten_when_there_is_much(runtime: Runtime) -> None:
    times = [0]
    made = checkup(runtime)

    def health(_visit: Visit) -> Sequence[str]:
        times[0] += 1
        return ()

    for number in range(1_001):
        asked(made, health, numbered(number))
    assert len(made._kept) == 1
    assert times == [1_001]
