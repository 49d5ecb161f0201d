import pytest
from hypothesis import given, strategies

from core import Refused
from hub.api.show import iso, read_time
from tests.support.world import NOON


def test_a_time_is_shown_in_utc_to_the_millisecond() -> None:
    assert iso(NOON + 7) == "2026-09-21T14:13:20.007Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-21T14:13:20Z",
        "2026-09-21T14:13:20.000Z",
        "2026-09-21T16:13:20+02:00",
        "2026-09-21T16:13:20+0200",
        "2026-09-21t09:43:20.0-04:30",
        "2026-09-21 14:13:20z",
        "2026-09-21T16:13:20 02:00",  # the + of an address that was not percent-encoded
    ],
)
def test_one_moment_is_written_in_many_ways(text: str) -> None:
    assert read_time(text) == NOON


def test_seconds_may_be_left_out_and_are_cut_after_milliseconds() -> None:
    assert read_time("2026-09-21T14:13Z") == NOON - 20_000
    assert read_time("2026-09-21T14:13:20.123999999Z") == NOON + 123


def test_a_time_without_an_offset_is_refused_with_its_cure() -> None:
    with pytest.raises(Refused, match=r"no offset.*2026-09-21T14:30:00\+02:00") as refused:
        read_time("2026-09-21T14:13:20", "/send_at")
    assert refused.value.faults[0].pointer == "/send_at"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-02-30T10:00Z",
        "2026-09-21",
        "2026-09-21T25:00Z",
        "2026-09-21T10:00+02:60",
        "2026-09-21T10:00+24:00",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="invalid_time"):
        read_time(text)


@given(strategies.integers(min_value=0, max_value=253_402_300_799_999))
def test_what_is_shown_is_read_as_the_same_moment(at: int) -> None:
    assert read_time(iso(at)) == at


def test_years_have_four_digits_to_both_ends_of_the_calendar() -> None:
    for text in ("0001-01-01T00:00:00.000Z", "0067-08-01T22:22:01.600Z", "9999-12-31T23:59:59.999Z"):
        assert iso(read_time(text)) == text
