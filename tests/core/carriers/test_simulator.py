"""The simulator: every ending."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.carriers.contract import Accepted, Ambiguous, Busy, Carrier, Found, NotFound, Rejected
from core.carriers.simulator import Simulator, SimulatorSettings
from core.carriers.simulator_endings import BUSY_TIMES, ENDINGS, RUN
from core.carriers.simulator_file import LEASE_MS
from tests.core.carriers.contract_cases import CASES, IN_TIME, Gathered, attempt, references, sent, window
from tests.core.carriers.simulators import ARRIVAL, ORDINARY, Open, ending_in, heard_in_time, statuses
from tests.support.world import NOON, ManualClock


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_keeps_the_contract_of_carriers(case: Callable[[Carrier], None], simulator: Simulator) -> None:
    case(simulator)


@pytest.mark.parametrize(
    "digits, status, code",
    [
        (1, "failed_temporary", "temporary_absence"),
        (2, "failed_temporary", "temporary_operator"),
        (3, "failed_permanent", "permanent_absence"),
        (4, "failed_permanent", "permanent_portability"),
        (5, "failed_permanent", "permanent_routing"),
    ],
)
def test_five_endings_fail_each_with_its_code(
    simulator: Simulator, clock: ManualClock, digits: int, status: str, code: str
) -> None:
    (outcome,) = sent(simulator, [attempt(ending_in(digits))])
    (receipt,) = heard_in_time(simulator, clock).receipts
    assert isinstance(outcome, Accepted)
    assert (receipt.status, receipt.code, receipt.reference) == (status, code, "m-1")


def test_06_is_refused_and_never_taken(simulator: Simulator, clock: ManualClock) -> None:
    assert sent(simulator, [attempt(ending_in(6))]) == [Rejected("m-1", "refused")]
    assert not simulator.sent()
    assert not heard_in_time(simulator, clock).receipts


def test_07_is_accepted_and_never_heard_of(simulator: Simulator, clock: ManualClock) -> None:
    (outcome,) = sent(simulator, [attempt(ending_in(7))])
    assert isinstance(outcome, Accepted)
    assert heard_in_time(simulator, clock).receipts == []


def test_08_is_heard_of_before_it_is_answered(simulator: Simulator, clock: ManualClock) -> None:
    inbox = Gathered()
    first = next(iter(simulator.send([attempt(ending_in(8))], inbox, IN_TIME)))
    assert statuses(inbox) == ARRIVAL
    assert isinstance(first[0], Accepted)
    assert heard_in_time(simulator, clock).receipts == []


def test_08_is_heard_of_later_when_its_inbox_failed(simulator: Simulator, clock: ManualClock) -> None:
    def fail() -> None:
        raise OSError("the database is away")

    with pytest.raises(OSError, match="away"):
        sent(simulator, [attempt(ending_in(8))], Gathered(fail))
    clock.forward(ms=LEASE_MS)
    assert statuses(heard_in_time(simulator, clock)) == ARRIVAL


def test_09_loses_its_answer_but_not_its_receipts(simulator: Simulator, clock: ManualClock) -> None:
    assert sent(simulator, [attempt(ending_in(9))]) == [Ambiguous("m-1", "no_answer")]
    assert isinstance(simulator.lookup(["m-1"])["m-1"], Found)
    assert statuses(heard_in_time(simulator, clock)) == ARRIVAL


def test_10_tells_everything_twice_and_out_of_order(simulator: Simulator, clock: ManualClock) -> None:
    sent(simulator, [attempt(ending_in(10))])
    receipts = heard_in_time(simulator, clock).receipts
    assert [receipt.status for receipt in receipts] == ["received", "delivered_operator"] * 2
    assert receipts[:2] == receipts[2:]


def test_11_writes_stop_to_the_first_message_only(open_simulator: Open, clock: ManualClock) -> None:
    simulator = open_simulator()
    sent(simulator, [attempt(ending_in(11), "m-1"), attempt(ending_in(11), "m-2"), attempt(ending_in(11) + 100, "m-3")])
    simulator.close()
    reopened = open_simulator()
    sent(reopened, [attempt(ending_in(11), "m-4")])
    inbox = heard_in_time(reopened, clock)
    assert Counter((reply.number, reply.text, reply.code) for reply in inbox.replies) == {
        (ending_in(11), "STOP", "36034"): 1,
        (ending_in(11) + 100, "STOP", "36034"): 1,
    }
    assert statuses(inbox).count("received") == 4


def test_12_writes_back_each_time_and_after_it_was_received(simulator: Simulator, clock: ManualClock) -> None:
    sent(simulator, [attempt(ending_in(12), "m-1"), attempt(ending_in(12), "m-2")])
    inbox = Gathered()
    for _ in range(300):
        clock.forward(ms=10)
        simulator.pump(inbox)
        if inbox.replies:
            break
    assert statuses(inbox).count("received") == 2
    assert [reply.text for reply in inbox.replies] == ["Oui merci"] * 2
    assert len({reply.carrier_ref for reply in inbox.replies}) == 2


def test_13_is_lost_to_answer_receipt_and_look_up(simulator: Simulator, clock: ManualClock) -> None:
    assert sent(simulator, [attempt(ending_in(13))]) == [Ambiguous("m-1", "no_answer")]
    assert heard_in_time(simulator, clock).receipts == []
    assert simulator.lookup(["m-1"]) == {}
    assert [row.reference for row in simulator.sent()] == ["m-1"]


def test_14_is_busy_three_times_for_each_message_whoever_sends_it(open_simulator: Open) -> None:
    tries = [sent(open_simulator(), [attempt(ending_in(14))])[0] for _ in range(BUSY_TIMES + 2)]
    other = sent(open_simulator(), [attempt(ending_in(14), "m-2")])[0]
    assert [type(outcome) for outcome in tries] == [Busy] * BUSY_TIMES + [Accepted] * 2
    assert isinstance(other, Busy)


def test_14_was_not_received_while_it_is_busy(simulator: Simulator) -> None:
    sent(simulator, [attempt(ending_in(14))])
    assert simulator.lookup(["m-1"]) == {"m-1": NotFound("m-1")}
    assert simulator.sent() == []


@pytest.mark.parametrize("digits", [0, 15, 42, 78, 99])
def test_any_other_number_has_it_and_then_reads_it(simulator: Simulator, clock: ManualClock, digits: int) -> None:
    sent(simulator, [attempt(ending_in(digits))])
    first, second = heard_in_time(simulator, clock).receipts
    assert [first.status, second.status] == ARRIVAL
    assert NOON == first.at < second.at <= NOON + 2000


def test_every_receipt_comes_within_its_time_and_no_sooner_than_it_happened(
    simulator: Simulator, clock: ManualClock
) -> None:
    sent(simulator, window(500))
    told = 0
    while clock.now < NOON + 2000:
        clock.forward(ms=10)
        inbox = Gathered()
        simulator.pump(inbox)
        told += len(inbox.receipts)
        assert all(receipt.at <= clock.now for receipt in inbox.receipts)
    # Of a hundred: two each, two more for 10, one less for 01 to 05, none later for 06, 07, 08, 13 and 14.
    assert told == 5 * (2 * 100 + 2 - 5 - 2 * 5)


def test_receipts_are_spread_over_their_time(simulator: Simulator, clock: ManualClock) -> None:
    sent(simulator, window(500))
    moments = Counter[int]()
    for moment in range(0, 2000, 20):
        clock.forward(ms=20)
        moments[moment] = simulator.pump(Gathered())
    assert max(moments.values()) <= 4 * RUN
    assert sum(count > 0 for count in moments.values()) >= 16


def test_a_number_answers_the_number_it_was_texted_from(open_simulator: Open, clock: ManualClock) -> None:
    simulator = open_simulator(short_code="38000")
    sent(simulator, [attempt(ending_in(12), "m-1", sender="33700000000"), attempt(ending_in(12), "m-2", sender="Acme")])
    assert [reply.code for reply in heard_in_time(simulator, clock).replies] == ["33700000000", "38000"]


def test_answers_come_after_their_time_and_lost_ones_are_given_up_last(open_simulator: Open) -> None:
    slept: list[float] = []
    simulator = open_simulator(sleep=slept.append, answer_ms=20, timeout_ms=300)
    windows = list(simulator.send([attempt(ending_in(9), "m-1"), attempt(ORDINARY, "m-2")], Gathered(), IN_TIME))
    assert [references(outcomes) for outcomes in windows] == [["m-2"], ["m-1"]]
    assert slept == [0.02, 0.28]


def test_an_instant_simulator_never_sleeps(open_simulator: Open) -> None:
    slept: list[float] = []
    sent(open_simulator(sleep=slept.append, answer_ms=0, timeout_ms=0), window(100))
    assert slept == []


def test_its_settings_are_its_traits(open_simulator: Open) -> None:
    traits = open_simulator(answer_ms=10, per_second=50, lookup=False, lanes=3).traits
    assert (traits.real, traits.looks_up, traits.promises_receipts) == (False, False, True)
    assert (traits.per_second, traits.lanes, traits.submit_timeout_ms) == (50, 3, 510)


def test_receipts_that_are_due_come_with_the_answers_and_are_not_told_again(
    open_simulator: Open, clock: ManualClock
) -> None:
    simulator = open_simulator(answer_ms=0, receipt_ms=0)
    inbox = Gathered()
    ordinary, lost = sent(simulator, [attempt(ORDINARY, "m-1"), attempt(ending_in(9), "m-2")], inbox)
    assert isinstance(ordinary, Accepted)
    assert [known.status for known in ordinary.receipts] == ["delivered_operator", "received"]
    assert references([lost]) == ["m-2"]
    assert [(one.reference, one.status) for one in inbox.receipts] == [
        ("m-2", "delivered_operator"),
        ("m-2", "received"),
    ]
    clock.forward(seconds=11)
    assert simulator.pump(inbox) == 0


def test_receipts_whose_answers_were_not_stored_are_told_by_themselves(
    open_simulator: Open, clock: ManualClock
) -> None:
    simulator = open_simulator(answer_ms=0, receipt_ms=0)
    inbox = Gathered()
    answers = iter(simulator.send([attempt(ORDINARY, "m-1")], inbox, IN_TIME))
    next(answers)  # and then whoever asked is gone
    assert simulator.pump(inbox) == 0
    clock.forward(ms=LEASE_MS)
    assert simulator.pump(inbox) == 2
    assert [one.reference for one in inbox.receipts] == ["m-1", "m-1"]


def test_without_look_up_it_tells_nothing(open_simulator: Open) -> None:
    simulator = open_simulator(lookup=False)
    sent(simulator, [attempt()])
    assert simulator.lookup(["m-1", "m-2"]) == {}


def test_look_up_gives_the_id_that_the_answer_gave(simulator: Simulator) -> None:
    (outcome,) = sent(simulator, [attempt()])
    assert isinstance(outcome, Accepted)
    assert simulator.lookup(["m-1", "m-2"]) == {"m-1": Found("m-1", outcome.carrier_id), "m-2": NotFound("m-2")}


NUMBERS = st.integers(33600000000, 33600000300)


@settings(max_examples=40)
@given(windows=st.lists(st.lists(NUMBERS, max_size=30), max_size=6), receipt_ms=st.sampled_from([0, 1, 7, 2000]))
def test_whatever_is_sent_every_ending_is_kept(
    windows: list[list[int]], receipt_ms: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clock = ManualClock()
    path = tmp_path_factory.mktemp("property") / "simulator.db"
    chosen = SimulatorSettings("simulator", answer_ms=0, receipt_ms=receipt_ms, timeout_ms=0)
    simulator = Simulator(chosen, path, clock, random.Random(3).getrandbits)
    numbers: dict[str, int] = {}
    early = Gathered()
    told: defaultdict[str | None, list[tuple[str, str | None]]] = defaultdict(list)
    for which, some in enumerate(windows):
        attempts = [attempt(number, f"m-{which}-{place}") for place, number in enumerate(some)]
        numbers |= {one.reference: one.number for one in attempts}
        answers = sent(simulator, attempts, early)
        assert sorted(references(answers)) == sorted(one.reference for one in attempts)
        for answer in answers:
            if isinstance(answer, Accepted):
                told[answer.reference] += [(known.status, known.code) for known in answer.receipts]
        clock.forward(ms=1)
    clock.forward(ms=receipt_ms)
    while simulator.pump(early):
        pass
    for receipt in early.receipts:
        told[receipt.reference].append((receipt.status, receipt.code))
    taken = [row.reference for row in simulator.sent(limit=10_000)]
    simulator.close()
    assert taken == [reference for reference, number in numbers.items() if number % 100 not in (6, 14)]
    for reference in taken:
        ending = ENDINGS.get(numbers[reference] % 100)
        assert told[reference] == (list(ending.receipts) if ending else [(status, None) for status in ARRIVAL])
