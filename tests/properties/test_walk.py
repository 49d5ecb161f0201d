"""What holds of the pages of a campaign, of any size and from any sources."""

from hypothesis import given
from hypothesis import strategies as st

from core.sending.recipients import Drop, Recipient, listed, walk

NUMBERS = st.integers(min_value=1, max_value=12)
PEOPLE = st.integers(min_value=0, max_value=5)


@st.composite
def sources(draw: st.DrawFn) -> list[list[Recipient]]:
    """One explicit list, each number once; and groups, in which a number may stand for several people."""
    explicit = sorted(draw(st.sets(NUMBERS)))
    groups = draw(st.lists(st.sets(st.tuples(NUMBERS, PEOPLE)), max_size=4))
    people = [[Recipient(number, "FR", f"{number}-{who}") for number, who in sorted(group)] for group in groups]
    return [[Recipient(number, "FR") for number in explicit], *people]


def pages(found: list[list[Recipient]], size: int) -> tuple[list[Recipient], list[Drop]]:
    everyone: list[Recipient] = []
    drops: list[Drop] = []
    position: int | None = 0
    while position is not None:
        page = walk([listed(people) for people in found], position, size)
        assert page.position is None or page.position > position
        everyone += page.recipients
        drops += page.drops
        position = page.position
    return everyone, drops


@given(sources(), st.integers(min_value=1, max_value=7))
def test_each_number_comes_once_and_in_order(found: list[list[Recipient]], size: int) -> None:
    everyone, _ = pages(found, size)
    assert [person.number for person in everyone] == sorted({person.number for people in found for person in people})


@given(sources(), st.integers(min_value=1, max_value=7))
def test_the_size_of_a_page_changes_nothing(found: list[list[Recipient]], size: int) -> None:
    assert pages(found, size) == pages(found, 1_000)


@given(sources(), st.integers(min_value=1, max_value=7))
def test_the_first_source_that_has_a_number_says_who_it_is(found: list[list[Recipient]], size: int) -> None:
    everyone, _ = pages(found, size)
    for person in everyone:
        assert person == next(one for people in found for one in people if one.number == person.number)


@given(sources(), st.integers(min_value=1, max_value=7))
def test_whoever_is_left_out_is_dropped_once(found: list[list[Recipient]], size: int) -> None:
    everyone, drops = pages(found, size)
    distinct = {(one.number, one.contact_id) for people in found for one in people}
    assert len(everyone) + len(drops) == len(distinct)
