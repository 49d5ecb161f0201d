"""What every carrier must do, as cases that each carrier's tests run:

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
    def test_keeps_the_contract(case, carrier): case(carrier)

The carrier is to accept at least some numbers; what stands behind it is the affair of its own tests.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from core.carriers.contract import (
    Accepted,
    Ambiguous,
    Attempt,
    Busy,
    Carrier,
    Found,
    Inbound,
    Outcome,
    Receipt,
    Rejected,
)


class Gathered:
    """An inbox that remembers, and can do something each time before it returns."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        self.receipts: list[Receipt] = []
        self.replies: list[Inbound] = []
        self.sizes: list[int] = []
        self._then = then

    def __call__(self, carrier: str, receipts: Sequence[Receipt], replies: Sequence[Inbound]) -> None:
        self.receipts += receipts
        self.replies += replies
        self.sizes.append(len(receipts) + len(replies))
        self._then()


def attempt(
    number: int = 33612345678, reference: str = "m-1", text: str = "Bonjour STOP 36034", sender: str = "36034"
) -> Attempt:
    return Attempt(reference, number, sender, text, "gsm7", 1, 2880, 1)


def window(size: int, start: int = 0) -> list[Attempt]:
    """Attempts to numbers of every ending in turn."""
    return [attempt(33600000000 + place, f"m-{place}") for place in range(start, start + size)]


IN_TIME: Final = 2**53  # ms: no window is so late


def sent(
    carrier: Carrier, attempts: Sequence[Attempt], inbox: Gathered | None = None, until: int = IN_TIME
) -> list[Outcome]:
    """Every outcome of a window, in the order in which they came."""
    return [outcome for outcomes in carrier.send(attempts, inbox or Gathered(), until) for outcome in outcomes]


def references(outcomes: Iterable[Outcome]) -> list[str]:
    return [outcome.reference for outcome in outcomes]


def answers_every_reference_exactly_once(carrier: Carrier) -> None:
    attempts = window(carrier.traits.window)
    assert sorted(references(sent(carrier, attempts))) == sorted(one.reference for one in attempts)


def answers_a_window_larger_than_its_own(carrier: Carrier) -> None:
    attempts = window(carrier.traits.window + 37)
    assert len(set(references(sent(carrier, attempts)))) == len(attempts)


def answers_with_what_the_contract_knows(carrier: Carrier) -> None:
    assert {type(outcome) for outcome in sent(carrier, window(100))} <= {Accepted, Busy, Rejected, Ambiguous}


def takes_a_window_of_nothing(carrier: Carrier) -> None:
    assert sent(carrier, []) == []


def does_not_raise_for_a_message(carrier: Carrier) -> None:
    texts = ("", "{text}", '"}\x00', "é€😀", "half \ud83d", "a\r\nb: c", "%2e%2e/../&x=1#")
    attempts = [attempt(33600000000 + place, f"m-{place}", text) for place, text in enumerate(texts)]
    assert Counter(references(sent(carrier, attempts))) == Counter(one.reference for one in attempts)


def sends_the_same_reference_again_when_asked(carrier: Carrier) -> None:
    assert references(sent(carrier, [attempt()])) == references(sent(carrier, [attempt()])) == ["m-1"]


def begins_nothing_before_it_is_listened_to(carrier: Carrier) -> None:
    unheard = carrier.send([attempt(reference="m-unheard")], Gathered(), IN_TIME)
    del unheard
    if carrier.traits.looks_up:
        assert "Found" not in {type(found).__name__ for found in carrier.lookup(["m-unheard"]).values()}


def lets_nothing_leave_once_its_time_is_over(carrier: Carrier) -> None:
    """Others may have its messages by then. Definite, and worth trying again."""
    late = [attempt(33600000000 + place, f"m-late-{place}") for place in range(3)]
    outcomes = sent(carrier, late, until=0)
    assert sorted(references(outcomes)) == [one.reference for one in late]
    assert {type(outcome) for outcome in outcomes} == {Busy}
    if carrier.traits.looks_up:
        assert not any(isinstance(told, Found) for told in carrier.lookup([one.reference for one in late]).values())
    assert {type(outcome) for outcome in sent(carrier, [attempt(33600000000)])} == {Accepted}


def looks_up_only_what_it_was_asked(carrier: Carrier) -> None:
    sent(carrier, [attempt()])
    told = carrier.lookup(["m-1", "m-never"]) if carrier.traits.looks_up else {}
    assert all(name == found.reference for name, found in told.items())
    assert set(told) <= {"m-1", "m-never"}


def looks_up_nothing(carrier: Carrier) -> None:
    assert not carrier.lookup([])


def pumps_until_nothing_is_due(carrier: Carrier) -> None:
    inbox = Gathered()
    sent(carrier, window(100), inbox)
    handed_over = len(inbox.receipts)
    while pumped := carrier.pump(inbox):
        handed_over += pumped
    assert handed_over == len(inbox.receipts) + len(inbox.replies)


def closes_twice_and_unused(carrier: Carrier) -> None:
    carrier.close()
    sent(carrier, [])
    carrier.close()


CASES: Final[tuple[Callable[[Carrier], None], ...]] = (
    answers_every_reference_exactly_once,
    answers_a_window_larger_than_its_own,
    answers_with_what_the_contract_knows,
    takes_a_window_of_nothing,
    does_not_raise_for_a_message,
    sends_the_same_reference_again_when_asked,
    begins_nothing_before_it_is_listened_to,
    lets_nothing_leave_once_its_time_is_over,
    looks_up_only_what_it_was_asked,
    looks_up_nothing,
    pumps_until_nothing_is_due,
    closes_twice_and_unused,
)
