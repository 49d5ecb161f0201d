"""A process that is held up and not dead (paused, swapped out, a slow disk) does no harm when it goes on: others did its work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.carriers.contract import Traits
from core.sending import lanes, steps, windows
from tests.support.engine import Engine
from tests.support.scripted import Scripted, that

HELD_UP_MS = 3_600_000
PAUSES = {"after_claim": lanes.SUBMIT_WITHIN_MS + 1}


@pytest.fixture(params=["looks up", "can't"])
def traits(request: pytest.FixtureRequest) -> Traits:
    return that(looks_up=request.param == "looks up")


@pytest.fixture
def engine(database_url: str, tmp_path: Path, traits: Traits) -> Iterator[Engine]:
    made = Engine(database_url, tmp_path, carrier=Scripted(traits=traits))
    yield made
    made.close()


def test_what_was_claimed_before_a_pause_does_not_leave_after_it(engine: Engine) -> None:
    account = engine.account()
    engine.send(account, "0612345678", validity_minutes=2880)
    held_up = engine.runtime.as_of(fault=lambda point: engine.clock.forward(ms=PAUSES.get(point, 0)))
    assert lanes.serve(held_up, lanes.open_lane(held_up, "scripted", "paused"))
    assert given(engine) == 0
    engine.later(seconds=1)
    assert (given(engine), engine.messages(account)[0].status) == (1, "sent")
    assert engine.faults() == []


def test_who_comes_back_after_its_window_was_given_away_sends_nothing(engine: Engine, tmp_path: Path) -> None:
    account = engine.account()
    engine.send(account, "0612345678", validity_minutes=2880)

    def meanwhile(point: str) -> None:
        if point == "after_claim":
            engine.clock.forward(ms=HELD_UP_MS)
            assert steps.sweep_abandoned(engine.runtime) == 1

    held_up = engine.runtime.as_of(fault=meanwhile)
    assert lanes.serve(held_up, lanes.open_lane(held_up, "scripted", "paused"))
    assert given(engine) == 0
    engine.later(seconds=1)
    assert (given(engine), engine.messages(account)[0].status) == (1, "sent")
    assert engine.faults() == []


def test_a_carrier_is_told_until_when_messages_may_leave(engine: Engine) -> None:
    account = engine.account()
    engine.send(account, "0612345678")
    claimed_at = engine.clock.now
    slow = engine.runtime.as_of(
        fault=lambda point: engine.clock.forward(ms=lanes.SUBMIT_WITHIN_MS * (point == "after_claim"))
    )
    lanes.serve(slow, lanes.open_lane(slow, "scripted", "slow"))
    assert isinstance(engine.carrier, Scripted)
    assert engine.carrier.untils == [claimed_at + lanes.SUBMIT_WITHIN_MS]


def test_a_submit_that_may_begin_ends_before_anybody_asks_after_it(traits: Traits) -> None:
    assert lanes.SUBMIT_WITHIN_MS < windows.LEASE_MARGIN_MS


def given(engine: Engine) -> int:
    assert isinstance(engine.carrier, Scripted)
    return len(engine.carrier.given)
