from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.hooks.schedule import ATTEMPTS, DAY, HOUR, MINUTE, SECOND, WAITS, Outcome, hold, retry_after, wait
from tests.support.world import NOON

FAILED = Outcome(500, "", 5)


def test_ten_attempts_are_spread_over_three_days() -> None:
    waits = [wait(made, FAILED, chance=0) for made in range(1, ATTEMPTS + 1)]
    assert waits == [*WAITS, None]
    assert 72 * HOUR < sum(WAITS) < 78 * HOUR


@given(st.integers(1, len(WAITS)), st.floats(0, 1))
def test_jitter_only_lengthens_a_wait_and_by_a_tenth_at_most(made: int, chance: float) -> None:
    waited = wait(made, FAILED, chance)
    assert waited is not None
    assert WAITS[made - 1] <= waited <= WAITS[made - 1] * 1.1


def test_a_receiver_may_ask_for_a_longer_wait_but_not_a_shorter_one_nor_one_without_end() -> None:
    assert wait(1, Outcome(429, "", 5, retry_after=HOUR), 0) == HOUR
    assert wait(9, Outcome(429, "", 5, retry_after=SECOND), 0) == DAY
    assert wait(1, Outcome(429, "", 5, retry_after=100 * DAY), 0) == DAY


def test_a_receiver_is_held_twice_as_long_at_each_failure_in_a_row_up_to_five_minutes() -> None:
    assert [hold(failures, FAILED) for failures in (1, 2, 3, 9, 10, 1000)] == [
        1000,
        2000,
        4000,
        256_000,
        5 * MINUTE,
        5 * MINUTE,
    ]


@pytest.mark.parametrize(
    "status, asked, held", [(429, None, 5 * SECOND), (503, MINUTE, MINUTE), (502, DAY, HOUR), (500, MINUTE, SECOND)]
)
def test_a_throttling_receiver_says_how_long(status: int, asked: int | None, held: int) -> None:
    assert hold(1, Outcome(status, "", 5, retry_after=asked)) == held


@pytest.mark.parametrize(
    "status, ok", [(200, True), (204, True), (299, True), (300, False), (199, False), (404, False), (None, False)]
)
def test_only_2xx_is_taken(status: int | None, ok: bool) -> None:
    assert Outcome(status, None, 5).ok is ok


def test_what_is_taken_late_is_not_prompt() -> None:
    assert Outcome(200, None, 1999).prompt
    assert not Outcome(200, None, 2000).prompt


@pytest.mark.parametrize(
    "given, ms",
    [
        *[("120", 120_000), ("0", 0), (" 7 ", 7000), ("9" * 5000, DAY)],
        *[("", None), ("soon", None), ("-1", None), ("1.5", None), ("٣", None)],
        (format_datetime(datetime.fromtimestamp(NOON // 1000 + 60, UTC), usegmt=True), 60_000),
        (format_datetime(datetime.fromtimestamp(NOON // 1000 - 60, UTC), usegmt=True), 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(given: str, ms: int | None) -> None:
    assert retry_after({"retry-after": given}, NOON) == ms


def test_without_the_header_nothing_is_asked() -> None:
    assert retry_after({}, NOON) is None


@given(st.text())
def test_no_header_is_too_strange(given: str) -> None:
    asked = retry_after({"retry-after": given}, NOON)
    assert asked is None or asked >= 0
