"""What carriers bring back."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import select

from core.audience import contacts
from core.carriers.contract import Accepted, Ambiguous, Receipt
from core.schema import carrier_ids, receipt_batches, replies
from core.schema import receipts as table
from core.sending import receipts
from tests.support.engine import Engine
from tests.support.scripted import Scripted, that

PARIS = "+33612345620"


@pytest.fixture
def carrier() -> Scripted:
    return Scripted()


@pytest.fixture
def engine(make_engine: Callable[..., Engine], carrier: Scripted) -> Engine:
    return make_engine(carrier=carrier)


def parked(engine: Engine) -> list[str | None]:
    """What became of those that matched nothing at first."""
    return [row.outcome for row in engine.all(table)]


def outcomes(engine: Engine) -> list[dict[str, int]]:
    """What became of each batch."""
    return [json.loads(row.outcome) for row in engine.all(receipt_batches)]


def test_a_receipt_is_stored_raw_before_it_is_applied(engine: Engine) -> None:
    sent = engine.send(engine.account(), PARIS)
    engine.settle()
    receipts.inbox(engine.runtime)("scripted", [Receipt("received", "000", 1, sent.id, "c-1")], [])
    (raw,) = engine.all(receipt_batches)
    assert (raw.carrier, raw.size, raw.applied_at, engine.row(sent.id).status) == ("scripted", 1, None, "sent")
    assert json.loads(raw.raw) == [["received", "000", 1, sent.id, "c-1"]]
    assert receipts.apply(engine.runtime) == 1
    assert (engine.row(sent.id).status, engine.row(sent.id).carrier_code) == ("received", "000")
    assert outcomes(engine) == [{"applied": 1}]
    assert receipts.apply(engine.runtime) == 0


def test_what_comes_at_once_is_one_row_of_a_bounded_size(engine: Engine) -> None:
    sent = engine.send(engine.account(), PARIS)
    engine.settle()
    came = [Receipt("delivered_operator", None, n, sent.id) for n in range(receipts.ROW_RECEIPTS + 1)]
    receipts.inbox(engine.runtime)("scripted", came, [])
    assert [row.size for row in engine.all(receipt_batches)] == [receipts.ROW_RECEIPTS, 1]
    assert receipts.apply(engine.runtime, 10) == receipts.ROW_RECEIPTS
    assert receipts.apply(engine.runtime, 10) == 1
    assert outcomes(engine) == [{"applied": 1, "ignored": receipts.ROW_RECEIPTS - 1}, {"ignored": 1}]
    assert engine.faults() == []


def test_rows_that_another_process_is_at_do_not_hold_up_the_next(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(carrier=Scripted())
    if engine.database.dialect == "sqlite":
        return  # it has one writer
    account = engine.account()
    first, second = engine.send(account, PARIS), engine.send(account, "+33612345621")
    engine.settle()
    for sent in (first, second):
        receipts.inbox(engine.runtime)("scripted", [Receipt("received", None, 1, sent.id)], [])
    taken = select(receipt_batches).order_by(receipt_batches.c.id).limit(1).with_for_update()
    with engine.runtime.begin() as tx:
        assert tx.one(taken) is not None
        assert receipts.apply(engine.runtime, 1) == 1
    assert [engine.row(sent.id).status for sent in (first, second)] == ["sent", "received"]


def test_receipts_of_one_row_are_applied_though_another_of_them_matches_nothing(engine: Engine) -> None:
    sent = engine.send(engine.account(), PARIS)
    engine.settle()
    engine.deliver([Receipt("received", None, 1, None, "nobody's"), Receipt("received", None, 1, sent.id)])
    assert (engine.row(sent.id).status, outcomes(engine)) == ("received", [{"unmatched": 1, "applied": 1}])
    (row,) = engine.all(table)
    assert (row.carrier, row.carrier_id, row.applied_at, row.due_at) == (
        "scripted",
        "nobody's",
        None,
        engine.clock.now + 1_000,
    )


@pytest.mark.parametrize("echoes", [False, True])
def test_ids_are_kept_of_carriers_whose_receipts_do_not_name_our_reference(
    make_engine: Callable[..., Engine], *, echoes: bool
) -> None:
    engine = make_engine(carrier=Scripted(traits=that(echoes_reference=echoes)))
    engine.send(engine.account(), PARIS)
    engine.settle()
    assert len(engine.all(carrier_ids)) == (0 if echoes else 1)


def test_receipts_twice_and_out_of_order_move_a_message_up_only(engine: Engine) -> None:
    account = engine.account(credits=10)
    sent = engine.send(account, PARIS)
    engine.settle()
    for status in (
        "delivered_operator",
        "failed_temporary",
        "delivered_operator",
        "received",
        "received",
        "failed_permanent",
    ):
        engine.receipt(status, sent.id)
    assert engine.row(sent.id).status == "received"
    became = ("applied", "applied", "ignored", "applied", "ignored", "ignored")
    assert outcomes(engine) == [{outcome: 1} for outcome in became]
    assert engine.balance(account).spent == 1000
    assert engine.faults() == []


def test_several_receipts_of_one_message_in_one_batch_are_applied_in_their_order(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, PARIS)
    engine.settle()
    (sent,) = engine.messages(account)
    engine.deliver(
        [Receipt(status, None, 1, sent.id) for status in ("delivered_operator", "failed_permanent", "received")]
    )
    assert engine.row(sent.id).status == "received"
    told = [fact["status"] for fact in engine.facts(account, "message.status")]
    assert told[-3:] == ["delivered_operator", "failed_permanent", "received"]
    assert engine.campaign_row(made.id).status == "finished"
    assert engine.faults() == []


def test_a_late_received_beats_a_failure(engine: Engine) -> None:
    sent = engine.send(engine.account(), PARIS)
    engine.settle()
    engine.receipt("failed_permanent", sent.id, "E1")
    engine.receipt("received", sent.id)
    assert engine.row(sent.id).status == "received"


def test_a_refusal_in_a_receipt_is_a_permanent_failure(engine: Engine) -> None:
    sent = engine.send(engine.account(), PARIS)
    engine.settle()
    engine.receipt("rejected", sent.id, "E7")
    assert (engine.row(sent.id).status, engine.row(sent.id).carrier_code) == ("failed_permanent", "E7")


def test_a_number_that_failed_permanently_leaves_the_address_book_and_one_that_failed_temporarily_stays(
    engine: Engine,
) -> None:
    account = engine.account()
    dead, alive = engine.person(account, PARIS), engine.person(account, "+33612345621")
    first, second = engine.send(account, PARIS), engine.send(account, "+33612345621")
    engine.settle()
    engine.receipt("failed_permanent", first.id)
    engine.receipt("failed_temporary", second.id)
    with engine.runtime.begin() as tx:
        assert contacts.get(tx, account.id, dead.id).archived_reason == "failed_permanent"
        assert contacts.get(tx, account.id, alive.id).archived_at is None
        assert contacts.restore(tx, account.id, dead.id).archived_at is None
    assert [fact["contact_id"] for fact in engine.facts(account, "contact.archived")] == [dead.id]


def test_an_unknown_receipt_is_parked_and_matched_later(engine: Engine, carrier: Scripted) -> None:
    carrier.answer = lambda attempt: Accepted(attempt.reference, "c-77")
    engine.receipt("received", None, carrier_id="c-77")
    assert parked(engine) == ["unmatched"]
    sent = engine.send(engine.account(), PARIS)
    engine.settle()
    engine.clock.forward(seconds=1)
    receipts.apply(engine.runtime)
    assert (engine.row(sent.id).status, parked(engine)) == ("received", ["applied"])


def test_a_receipt_that_matches_nothing_for_two_days_is_given_up(engine: Engine) -> None:
    engine.receipt("received", None, carrier_id="nobody")
    engine.receipt("received", "01997b2c-1a2b-7c3d-8e4f-123456789abc")
    engine.receipt("received", "not an id of ours")
    engine.receipt("received", None)
    engine.clock.forward(days=2, ms=-1)
    receipts.apply(engine.runtime)
    assert not any(row.applied_at for row in engine.all(table))
    engine.clock.forward(minutes=10)
    receipts.apply(engine.runtime)
    assert all(row.applied_at for row in engine.all(table))
    assert parked(engine) == ["unmatched"] * 4


def test_a_receipt_may_name_its_message_by_the_carriers_id_alone(engine: Engine, carrier: Scripted) -> None:
    carrier.answer = lambda attempt: Accepted(attempt.reference, f"c-{attempt.number}")
    account = engine.account()
    first, second = engine.send(account, PARIS), engine.send(account, "+33612345621")
    engine.settle()
    engine.receipt("received", None, carrier_id="c-33612345621")
    assert (engine.row(first.id).status, engine.row(second.id).status) == ("sent", "received")


def test_a_foreign_reference_falls_back_to_the_carriers_id(engine: Engine, carrier: Scripted) -> None:
    carrier.answer = lambda attempt: Accepted(attempt.reference, "c-1")
    sent = engine.send(engine.account(), PARIS)
    engine.settle()
    engine.receipt("delivered_operator", "01997b2c-1a2b-7c3d-8e4f-123456789abc", carrier_id="c-1")
    assert engine.row(sent.id).status == "delivered_operator"
    engine.receipt("received", sent.id.upper())
    assert engine.row(sent.id).status == "received"


def test_the_id_of_another_carrier_is_another_message(engine: Engine, carrier: Scripted) -> None:
    carrier.answer = lambda attempt: Accepted(attempt.reference, "c-1")
    sent = engine.send(engine.account(), PARIS)
    engine.settle()
    receipts.inbox(engine.runtime)("another", [Receipt("received", None, 1, None, "c-1")], [])
    receipts.apply(engine.runtime)
    assert engine.row(sent.id).status == "sent"


def test_the_first_receipt_of_a_lost_answer_leaves_the_carriers_id_for_the_next(
    engine: Engine, carrier: Scripted
) -> None:
    carrier.answer = lambda attempt: Ambiguous(attempt.reference, "timeout")
    sent = engine.send(engine.account(), PARIS)
    engine.settle()
    engine.receipt("delivered_operator", sent.id, carrier_id="c-5")
    engine.receipt("received", None, carrier_id="c-5")
    row = engine.row(sent.id)
    assert (row.status, row.carrier_id, row.sent_at) == ("received", "c-5", engine.clock.now)


@pytest.mark.parametrize("reported", ["received", "expired", "failed_permanent", "delivered_operator"])
def test_receipts_for_messages_that_were_never_charged_are_ignored(engine: Engine, reported: str) -> None:
    account = engine.account(credits=4)
    scheduled = engine.send(account, PARIS, send_at=engine.clock.now + 60_000)
    queued = engine.send(account, PARIS)
    expired = engine.send(account, PARIS, validity_minutes=1)
    engine.clock.forward(minutes=2)
    engine.serve()
    engine.serve()
    for sent in (scheduled, expired):
        engine.receipt(reported, sent.id)
    assert [engine.row(sent.id).status for sent in (scheduled, queued, expired)] == ["scheduled", "sent", "expired"]
    assert outcomes(engine) == [{"ignored": 1}] * 2
    late = engine.send(account, PARIS)
    engine.receipt(reported, late.id)
    assert engine.row(late.id).status == "queued"
    assert engine.faults() == []


def test_a_reply_brought_twice_is_one(engine: Engine) -> None:
    engine.reply(33612345620, "Oui", ref="r-1")
    engine.reply(33612345620, "Oui", ref="r-1")
    with engine.runtime.read() as tx:
        assert len(tx.all(replies.select())) == 1


def test_nothing_that_comes_rings_no_bell(engine: Engine) -> None:
    receipts.inbox(engine.runtime)("scripted", [], [])
    assert "inbound" not in engine.runtime.doorbell.topics  # type: ignore[attr-defined]
