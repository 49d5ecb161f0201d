"""What follows when messages change status."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from core.errors import Refused
from core.schema import send_counts, transfers
from core.sending import moves
from core.sending.drafts import Draft
from tests.support.engine import Engine

PARIS = "+33612345620"


def test_one_transfer_of_each_kind_for_a_batch_whatever_its_size(engine: Engine) -> None:
    account = engine.account()
    engine.send_all(account, [Draft(f"+336123456{n}", "a") for n in range(20, 40)])
    engine.settle()
    assert [(row.kind, row.millicredits) for row in engine.all(transfers)] == [
        ("grant", 1_000_000),
        ("hold", 20_000),
        ("post", 20_000),
    ]


def test_the_same_batch_cannot_be_paid_twice(engine: Engine) -> None:
    account = engine.account()
    sent, _ = engine.send(account, PARIS), engine.send(account, PARIS)
    move = moves.of(engine.row(sent.id), "cancelled")
    with engine.runtime.begin() as tx:
        moves.follow(tx, [move], "batch")
    with pytest.raises(IntegrityError), engine.runtime.begin() as tx:
        moves.follow(tx, [move], "batch")


def test_what_left_is_counted_in_its_hour_once(engine: Engine) -> None:
    account = engine.account()
    sent = engine.send(account, PARIS, "a" * 200)
    engine.settle()
    (row,) = engine.all(send_counts)
    assert (row.hour, row.country, row.purpose, row.messages, row.segments, row.millicredits) == (
        engine.clock.now - engine.clock.now % 3_600_000,
        "FR",
        "marketing",
        1,
        2,
        2000,
    )
    assert engine.row(sent.id).status == "received"


def test_each_change_of_status_is_told_and_the_birth_of_a_queued_message_is_not(engine: Engine) -> None:
    account = engine.account()
    sent = engine.send(account, PARIS)
    engine.settle()
    told = [(fact["message_id"], fact["status"]) for fact in engine.facts(account, "message.status")]
    assert told == [(sent.id, status) for status in ("sending", "sent", "delivered_operator", "received")]


def test_a_hold_that_cannot_be_paid_is_refused(engine: Engine) -> None:
    account = engine.account(credits=0)
    paid = engine.send(engine.account("Rich"), PARIS)
    birth = replace(moves.born(engine.row(paid.id)), account_id=account.id)
    with pytest.raises(Refused, match="not_enough_credits"), engine.runtime.begin() as tx:
        moves.follow(tx, [birth], "batch")


def test_nothing_follows_from_nothing(engine: Engine) -> None:
    with engine.runtime.begin() as tx:
        moves.follow(tx, [], "batch")
    assert engine.all(transfers) == []
