"""How long a try counts."""

from hypothesis import given
from hypothesis import strategies as st

from hub.people.attempts import DAY_MS, HOUR_MS, MINUTE_MS, Limit

SHARED = Limit("shared", 10, MINUTE_MS, HOUR_MS, DAY_MS, HOUR_MS)
OWN = Limit("own", 10, MINUTE_MS, HOUR_MS, DAY_MS)


@given(st.integers(0, 100), st.lists(st.integers(0, 3 * HOUR_MS), max_size=20))
def test_what_many_share_is_forgotten_steadily_however_often_it_is_looked_at(tries: int, pauses: list[int]) -> None:
    kept, rest = tries, 0
    for pause in pauses:
        kept, rest = SHARED.kept(kept, rest + pause)
    assert kept == max(0, tries - sum(pauses) // HOUR_MS)


@given(st.integers(0, 100), st.integers(-DAY_MS, DAY_MS))
def test_what_is_ones_own_counts_whole_until_it_is_forgotten(tries: int, passed: int) -> None:
    assert OWN.kept(tries, passed) == (tries, 0)
