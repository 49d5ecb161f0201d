"""Which letters are written: once, to people, as often as they are wanted."""

import threading
from typing import Any

import pytest

from connectors.mail2sms import answer
from connectors.mail2sms.mail import Headers
from connectors.mail2sms.tables import letters
from tests.support.correspondence import ANNE, Correspondence
from tests.support.plugged import Plugged

NOBODY = (
    "no-reply@shop.example",
    "noreply+x@shop.example",
    "do-not-reply@shop.example",
    "MAILER-DAEMON@shop.example",
    "postmaster@shop.example",
    "bounces@shop.example",
    "list-bounces@shop.example",
    "33612345678@sms.example.org",
    "anybody@SMS.example.org",
    "",
    "anne",
    "anne@shop.example\r\nBcc: ben@shop.example",
    "anne@shop.example, ben@shop.example",
    "<anne@shop.example>",
    "zoé@shop.example",
)


def headers(**changes: Any) -> Headers:
    plain: dict[str, Any] = {
        "sender": ANNE,
        "message_id": "first@shop.example",
        "subject": "Rendez-vous",
        "references": ("older@shop.example",),
        "date": None,
        "to": (),
        "cc": (),
        "delivered_to": (),
        "automatic": None,
        "generated": False,
        "quiet": False,
    }
    return Headers(**plain | changes)


def test_an_occasion_is_told_once(desk: Correspondence) -> None:
    assert desk.put("accepted", occasion="accepted/1") is not None
    assert desk.put("accepted", occasion="accepted/1") is None
    assert desk.put("accepted", occasion="accepted/2") is not None
    desk.work()
    assert len(desk.mailed()) == 2


def test_two_installations_have_occasions_of_their_own(hub: Plugged, desk: Correspondence) -> None:
    other = Correspondence(hub, "other", domain="sms.other.example")
    assert desk.put("accepted", occasion="accepted/1") is not None
    assert other.put("accepted", occasion="accepted/1") is not None


def test_a_letter_holds_what_it_tells_of_and_no_secret_of_a_subject(desk: Correspondence) -> None:
    told = answer.about(headers())
    assert told == {
        "subject": "Rendez-vous",
        "message_id": "first@shop.example",
        "refs": ["older@shop.example"],
        "quiet": False,
    }
    assert answer.about(headers(subject="token | 0612345678 | Shop"), legacy=True)["subject"] == ""


def test_case_37_who_asks_for_no_answer_gets_none_but_what_people_answer(desk: Correspondence) -> None:
    quiet = answer.about(headers(quiet=True))["quiet"]
    assert [desk.put(kind, quiet=quiet) for kind in ("accepted", "rejected", "held", "digest")] == [None] * 4
    assert desk.put("reply", quiet=quiet) is not None
    assert answer.about(headers(generated=True))["quiet"]  # monitoring that is let in: a machine wrote it all the same


@pytest.mark.parametrize(
    "answers, told",
    [
        ("all", ["accepted", "rejected", "held", "digest", "reply"]),
        ("errors", ["rejected", "held", "reply"]),
        ("none", ["reply"]),
    ],
)
def test_the_settings_say_what_is_told(hub: Plugged, answers: str, told: list[str]) -> None:
    desk = Correspondence(hub, answers=answers)
    for kind in ("accepted", "rejected", "held", "digest", "reply"):
        desk.put(kind)
    assert desk.kinds() == told


def test_where_only_errors_are_told_an_acceptance_is_that_leaves_somebody_out_or_was_asked_for(hub: Plugged) -> None:
    desk = Correspondence(hub, answers="errors")
    assert desk.put("accepted", test=True) is not None
    people = [{"number": 33612345678, "status": "blacklisted", "segments": 1, "credits": 0, "why": None}]
    assert desk.put("accepted", people=people) is not None
    failed = [{"number": 33612345678, "status": "failed_permanent", "why": None}]
    assert desk.put("digest", counts={"failed_permanent": 1}, failed=failed) is not None


def test_one_error_an_hour_goes_to_one_address(desk: Correspondence) -> None:
    assert desk.put("rejected") is not None
    assert desk.put("rejected") is None
    assert desk.put("held", code="held_sender_cap", facts={"most": 100, "period": "an hour"}) is None
    assert desk.put("rejected", to="ben@shop.example") is not None
    assert desk.put("held") is not None, "a question is no error"
    assert desk.put("accepted") is not None
    desk.hub.engine.clock.forward(minutes=61)
    assert desk.put("held", code="held_sender_cap", facts={"most": 100, "period": "an hour"}) is not None
    assert desk.put("rejected") is None


def test_questions_are_asked_as_often_as_a_person_would_answer(desk: Correspondence) -> None:
    assert [desk.put("held") is not None for _ in range(12)] == [True] * 10 + [False] * 2


def test_errors_that_are_found_at_the_same_time_are_one_letter(desk: Correspondence) -> None:
    begin = threading.Barrier(4)

    def find() -> None:
        begin.wait()
        desk.put("rejected")

    threads = [threading.Thread(target=find) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert desk.kinds() == ["rejected"]


def test_nothing_is_written_to_machines_ourselves_or_what_is_no_address(desk: Correspondence) -> None:
    assert [one for one in NOBODY if desk.put("accepted", to=one) or desk.put("reply", to=one)] == []
    assert desk.rows(letters) == []


def test_an_ordinary_mailbox_is_not_written_to_but_its_neighbours_are(hub: Plugged) -> None:
    desk = Correspondence(hub, domain="sms@office.example")
    assert desk.put("accepted", to="sms@office.example") is None
    assert desk.put("accepted", to="SMS+0612345678@office.example") is None
    assert desk.put("accepted", to="anne@office.example") is not None


def test_gateways_of_others_in_this_hub_are_not_written_to(hub: Plugged, desk: Correspondence) -> None:
    Correspondence(hub, "other", domain="sms.other.example")
    Correspondence(hub, "third", domain="box@mail.example")
    assert desk.put("accepted", to="0612345678@sms.other.example") is None
    assert desk.put("accepted", to="box+0612345678@mail.example") is None
    assert desk.put("accepted", to="ben@mail.example") is not None


def test_who_claims_the_domain_of_others_does_not_silence_their_letters(hub: Plugged, desk: Correspondence) -> None:
    Correspondence(hub, "greedy", domain="mail.example")
    assert desk.put("accepted", to="ben@mail.example") is not None
    assert desk.put("accepted", to="0612345678@mail.example") is None


def test_what_is_said_to_who_answered_a_letter_is_no_error(desk: Correspondence) -> None:
    assert desk.put("rejected") is not None
    assert desk.put("rejected", code="dropped") is not None
    assert desk.put("rejected", code="confirm_unclear") is not None
    assert desk.put("rejected", code="text_empty") is None
