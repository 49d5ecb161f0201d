"""Receipts that come with the answers: applied with them, in one write a message, and each step is told and counted all the same."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from core.carriers.contract import Accepted, Attempt, Known
from core.schema import campaign_counts, receipt_batches
from core.schema import contacts as people
from core.sending import answers, lanes, steps
from core.sending.drafts import Draft
from core.sending.windows import claim
from tests.support.engine import Engine
from tests.support.scripted import Scripted

PARIS = "+33612345620"
ARRIVED = (Known("delivered_operator", None, 1), Known("received", "000", 2))


def arrives(attempt: Attempt) -> Accepted:
    return Accepted(attempt.reference, "c-1", ARRIVED)


@pytest.fixture
def carrier() -> Scripted:
    return Scripted(answer=arrives)


@pytest.fixture
def engine(make_engine: Callable[..., Engine], carrier: Scripted) -> Engine:
    return make_engine(carrier=carrier)


def told(engine: Engine, account: Any) -> list[Any]:
    return [(fact["status"], fact["carrier_code"]) for fact in engine.facts(account, "message.status")]


def test_each_step_is_told_and_counted_and_the_last_is_written(engine: Engine) -> None:
    account = engine.account()
    campaign = engine.campaign(account, PARIS, "+33612345621")
    engine.settle()
    for row in engine.messages(account):
        assert (row.status, row.carrier_code, row.carrier_id) == ("received", "000", "c-1")
        assert (row.charged, row.sent_at, row.status_at) == (True, engine.clock.now, engine.clock.now)
    assert told(engine, account) == [
        *[("sending", None)] * 2,
        *[("sent", None)] * 2,
        *[("delivered_operator", None)] * 2,
        *[("received", "000")] * 2,
    ]
    with engine.runtime.read() as tx:
        counted = select(campaign_counts.c.status).where(campaign_counts.c.campaign_id == campaign.id)
        assert "sent" not in {row.status for row in tx.all(counted)}  # it came and went in one write
    assert engine.faults() == []
    assert engine.all(receipt_batches) == []


def test_those_that_change_nothing_are_no_steps(engine: Engine, carrier: Scripted) -> None:
    carrier.answer = lambda attempt: Accepted(attempt.reference, None, ARRIVED[::-1] * 2)
    account = engine.account()
    engine.send(account, PARIS)
    engine.settle()
    assert told(engine, account) == [("sending", None), ("sent", None), ("received", "000")]
    assert engine.faults() == []


def test_messages_of_one_window_may_end_in_different_ways(engine: Engine, carrier: Scripted) -> None:
    account = engine.account()
    ends: dict[int, tuple[Known, ...]] = {
        33612345620: ARRIVED,
        33612345621: (),
        33612345622: (Known("failed_permanent", "E1", 1),),
        33612345623: (Known("rejected", "E2", 1),),
    }
    carrier.answer = lambda attempt: Accepted(attempt.reference, None, ends[attempt.number])
    engine.send_all(account, [Draft(f"+{number}", "Bonjour") for number in ends])
    assert engine.serve()
    assert [(row.status, row.carrier_code) for row in engine.messages(account)] == [
        ("received", "000"),
        ("sent", None),
        ("failed_permanent", "E1"),
        ("failed_permanent", "E2"),
    ]
    assert engine.faults() == []


def test_a_number_that_can_never_be_reached_leaves_the_address_book(engine: Engine, carrier: Scripted) -> None:
    carrier.answer = lambda attempt: Accepted(attempt.reference, None, (Known("failed_permanent", "E1", 1),))
    account = engine.account()
    person = engine.person(account, PARIS)
    engine.send(account, PARIS)
    engine.settle()
    with engine.runtime.read() as tx:
        assert tx.scalar(select(people.c.archived_at).where(people.c.id == person.id)) is not None


def test_where_something_else_happened_meanwhile_they_go_their_own_way(engine: Engine, carrier: Scripted) -> None:
    account = engine.account()
    sent = engine.send(account, PARIS)
    carrier.meanwhile = lambda: engine.receipt("delivered_operator", sent.id)  # one that overtook the answer
    assert engine.serve()
    assert engine.row(sent.id).status == "delivered_operator"
    assert [row.size for row in engine.all(receipt_batches) if row.applied_at is None] == [2]
    engine.settle()
    assert (engine.row(sent.id).status, engine.row(sent.id).carrier_id) == ("received", "c-1")
    assert engine.faults() == []


def test_those_of_a_window_that_was_given_up_are_heard_though_the_answer_came_late(engine: Engine) -> None:
    account = engine.account()
    sent = engine.send(account, PARIS)
    window = claim(engine.runtime, "scripted", "test", 500, {})
    assert window is not None
    engine.clock.forward(seconds=60)
    assert steps.sweep_abandoned(engine.runtime) == 1
    assert engine.row(sent.id).status == "unknown"
    assert not answers.record(engine.runtime, window, [arrives(one) for one in window.attempts], last=True)
    engine.settle()
    assert engine.row(sent.id).status == "received"
    assert told(engine, account)[-2:] == [("delivered_operator", None), ("received", "000")]
    assert engine.faults() == []


def test_a_carrier_is_asked_for_more_once_its_answers_are_stored(engine: Engine, carrier: Scripted) -> None:
    """Which is how it knows that it need not tell again."""
    account = engine.account()
    sent = engine.send(account, PARIS)
    seen: list[str] = []

    class Watching:
        name, traits = carrier.name, carrier.traits
        pump, lookup, close = carrier.pump, carrier.lookup, carrier.close

        def send(self, attempts: Any, inbox: Any, until: int) -> Any:
            yield [arrives(attempt) for attempt in attempts]
            seen.append(engine.row(sent.id).status)

    watched = engine.runtime.as_of(carriers={carrier.name: Watching()})
    assert lanes.serve(watched, engine.lane)
    assert seen == ["received"]
