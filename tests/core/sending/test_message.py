"""The life of a message, as one table."""

from itertools import product

import pytest

from core.sending import message
from core.sending.message import (
    CHARGED,
    FINAL,
    GROUPS,
    NEXT,
    OPEN,
    RANK,
    RECEIPTS,
    STATUSES,
    before,
    heard,
    may_become,
    money,
    owed,
)

UNCHARGED = STATUSES - CHARGED


def test_only_scheduled_queued_and_blacklisted_messages_are_born() -> None:
    assert {"scheduled", "queued", "blacklisted"} == message.BORN


def test_every_status_is_one_of_the_fourteen() -> None:
    assert len(STATUSES) == 14
    assert set(NEXT) <= STATUSES
    assert {after for following in NEXT.values() for after in following} <= STATUSES


@pytest.mark.parametrize("status", ["rejected", "blacklisted", "no_credit", "cancelled", "received"])
def test_nothing_follows_the_end(status: str) -> None:
    assert not NEXT.get(status)
    assert status in FINAL


def test_receipts_move_up_only_and_received_beats_all() -> None:
    for low, high in product(RECEIPTS, RECEIPTS):
        assert may_become(low, high) == (RANK[high] > RANK[low])
    assert max(RANK, key=lambda status: RANK[status]) == "received"


def test_a_queued_message_cannot_be_sent_without_being_claimed() -> None:
    assert not may_become("queued", "sent")
    assert may_become("queued", "sending")


def test_the_statuses_before_one_are_those_that_lead_to_it() -> None:
    assert before("sent") == ("sending", "unknown")
    assert before("cancelled") == ("queued", "scheduled")
    assert before("scheduled") == ()


def test_a_refusal_in_a_receipt_is_a_permanent_failure() -> None:
    assert heard("sent", "rejected", charged=True) == "failed_permanent"


@pytest.mark.parametrize("status", ["sending", "unknown", "sent"])
@pytest.mark.parametrize("reported", sorted(RECEIPTS))
def test_a_receipt_may_come_before_the_answer(status: str, reported: str) -> None:
    assert heard(status, reported, charged=status == "sent") == reported


@pytest.mark.parametrize("status", sorted(UNCHARGED - {"sending", "unknown"}))
def test_a_message_that_was_not_sent_cannot_be_heard_of(status: str) -> None:
    assert all(heard(status, reported, charged=False) is None for reported in RECEIPTS)


def test_a_message_that_expired_in_the_queue_cannot_be_heard_of() -> None:
    assert heard("expired", "received", charged=False) is None
    assert heard("expired", "received", charged=True) == "received"


def test_an_unknown_word_in_a_receipt_changes_nothing() -> None:
    assert heard("sent", "enroute", charged=True) is None
    assert heard("sent", "sent", charged=True) is None


def test_the_price_is_held_while_a_message_is_open() -> None:
    assert money(None, "queued") == money("scheduled", "queued") == "hold"
    assert money(None, "scheduled") is money(None, "blacklisted") is None
    assert money("queued", "sending") is money("sending", "queued") is money("unknown", "queued") is None


def test_the_price_is_spent_once_when_it_left_and_given_back_when_it_did_not() -> None:
    for status in ("sending", "unknown"):
        assert {money(status, after) for after in CHARGED} == {"post"}
        assert money(status, "rejected") == "void"
    assert {money("queued", after) for after in ("cancelled", "blacklisted", "no_credit", "expired")} == {"void"}
    assert {money(low, high) for low in CHARGED for high in NEXT[low]} == {None}
    assert money("scheduled", "cancelled") is None


def test_a_message_owes_its_price_while_it_may_be_sent_or_once_it_was() -> None:
    assert all(owed(status, 7, charged=False) == 7 for status in OPEN | {"scheduled"})
    assert all(owed(status, 7, charged=False) == 0 for status in STATUSES - OPEN - {"scheduled"})
    assert all(owed(status, 7, charged=True) == 7 for status in CHARGED)


def test_the_groups_of_a_report_share_no_status_and_leave_out_what_is_shown_apart() -> None:
    listed = [status for statuses in GROUPS.values() for status in statuses]
    assert len(listed) == len(set(listed))
    assert STATUSES - set(listed) == {"cancelled", "no_credit"}
