"""Lanes: whose turn it is, and how fast."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from core.schema import lanes as table
from core.schema import messages, windows
from core.sending import lanes
from core.sending.drafts import Draft
from core.sending.lanes import Bucket, Lane
from core.sending.windows import Window
from tests.support.engine import Engine
from tests.support.scripted import Scripted, that
from tests.support.serving import wait_for
from tests.support.world import NOON

PARIS = "+33612345620"


def test_a_bucket_without_a_rate_is_never_empty() -> None:
    bucket = Bucket(None)
    bucket.take(10_000)
    assert bucket.available(0, 500) == 500


def test_a_bucket_fills_at_its_rate_and_holds_half_a_second() -> None:
    bucket = Bucket(100.0, filled_at=0)
    assert bucket.available(0, 500) == 0
    assert bucket.available(100, 500) == 10
    bucket.take(10)
    assert bucket.available(100, 500) == 0
    assert bucket.available(60_000, 500) == 50
    assert bucket.available(60_000, 20) == 20


def test_a_message_longer_than_the_bucket_leaves_a_debt_that_is_paid_first() -> None:
    bucket = Bucket(1.0, filled_at=0)
    assert bucket.available(1_000, 500) == 1
    bucket.take(3)
    assert bucket.available(2_999, 500) == 0
    assert bucket.available(4_000, 500) == 1


def test_a_rate_below_one_a_second_still_sends() -> None:
    bucket = Bucket(0.25, filled_at=0)
    assert [bucket.available(second * 1_000, 500) for second in range(6)] == [0, 0, 0, 0, 1, 1]


def test_a_lane_has_its_share_of_the_rate(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(carrier=Scripted(traits=that(per_second=100.0)))
    assert lanes.open_lane(engine.runtime, "scripted", "test", 4).bucket.per_second == 25.0
    assert lanes.open_lane(make_engine().runtime, "simulator", "test").bucket.per_second is None


def test_a_lane_sends_no_faster_than_its_rate_in_segments(make_engine: Callable[..., Engine]) -> None:
    carrier = Scripted(traits=that(per_second=10.0))
    engine = make_engine(carrier=carrier)
    account = engine.account()
    engine.send_all(account, [Draft(PARIS, "a" * 200) for _ in range(20)])  # 40 segments
    segments = []
    for _ in range(8):
        engine.clock.forward(ms=500)
        while engine.serve():
            pass
        segments.append(sum(attempt.segments for attempt in carrier.given))
    assert segments == [6, 10, 16, 20, 26, 30, 36, 40]  # the last of a window may overdraw, and the next waits for it


def test_service_is_remembered_and_fades(engine: Engine) -> None:
    lane = Lane("simulator", "test", Bucket(None))
    for account_id, segments in (("big", 8_000), ("small", 1), ("big", 3_000)):
        window = Window("w", "c", account_id, "simulator", "test", ())
        lane.served[account_id] += segments
        lane.account_for(window)
    assert lane.served == {"big": 5_500}


def test_a_busy_account_and_a_quiet_one_take_turns(make_engine: Callable[..., Engine]) -> None:
    carrier = Scripted(traits=that(window=2))
    engine = make_engine(carrier=carrier)
    big, small = engine.account("Big"), engine.account("Small")
    for account in (big, small):
        engine.send_all(account, [Draft(PARIS, account.name) for _ in range(4)])
    for _ in range(4):
        engine.serve()
    assert [attempt.text.split()[0] for attempt in carrier.given[::2]] == ["Big", "Small", "Big", "Small"]


def test_a_lane_belongs_to_one_process_until_its_lease_is_over_or_given_back(engine: Engine) -> None:
    runtime = engine.runtime
    assert lanes.lease(runtime, "simulator", 0, "one")
    assert not lanes.lease(runtime, "simulator", 0, "two")
    assert lanes.lease(runtime, "simulator", 1, "two")
    engine.clock.forward(ms=lanes.LEASE_MS - 1)
    assert lanes.lease(runtime, "simulator", 0, "one")
    engine.clock.forward(ms=lanes.LEASE_MS - 1)
    assert not lanes.lease(runtime, "simulator", 0, "two")
    lanes.give_back(runtime, "one")
    assert lanes.lease(runtime, "simulator", 0, "two")
    engine.clock.forward(ms=lanes.LEASE_MS)
    assert lanes.lease(runtime, "simulator", 0, "one")
    assert {row.lane: row.owner for row in engine.all(table)} == {0: "one", 1: "two"}


def test_a_lane_with_no_room_or_nothing_due_does_nothing(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(carrier=Scripted(traits=that(per_second=1.0)))
    assert not engine.serve()
    engine.clock.forward(seconds=5)
    assert not engine.serve()
    assert engine.clock.now == NOON + 5_000


def test_a_window_that_only_settles_reaches_no_carrier(make_engine: Callable[..., Engine]) -> None:
    carrier = Scripted()
    engine = make_engine(carrier=carrier)
    account = engine.account()
    engine.send(account, PARIS)
    engine.block(account, 33612345620)
    assert engine.serve()
    assert carrier.windows == []


class Ahead:
    """A lane whose next window may be claimed by another thread, and how many windows were open while each was sent."""

    def __init__(self, make_engine: Callable[..., Engine], accounts: int, **traits: Any) -> None:
        carrier = Scripted(traits=that(**{"looks_up": True} | traits), meanwhile=self._look)
        self.engine = make_engine(carrier=carrier)
        self.open: list[int] = []
        self.ms = 0  # what a window takes
        self.expected: list[int] = []
        for number in range(accounts):
            self.engine.send(self.engine.account(f"Account {number}"), PARIS)

    def serve(self) -> bool:
        with ThreadPoolExecutor(1) as other:
            return lanes.serve_on(self.engine.runtime, self.engine.lane, other)

    def now(self) -> int:
        with self.engine.runtime.read() as tx:
            return int(tx.scalar(select(func.count()).where(windows.c.closed_at.is_(None))))

    def _look(self) -> None:
        if self.expected:
            wanted = self.expected.pop(0)
            wait_for(lambda: self.now() == wanted)
        self.open.append(self.now())
        self.engine.clock.forward(ms=self.ms)


def test_the_next_window_is_claimed_while_one_is_sent_and_none_is_left(make_engine: Callable[..., Engine]) -> None:
    ahead = Ahead(make_engine, 3)
    ahead.expected = [1, 2, 2]  # the first says that the carrier is quick
    ahead.engine.send(ahead.engine.account("Last"), PARIS)
    assert ahead.serve()
    assert ahead.open == [1]
    assert ahead.serve()
    assert ahead.open[:3] == [1, 2, 2]
    assert ahead.now() == 0
    assert {row.status for row in ahead.engine.all(messages)} == {"sent"}
    assert ahead.engine.faults() == []
    assert not ahead.serve()


@pytest.mark.parametrize("traits", [{"looks_up": False}, {"per_second": 100}])
def test_no_window_waits_for_another_where_it_is_paced_or_could_not_be_looked_up(
    make_engine: Callable[..., Engine], traits: dict[str, Any]
) -> None:
    ahead = Ahead(make_engine, 3, **traits)
    for _ in range(3):
        ahead.engine.clock.forward(ms=500)
        ahead.serve()
    assert ahead.open == [1, 1, 1]


def test_no_window_waits_for_one_that_takes_long(make_engine: Callable[..., Engine]) -> None:
    ahead = Ahead(make_engine, 3)
    ahead.ms = lanes.QUICK_MS
    while ahead.serve():
        pass
    assert ahead.open == [1, 1, 1]


def test_a_lane_comes_up_for_air(make_engine: Callable[..., Engine]) -> None:
    ahead = Ahead(make_engine, 8)
    ahead.ms = lanes.QUICK_MS - 1
    turns = [len(ahead.open) for _ in range(3) if ahead.serve() and ahead.now() == 0]
    assert turns == [1, 7, 8]  # the last of the second was claimed before its time was over
