"""What became of a mail is told once: when nothing more is to be heard of its messages, or after a day."""

from typing import Any

import pytest
from sqlalchemy import update

from connectors.mail2sms.answer import digests
from connectors.mail2sms.tables import letters, mails, sendings
from tests.support.correspondence import ANNE, Correspondence, body_of
from tests.support.plugged import Plugged

RECEIVED, ABSENT, NEVER_HEARD_OF = "0612345678", "0612345601", "0612345607"
PERMANENT = "0612345603"


def told(desk: Correspondence) -> list[str]:
    """The digests that went out."""
    return [body_of(one) for one in desk.mailed()]


def statuses(desk: Correspondence) -> list[tuple[str, str | None]]:
    return [(row.status, row.code) for row in desk.rows(sendings)]


def states(desk: Correspondence) -> list[str]:
    return [row.state for row in desk.rows(mails)]


def test_a_mail_whose_messages_have_come_to_an_end_is_told_of_once(desk: Correspondence) -> None:
    desk.sends(desk.mail(), RECEIVED, PERMANENT)
    desk.work()
    assert statuses(desk) == [("received", None), ("failed_permanent", "permanent_absence")]
    assert told(desk) == [], "changes come together"
    desk.work(minutes=1)
    assert told(desk) == [
        "What became of your SMS: 1 received, 1 failed.\n\nWho did not get it:\n  +33 6 12 34 56 03: nobody has this number\n"
    ]
    assert states(desk) == ["done"]
    for hours in (1, 24, 24):
        desk.work(hours=hours)
        digests.run(desk.visit, "")
        desk.work()
    assert len(told(desk)) == 1
    (letter,) = desk.mailed()
    assert (letter["To"], letter["Subject"], letter["In-Reply-To"]) == (ANNE, "Re: Rendez-vous", "<first@shop.example>")


@pytest.mark.parametrize("answers, count", [("all", 1), ("errors", 0), ("none", 0)])
def test_a_mail_that_all_received_is_told_of_where_all_is_told(hub: Plugged, answers: str, count: int) -> None:
    desk = Correspondence(hub, answers=answers)
    desk.sends(desk.mail(), RECEIVED)
    desk.work()
    desk.work(minutes=1)
    overdue(desk)
    assert told(desk) == ["What became of your SMS: 1 received.\n"] * count
    assert states(desk) == ["done"]


@pytest.mark.parametrize("answers, count", [("all", 1), ("errors", 1), ("none", 0)])
def test_a_mail_that_failed_is_told_of_where_errors_are(hub: Plugged, answers: str, count: int) -> None:
    desk = Correspondence(hub, answers=answers)
    desk.sends(desk.mail(), ABSENT)
    desk.work()
    desk.work(minutes=1)
    overdue(desk)
    assert len(told(desk)) == count
    assert all("+33 6 12 34 56 01: the phone was off, or out of reach" in one for one in told(desk))


def overdue(desk: Correspondence) -> None:
    """A day goes by, and the task looks."""
    desk.hub.engine.clock.forward(hours=24)
    digests.run(desk.visit, "")
    desk.work()


def test_what_nothing_is_heard_of_is_told_after_a_day(desk: Correspondence) -> None:
    desk.sends(desk.mail(), RECEIVED, NEVER_HEARD_OF)
    desk.work()
    for minutes in (1, 1, 60, 600):
        desk.work(minutes=minutes)
    assert told(desk) == []
    overdue(desk)
    (one,) = told(desk)
    assert one.startswith("What became of your SMS: 1 received, 1 on its way.\n\nNothing more was heard within a day")
    assert states(desk) == ["done"]


def test_a_mail_of_which_nothing_at_all_was_heard_is_found_by_the_task(desk: Correspondence) -> None:
    desk.sends(desk.mail(), NEVER_HEARD_OF)
    desk.work()
    digests.run(desk.visit, "")
    desk.work()
    assert states(desk) == ["accepted"]
    overdue(desk)
    assert [one.splitlines()[0] for one in told(desk)] == ["What became of your SMS: 1 on its way."]


def test_the_day_of_a_mail_that_is_sent_later_begins_then(desk: Correspondence) -> None:
    desk.sends(desk.mail(), NEVER_HEARD_OF, send_at="2026-09-24T12:00:00Z")
    desk.work()
    overdue(desk)
    overdue(desk)
    assert (told(desk), states(desk)) == ([], ["accepted"])
    desk.work(hours=24)  # it is sent
    assert told(desk) == []
    overdue(desk)
    assert len(told(desk)) == 1


def test_who_was_left_out_from_the_start_was_told_then(desk: Correspondence) -> None:
    account = desk.hub.account(desk.shop)
    desk.hub.engine.block(account, 33612345678)
    desk.sends(desk.mail(), RECEIVED)
    desk.work()
    overdue(desk)
    assert (told(desk), states(desk), statuses(desk)) == ([], ["done"], [("blacklisted", None)])


def test_a_mail_that_asks_for_no_answer_has_no_digest(desk: Correspondence) -> None:
    desk.sends(desk.mail(quiet=1), ABSENT)
    desk.work()
    desk.work(minutes=1)
    assert (told(desk), states(desk)) == ([], ["done"])


def test_a_list_is_told_of_with_the_counts_of_its_campaign(desk: Correspondence) -> None:
    desk.sends_list(desk.mail(recipients=4), RECEIVED, "0612345679", PERMANENT, "0142685300", RECEIVED)
    desk.work()
    desk.work(minutes=1)
    desk.work(minutes=1)
    (one,) = told(desk)
    assert one.splitlines() == [
        "What became of your SMS: 2 received, 1 failed, 1 left out.",
        "",
        "Who did not get it:",
        "  +33 6 12 34 56 03: nobody has this number",
    ]
    assert statuses(desk) == [("finished", None)]


def test_a_list_is_told_of_when_its_receipts_are_there_or_after_a_day(desk: Correspondence) -> None:
    desk.sends_list(desk.mail(recipients=2), RECEIVED, NEVER_HEARD_OF)
    desk.work()
    desk.work(minutes=5)
    assert told(desk) == []
    overdue(desk)
    assert [one.splitlines()[0] for one in told(desk)] == ["What became of your SMS: 1 received, 1 on its way."]


def test_a_campaign_that_several_addresses_of_a_mail_are_in_is_counted_once(desk: Correspondence) -> None:
    mail_id = desk.mail(recipients=2)
    campaign_id = desk.sends_list(mail_id, RECEIVED, "0612345679")
    with desk.hub.runtime.begin() as tx:
        desk.row(tx, mail_id, number=33612345678, campaign_id=campaign_id, status="sent")
    desk.work()
    desk.work(minutes=1)
    desk.work(minutes=1)
    assert told(desk) == ["What became of your SMS: 2 received.\n"]


def test_many_who_did_not_get_it_are_counted_and_some_are_named(desk: Correspondence) -> None:
    numbers = [f"06123{number:03}03" for number in range(60)]
    desk.sends(desk.mail(recipients=60), *numbers)
    desk.work()
    desk.work(minutes=1)
    (one,) = told(desk)
    assert one.startswith("What became of your SMS: 60 failed.")
    assert one.count("nobody has this number") == 50
    assert one.endswith("  … and 10 more\n")


def status(message_id: str, to: str, **changes: Any) -> dict[str, Any]:
    """An event of a message, as far as it is read here."""
    plain = {"source": "mail2sms", "campaign_id": None, "status_detail": None, "carrier_code": None}
    return {"id": message_id, "status": to, **plain, **changes}


def test_what_is_heard_late_or_twice_changes_nothing(desk: Correspondence) -> None:
    (sending,) = desk.sends(desk.mail(), RECEIVED)
    (row,) = desk.rows(sendings)
    heard = ["sending", "sent", "failed_temporary", "sent", "delivered_operator", "received", "failed_permanent"]
    seen = []
    for one in heard:
        desk.gives("message.status", status(row.message_id, one, carrier_code="temporary_absence"))
        seen.append(desk.rows(sendings)[0].status)
    assert seen == ["sending", "sent", *["failed_temporary"] * 3, "received", "received"]
    assert sending == row.id


def test_events_of_others_and_of_messages_that_nobody_knows_are_let_be(desk: Correspondence) -> None:
    desk.sends(desk.mail(), RECEIVED)
    (row,) = desk.rows(sendings)
    desk.gives(
        "message.status",
        status(row.message_id, "received", source="api"),
        status("01997b2c-1a2b-7c3d-8e4f-000000000000", "received"),
    )
    desk.gives("campaign.finished", {"id": "01997b2c-1a2b-7c3d-8e4f-000000000000", "source": "mail2sms"})
    desk.gives("campaign.finished", {"id": "01997b2c-1a2b-7c3d-8e4f-000000000000", "source": "api"})
    assert statuses(desk) == [("queued", None)]


def test_a_mail_whose_installation_is_gone_is_at_its_end(desk: Correspondence) -> None:
    mail_id = desk.mail(installation_id="01997b2c-1a2b-7c3d-8e4f-123456789abc")
    overdue(desk)
    assert desk.hub.engine.one(mails, mail_id).state == "done"
    assert desk.hub.engine.all(letters) == []


def test_mails_that_wait_or_were_turned_away_have_no_digest(desk: Correspondence) -> None:
    for state in ("held", "rejected", "received", "ignored"):
        desk.sends(desk.mail(state=state), NEVER_HEARD_OF)
    with desk.hub.runtime.begin() as tx:
        tx.execute(update(mails).values(state_at=0))
    overdue(desk)
    assert told(desk) == []
