"""What happens to messages when their time comes."""

from collections.abc import Callable

import pytest
from sqlalchemy import update

from core.carriers.contract import Ambiguous, Found
from core.schema import chunks, messages, windows
from core.sending import chunks as queue
from core.sending import lanes, steps
from core.sending.drafts import Draft
from core.sending.windows import claim
from tests.support.engine import Engine
from tests.support.scripted import Scripted, that
from tests.support.world import NOON

ONE, TWO = "+33612345620", "+33612345621"
HOUR = 3_600_000
TOMORROW = NOON + 24 * HOUR


def lost(**traits: object) -> Scripted:
    """A carrier whose answers are all lost."""
    return Scripted(traits=that(**traits), answer=lambda attempt: Ambiguous(attempt.reference, "timeout"))


def test_a_scheduled_message_goes_at_its_time_and_is_paid_then(engine: Engine) -> None:
    account = engine.account(credits=1)
    engine.send(account, ONE, send_at=TOMORROW)
    engine.later(ms=24 * HOUR - 1)
    assert (engine.taken(), engine.balance(account).available) == ([], 1000)
    engine.later(ms=1)
    assert (len(engine.taken()), engine.balance(account).available) == (1, 0)
    assert engine.faults() == []


def test_without_credits_at_the_start_a_scheduled_message_is_no_credit_and_later_ones_too(engine: Engine) -> None:
    account = engine.account(credits=1)
    engine.send_all(account, [Draft(number, "a", send_at=TOMORROW) for number in (ONE, TWO)])
    engine.later(days=1)
    assert engine.statuses(account) == {33612345620: "received", 33612345621: "no_credit"}
    assert [fact["status"] for fact in engine.facts(account, "message.status") if fact["status"] == "no_credit"] == [
        "no_credit"
    ]
    assert engine.faults() == []


def test_the_blacklist_is_asked_again_at_the_start_and_otp_passes(engine: Engine) -> None:
    account = engine.account(otp=True)
    plain = engine.send(account, ONE, send_at=TOMORROW)
    password = engine.send(account, ONE, "1234", purpose="otp", send_at=TOMORROW)
    engine.block(account, 33612345620)
    engine.later(days=1)
    assert (engine.row(plain.id).status, engine.row(password.id).status) == ("blacklisted", "received")
    assert engine.faults() == []


def test_a_hub_that_was_down_at_the_time_starts_late_and_not_past_the_validity(engine: Engine) -> None:
    account = engine.account()
    patient = engine.send(account, ONE, send_at=TOMORROW)
    short = engine.send(account, TWO, send_at=TOMORROW, validity_minutes=10)
    engine.later(hours=25)
    assert (engine.row(patient.id).status, engine.row(short.id).status) == ("received", "expired")
    assert engine.balance(account).held == 0


def test_a_sent_message_that_is_never_heard_of_expires_a_day_after_its_validity(
    make_engine: Callable[..., Engine],
) -> None:
    engine = make_engine(carrier=Scripted())
    account = engine.account(credits=10)
    sent = engine.send(account, ONE, validity_minutes=60)
    engine.settle()
    engine.later(ms=25 * HOUR - 1)
    assert engine.row(sent.id).status == "sent"
    engine.later(ms=1)
    row = engine.row(sent.id)
    assert (row.status, row.status_detail, row.charged) == ("expired", "no_receipt", True)
    assert engine.balance(account).spent == 1000
    engine.receipt("received", sent.id)
    assert engine.row(sent.id).status == "received"
    assert engine.faults() == []


def test_a_carrier_that_promises_no_receipts_leaves_its_messages_sent(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(carrier=Scripted(traits=that(promises_receipts=False)))
    sent = engine.send(engine.account(), ONE, validity_minutes=1)
    engine.settle()
    engine.later(rounds=3, days=1)
    assert engine.row(sent.id).status == "sent"


def test_what_a_look_up_found_expires_unheard_only_where_receipts_are_promised(
    make_engine: Callable[..., Engine],
) -> None:
    carrier = lost(looks_up=True, promises_receipts=False)
    engine = make_engine(carrier=carrier)
    sent = engine.send(engine.account(), ONE, validity_minutes=1)
    engine.settle()
    carrier.told = {sent.id: Found(sent.id, None)}
    engine.later(rounds=3, days=1)
    assert engine.row(sent.id).status == "sent"


def test_a_carrier_without_look_up_is_never_asked_and_settles_at_the_deadline(
    make_engine: Callable[..., Engine],
) -> None:
    carrier = lost()
    engine = make_engine(carrier=carrier)
    account = engine.account(credits=10)
    sent = engine.send(account, ONE, validity_minutes=60)
    engine.settle()
    engine.later(ms=HOUR - 1)
    assert engine.row(sent.id).status == "unknown"
    engine.later(ms=1)
    row = engine.row(sent.id)
    assert (row.status, row.status_detail, row.charged) == ("sent", "assumed_sent", True)
    assert row.sent_at is not None
    assert (carrier.asked, len(carrier.given)) == ([], 1)
    assert engine.balance(account).spent == 1000
    assert engine.faults() == []


def test_an_unknown_one_time_password_is_sent_again_once_at_its_deadline(make_engine: Callable[..., Engine]) -> None:
    carrier = lost()
    engine = make_engine(carrier=carrier)
    sent = engine.send(engine.account(otp=True), ONE, "1234", purpose="otp")
    engine.settle()
    engine.later(seconds=119)
    assert len(carrier.given) == 1
    engine.later(seconds=1)
    assert [attempt.reference for attempt in carrier.given] == [sent.id, sent.id]
    assert engine.row(sent.id).status_detail == "sent_again"
    engine.later(rounds=5, minutes=2)
    assert len(carrier.given) == 2
    assert (engine.row(sent.id).status, engine.row(sent.id).status_detail) == ("sent", "assumed_sent")
    assert engine.faults() == []


def test_a_password_past_its_validity_is_not_sent_again(make_engine: Callable[..., Engine]) -> None:
    carrier = lost()
    engine = make_engine(carrier=carrier)
    sent = engine.send(engine.account(otp=True), ONE, "1234", purpose="otp", validity_minutes=1)
    engine.settle()
    engine.later(rounds=5, minutes=1)
    assert (len(carrier.given), engine.row(sent.id).status) == (1, "sent")


def test_an_unknown_message_is_settled_by_its_receipt(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(carrier=lost())
    sent = engine.send(engine.account(), ONE)
    engine.settle()
    engine.receipt("delivered_operator", sent.id)
    engine.later(days=3)
    row = engine.row(sent.id)
    assert (row.status, row.charged, row.sent_at) == ("delivered_operator", True, NOON)
    assert engine.faults() == []


def test_a_carrier_that_cannot_tell_is_asked_again_at_longer_and_longer_intervals(
    make_engine: Callable[..., Engine],
) -> None:
    carrier = lost(looks_up=True)
    engine = make_engine(carrier=carrier)
    sent = engine.send(engine.account(), ONE, validity_minutes=60)
    engine.settle()
    engine.later(rounds=60, minutes=1)
    assert 5 < len(carrier.asked) < 20
    assert engine.row(sent.id).status_detail == "assumed_sent"


@pytest.mark.parametrize("broken", [OSError("down"), ValueError("a bug")])
def test_a_look_up_that_breaks_is_asked_again_later(make_engine: Callable[..., Engine], broken: Exception) -> None:
    carrier = lost(looks_up=True)
    carrier.lookup_breaks = broken
    engine = make_engine(carrier=carrier)
    sent = engine.send(engine.account(), ONE)
    engine.settle()
    engine.later(seconds=3)
    assert engine.row(sent.id).status == "unknown"
    carrier.lookup_breaks, carrier.told = None, {sent.id: Found(sent.id, "c-1")}
    engine.later(seconds=3)
    assert engine.row(sent.id).status == "sent"


def test_a_look_up_that_is_answered_by_a_receipt_meanwhile_changes_nothing_more(
    make_engine: Callable[..., Engine],
) -> None:
    carrier = lost(looks_up=True)
    engine = make_engine(carrier=carrier)
    sent = engine.send(engine.account(), ONE)
    engine.settle()
    engine.receipt("received", sent.id)
    carrier.told = {sent.id: Found(sent.id, "c-1")}
    engine.later(seconds=3)
    assert (engine.row(sent.id).status, carrier.asked) == ("received", [])
    assert engine.faults() == []


def test_what_is_with_a_carrier_that_was_taken_away_is_settled_at_its_deadline(
    make_engine: Callable[..., Engine],
) -> None:
    engine = make_engine(carrier=lost(looks_up=True))
    account = engine.account()
    unknown = engine.send(account, ONE, validity_minutes=60)
    assert lanes.lease(engine.runtime, "scripted", 0, "dead")
    engine.settle()
    in_flight = engine.send(account, TWO, validity_minutes=60)
    assert claim(engine.runtime, "scripted", "dead", 500, {}) is not None
    without = engine.runtime.as_of(carriers={"other": Scripted("other")})
    engine.clock.forward(seconds=40)
    assert steps.sweep_abandoned(without) == 1
    for _ in range(12):
        engine.clock.forward(minutes=10)
        while steps.take(without, "test"):
            pass
    assert [engine.row(sent.id).status for sent in (unknown, in_flight)] == ["sent", "sent"]
    assert engine.balance(account).held == 0
    assert engine.faults() == []


def test_abandoned_windows_are_those_whose_lease_is_over_or_all_if_nobody_else_is_alive(engine: Engine) -> None:
    account = engine.account()
    for number in (ONE, TWO):
        engine.send(account, number)
        assert claim(engine.runtime, "simulator", "dead", 500, {}) is not None
    assert steps.sweep_abandoned(engine.runtime) == 0
    assert steps.sweep_abandoned(engine.runtime, everyone=True) == 2
    assert set(engine.statuses(account).values()) == {"unknown"}
    assert all(row.closed_at for row in engine.all(windows))
    engine.later(rounds=3, seconds=3)
    assert set(engine.statuses(account).values()) == {"received"}
    assert len(engine.taken()) == 2
    assert engine.faults() == []


def test_an_abandoned_window_leaves_the_rest_of_its_chunk_to_be_claimed(engine: Engine) -> None:
    account = engine.account()
    engine.send_all(account, [Draft(number, "a") for number in (ONE, TWO)])
    assert claim(engine.runtime, "simulator", "dead", 1, {}) is not None
    engine.clock.forward(seconds=31)
    steps.sweep_abandoned(engine.runtime)
    engine.later(rounds=3, seconds=3)
    assert set(engine.statuses(account).values()) == {"received"}
    assert len(engine.taken()) == 2


def test_what_waits_past_its_validity_under_a_pause_expires_and_gets_its_price_back(engine: Engine) -> None:
    account = engine.account(credits=10)
    short = engine.send_all(account, [Draft(ONE, "a", validity_minutes=1), Draft(TWO, "a", validity_minutes=10)])
    with engine.runtime.begin() as tx:
        queue.pause(tx, "hub", "", "test")
    engine.clock.forward(minutes=1)
    assert steps.sweep_overdue(engine.runtime) == 1
    assert [engine.row(sent.id).status for sent in short] == ["expired", "queued"]
    assert steps.sweep_overdue(engine.runtime) == 0
    engine.clock.forward(minutes=9)
    assert steps.sweep_overdue(engine.runtime) == 1
    assert engine.balance(account).available == 10_000
    assert [row.status for row in engine.all(chunks)] == ["done"]
    assert engine.faults() == []


def test_what_was_sent_of_an_overdue_chunk_still_expires_unheard(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(carrier=Scripted(traits=that(window=1)))
    account = engine.account()
    first, second = engine.send_all(account, [Draft(number, "a", validity_minutes=1) for number in (ONE, TWO)])
    engine.serve()
    with engine.runtime.begin() as tx:
        queue.pause(tx, "hub", "", "test")
    engine.later(minutes=1)
    steps.sweep_overdue(engine.runtime)
    engine.later(days=1)
    assert [engine.row(sent.id).status for sent in (first, second)] == ["expired", "expired"]
    assert [engine.row(sent.id).charged for sent in (first, second)] == [True, False]


def test_a_step_that_is_not_due_is_not_done(engine: Engine) -> None:
    engine.send(engine.account(), ONE, send_at=TOMORROW)
    assert not steps.take(engine.runtime, "test")


def test_a_step_whose_lease_another_holds_is_not_done_twice(engine: Engine) -> None:
    engine.send(engine.account(), ONE, send_at=NOON + 1)
    engine.clock.forward(ms=1)
    with engine.runtime.begin() as tx:
        tx.execute(update(chunks).values(owner="other", lease_until=engine.clock.now + 1000))
    assert not steps.take(engine.runtime, "test")
    engine.clock.forward(seconds=1)
    assert steps.take(engine.runtime, "test")


def test_a_chunk_of_more_than_a_page_expires_in_pages(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(carrier=Scripted())
    account = engine.account()
    engine.send_all(account, [Draft(f"+336123456{n}", "a", validity_minutes=1) for n in range(20, 25)])
    engine.settle()
    engine.clock.forward(days=2)
    with engine.runtime.begin() as tx:
        chunk = queue.lease_due(tx, steps.STEPS, "test")
        assert chunk is not None
        steps.expire(tx, chunk, 5)
    with engine.runtime.read() as tx:
        assert tx.scalar(chunks.select().with_only_columns(chunks.c.status)) == "ready"
    engine.settle()
    assert {row.status for row in engine.all(messages)} == {"expired"}
    assert [row.status for row in engine.all(chunks)] == ["done"]


def test_a_sweep_does_so_much_at_a_time_and_the_rest_the_next_time(engine: Engine) -> None:
    account = engine.account()
    for _ in range(steps.SWEPT + 1):
        engine.send(account, ONE)
        assert claim(engine.runtime, "simulator", "dead", 500, {}) is not None
    assert [steps.sweep_abandoned(engine.runtime, everyone=True) for _ in range(3)] == [steps.SWEPT, 1, 0]
