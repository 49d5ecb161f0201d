"""What people answer by SMS comes back as a mail to whoever texted them, and can be answered there."""

from typing import Any

import pytest

from connectors.mail2sms import tokens
from connectors.mail2sms.mail import Address
from connectors.mail2sms.parse import address
from connectors.mail2sms.tables import letters, sendings
from tests.support.correspondence import ANNE, Correspondence, body_of
from tests.support.plugged import Plugged

ANSWERS_STOP, ANSWERS_YES = "0612345611", "0612345612"
YES = 33612345612


def replies(desk: Correspondence) -> list[Any]:
    return [one for one in desk.mailed() if one["From"].addresses[0].display_name.startswith("+")]


def hear(desk: Correspondence) -> None:
    for _ in range(3):
        desk.work(seconds=5)


def thread(desk: Correspondence, letter: Any) -> Address:
    found = address.read(letter["From"].addresses[0].addr_spec, "", desk.office.domain)
    assert isinstance(found, Address)
    return found


def reply(desk: Correspondence, **changes: Any) -> None:
    """An event, given to the sink as it is."""
    with desk.hub.runtime.begin() as tx:
        plain = {"id": tx.new_id(), "from": f"+{YES}", "to": "36034", "text": "Oui", "message_id": None}
    more = {"received_at": "2026-09-21T14:13:20.000Z", "campaign_id": None, "opt_out": False}
    desk.gives("reply.received", {**plain, **more, **changes})


def test_an_answer_is_a_mail_to_whoever_wrote_with_what_was_sent_before(desk: Correspondence) -> None:
    (sending,) = desk.sends(desk.mail(), ANSWERS_YES, text="Rendez-vous demain à 9 h ?")
    hear(desk)
    (letter,) = replies(desk)
    assert (letter["To"], letter["Subject"]) == (ANNE, "Re: Rendez-vous")
    assert letter["In-Reply-To"] == "<first@shop.example>"
    assert body_of(letter).startswith("Oui merci\n\n+33 6 12 34 56 12 wrote this on Monday 21 September 2026 at 16:13")
    assert body_of(letter).endswith("What was sent before:\n> Rendez-vous demain à 9 h ? STOP 36034\n")
    found = thread(desk, letter)
    assert (found.kind, found.value) == ("thread", sending)
    with desk.hub.runtime.read() as tx:
        token = tokens.find(tx, desk.installation.id, found.token or "")
    assert token is not None
    assert (token.kind, token.sending_id) == ("thread", sending)


def test_stop_is_labelled_and_offers_no_address(desk: Correspondence) -> None:
    desk.sends(desk.mail(), ANSWERS_STOP)
    hear(desk)
    (letter,) = replies(desk)
    assert body_of(letter).startswith("This person answered STOP: no more SMS go to them.")
    assert letter["From"].addresses[0].addr_spec == "no-reply@sms.example.org"
    assert letter["Reply-To"] is None


def test_a_reply_is_told_once_however_often_it_is_given(desk: Correspondence) -> None:
    desk.sends(desk.mail(), ANSWERS_YES)
    once = {"id": "01997b2c-1a2b-7c3d-8e4f-123456789abc"}
    for _ in range(3):
        reply(desk, **once)
    assert desk.kinds() == ["reply"]


def test_only_who_is_proven_or_allowed_is_told(desk: Correspondence) -> None:
    ben = "ben@elsewhere.example"
    wrote = [(2, ANNE), (2, ben), (3, ANNE), (1, ANNE), (1, ben), (0, ANNE), (None, ANNE)]
    for place, (tier, sender) in enumerate(wrote):
        number = f"06{place:08}"
        desk.sends(desk.mail(tier=tier, sender=sender), number)
        reply(desk, **{"from": f"+33{number[1:]}"})
    assert [row.to for row in desk.rows(letters)] == [ANNE, ben, ANNE, ANNE]


@pytest.mark.parametrize("answers", ["errors", "none"])
def test_people_are_heard_whatever_else_is_told(hub: Plugged, answers: str) -> None:
    desk = Correspondence(hub, answers=answers)
    desk.sends(desk.mail(quiet=1), ANSWERS_YES)
    hear(desk)
    assert len(replies(desk)) == 1


def test_a_reply_to_nobodys_message_belongs_to_the_newest_mail_of_thirty_days(desk: Correspondence) -> None:
    desk.sends(desk.mail(sender="old@shop.example"), ANSWERS_YES)
    desk.sends(desk.mail(sender="new@shop.example"), ANSWERS_YES)
    desk.sends(desk.mail(sender="other@shop.example"), "0612345678")
    held = desk.mail(sender="held@shop.example", state="held")
    with desk.hub.runtime.begin() as tx:  # it waits: nothing was sent
        desk.row(tx, held, number=YES, status="held")
    reply(desk)
    assert [row.to for row in desk.rows(letters)] == ["new@shop.example"]
    desk.hub.engine.clock.forward(days=31)
    reply(desk)
    assert len(desk.rows(letters)) == 1


def test_a_reply_to_what_the_account_sent_by_other_roads_is_nobodys_mail(desk: Correspondence) -> None:
    desk.sends(desk.mail(), ANSWERS_YES)
    reply(desk, message_id="01997b2c-1a2b-7c3d-8e4f-000000000000")
    reply(
        desk,
        message_id="01997b2c-1a2b-7c3d-8e4f-000000000000",
        campaign_id="01997b2c-1a2b-7c3d-8e4f-000000000001",
    )
    assert desk.rows(letters) == []


def test_a_reply_whose_mail_is_forgotten_is_no_error(desk: Correspondence) -> None:
    with desk.hub.runtime.begin() as tx:
        desk.row(tx, tx.new_id(), number=YES, message_id=tx.new_id())
    reply(desk)
    reply(desk, **{"from": "+33699999999"})
    assert desk.rows(letters) == []


def test_a_person_of_a_list_answers_in_a_conversation_of_their_own(desk: Correspondence) -> None:
    desk.sends_list(desk.mail(recipients=2), ANSWERS_YES, "0612345678", text="Venez samedi")
    hear(desk)
    (letter,) = replies(desk)
    assert body_of(letter).endswith("> Venez samedi STOP 36034\n")
    (of_list, of_person) = desk.rows(sendings)
    assert thread(desk, letter).value == of_person.id
    assert (of_person.number, of_person.people, of_person.sender) == (YES, 0, ANNE)
    assert of_person.mail_id == of_list.mail_id
    again = {"message_id": of_person.message_id, "campaign_id": of_list.campaign_id}
    reply(desk, **again)
    reply(desk, **again)
    assert len(desk.rows(sendings)) == 2
    desk.work(minutes=1)
    desk.work(minutes=1)
    assert [body_of(one) for one in desk.mailed() if "became" in body_of(one)] == [
        "What became of your SMS: 2 received.\n"
    ]


def test_what_was_sent_before_is_left_out_where_it_was_erased(desk: Correspondence) -> None:
    mail_id = desk.mail()
    with desk.hub.runtime.begin() as tx:
        desk.row(tx, mail_id, number=YES, message_id=tx.new_id())
    reply(desk)
    desk.work()
    (letter,) = replies(desk)
    assert "sent before" not in body_of(letter)


def test_a_sms_that_looks_like_a_mail_stays_a_text(desk: Correspondence) -> None:
    desk.sends(desk.mail(subject="Rendez-vous\r\nBcc: all@shop.example"), ANSWERS_YES)
    reply(desk, text="Oui\r\n.\r\nBcc: all@shop.example\r\n\r\n\x1b[31mrouge")
    desk.work()
    (letter,) = replies(desk)
    assert letter["Bcc"] is None
    assert body_of(letter).startswith("Oui\n.\nBcc: all@shop.example\n\n[31mrouge\n")
