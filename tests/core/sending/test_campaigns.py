"""Campaigns as users handle them: accept, change, cancel, copy, send again."""

from typing import Any

import pytest
from sqlalchemy import select

from core import accounts, jobs
from core.accounts import Account
from core.audience import contacts, groups
from core.carriers.contract import Accepted
from core.errors import Refused
from core.schema import campaign_drops, campaign_recipients
from core.sending import answers, campaigns, expansion
from core.sending.windows import claim
from tests.support.engine import Engine
from tests.support.world import NOON

ONE, TWO, THREE = "+33612345620", "+33612345621", "+33612345622"
TOMORROW = NOON + 24 * 3_600_000


def edit(engine: Engine, account: Account, campaign_id: str, **changes: Any) -> Any:
    with engine.runtime.begin() as tx:
        return campaigns.edit(tx, account, campaign_id, changes)


def cancel(engine: Engine, account: Account, campaign_id: str) -> Any:
    with engine.runtime.begin() as tx:
        return campaigns.cancel(tx, account.id, campaign_id)


def copy(engine: Engine, account: Account, campaign_id: str) -> Any:
    with engine.runtime.begin() as tx:
        return campaigns.copy(tx, account, "console", campaign_id)


def resend(engine: Engine, account: Account, campaign_id: str) -> Any:
    with engine.runtime.begin() as tx:
        return campaigns.resend(tx, account, "console", campaign_id)


def code_of(work: Any, *arguments: Any, **changes: Any) -> str:
    with pytest.raises(Refused) as caught:
        work(*arguments, **changes)
    return caught.value.code


def numbers(engine: Engine) -> list[int]:
    return sorted(taken.number for taken in engine.taken())


def test_a_campaign_goes_to_each_number_once_and_is_finished(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE, TWO, "0612345620", text="Bonjour $prenom")
    assert made.status == "expanding"
    engine.settle()
    assert numbers(engine) == [33612345620, 33612345621]
    assert engine.campaign_row(made.id).status == "finished"
    assert [fact["campaign_id"] for fact in engine.facts(account, "campaign.finished")] == [made.id]
    assert engine.faults() == []


def test_groups_are_resolved_when_it_starts_and_explicit_recipients_when_it_is_accepted(engine: Engine) -> None:
    account = engine.account()
    group_id = engine.group(account)
    ada = engine.person(account, ONE, prenom="Ada")
    with engine.runtime.begin() as tx:
        draft = campaigns.CampaignDraft("Bonjour $prenom", send_at=TOMORROW, groups=[group_id], contacts=[ada.id])
        campaigns.create(tx, account, "api", draft)
        contacts.change(tx, account.id, ada.id, {"prenom": "Augusta", "number": THREE})
    engine.person(account, TWO, group_id, prenom="Zoe")
    engine.later(days=1)
    assert {taken.number: taken.text for taken in engine.taken()} == {
        33612345620: "Bonjour Ada STOP 36034",
        33612345621: "Bonjour Zoe STOP 36034",
    }


def test_a_contact_of_another_account_and_a_group_of_another_account_are_refused(engine: Engine) -> None:
    mine, other = engine.account(), engine.account("Other")
    theirs, group_id = engine.person(other, ONE), engine.group(other)
    assert code_of(engine.campaign, mine, contacts=[theirs.id]) == "unknown_contact"
    assert code_of(engine.campaign, mine, groups=[group_id]) == "unknown_group"


def test_a_campaign_without_anybody_is_refused(engine: Engine) -> None:
    account = engine.account()
    assert code_of(engine.campaign, account) == "no_recipients"
    assert code_of(engine.campaign, account, "123", "+33123456789") == "no_recipients"


def test_wrong_numbers_and_duplicates_are_kept_as_drops(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE, ONE, "123")
    with engine.runtime.read() as tx:
        rows = tx.all(select(campaign_drops.c.given, campaign_drops.c.reason))
    assert sorted(map(tuple, rows)) == [(ONE, "duplicate"), ("123", "invalid_number")]
    engine.settle()
    assert len(engine.messages(account)) == 1
    assert engine.campaign_row(made.id).expanded == 1


def test_without_credits_a_campaign_for_now_is_refused_and_one_for_later_is_not(engine: Engine) -> None:
    account = engine.account(credits=0)
    assert code_of(engine.campaign, account, ONE) == "not_enough_credits"
    assert engine.campaign(account, ONE, send_at=TOMORROW).status == "scheduled"


def test_a_scheduled_campaign_moves_no_credits_until_it_starts(engine: Engine) -> None:
    account = engine.account(credits=10)
    engine.campaign(account, ONE, TWO, send_at=TOMORROW)
    engine.settle()
    assert engine.balance(account).held == 0
    engine.later(days=1)
    assert engine.balance(account).spent == 2000


def test_an_edit_before_the_start_is_whole(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE, text="Bonjour", send_at=TOMORROW, name="Soldes")
    changed = edit(engine, account, made.id, text="Bonsoir", recipients=[{"to": TWO}], sender="Acme", name="Encore")
    assert (changed.text, changed.sender, changed.name, changed.send_at) == ("Bonsoir", "Acme", "Encore", TOMORROW)
    engine.later(days=1)
    assert [(taken.number, taken.text, taken.sender) for taken in engine.taken()] == [
        (33612345621, "Bonsoir STOP 36034", "Acme")
    ]


def test_an_edit_to_another_time_moves_the_start(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE, send_at=TOMORROW)
    edit(engine, account, made.id, send_at=TOMORROW + 3_600_000)
    engine.later(days=1)
    assert engine.taken() == []
    edit(engine, account, made.id, send_at=None)
    engine.settle()
    assert len(engine.taken()) == 1


def test_an_edit_after_the_start_is_refused(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE)
    assert code_of(edit, engine, account, made.id, text="Bonsoir") == "already_started"


def test_a_worker_that_woke_before_an_edit_does_not_start_what_the_edit_put_off(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE, send_at=TOMORROW)
    engine.clock.forward(days=1)
    job = jobs.claim(engine.runtime, engine.handlers)
    assert job is not None
    edit(engine, account, made.id, send_at=TOMORROW + 24 * 3_600_000)
    expansion._begin(engine.runtime, job)
    assert engine.campaign_row(made.id).status == "scheduled"
    engine.settle()
    assert engine.taken() == []
    engine.later(days=1)
    assert len(engine.taken()) == 1


def test_an_edit_obeys_the_rules_of_purpose_and_mention(engine: Engine) -> None:
    account = engine.account(kind="notification")
    made = engine.campaign(account, ONE, send_at=TOMORROW, stop=False)
    assert not made.stop
    assert not edit(engine, account, made.id, text="Bonsoir").stop
    assert code_of(edit, engine, account, made.id, purpose="otp") == "otp_not_granted"
    assert edit(engine, account, made.id, purpose="marketing").stop
    assert code_of(edit, engine, account, made.id, stop=False) == "stop_required"


def test_an_edit_that_leaves_nobody_is_refused(engine: Engine) -> None:
    account = engine.account()
    group_id = engine.group(account)
    grouped = engine.campaign(account, groups=[group_id], send_at=TOMORROW)
    assert code_of(edit, engine, account, grouped.id, groups=[]) == "no_recipients"
    explicit = engine.campaign(account, ONE, send_at=TOMORROW)
    assert code_of(edit, engine, account, explicit.id, recipients=[]) == "no_recipients"
    assert code_of(edit, engine, account, explicit.id, recipients=[{"to": "123"}]) == "no_recipients"
    assert edit(engine, account, explicit.id, recipients=[], groups=[group_id]).status == "scheduled"


def test_an_edit_of_contacts_keeps_the_written_recipients_and_the_other_way_round(engine: Engine) -> None:
    account = engine.account()
    ada, zoe = engine.person(account, TWO, prenom="Ada"), engine.person(account, THREE, prenom="Zoe")
    made = engine.campaign(account, ONE, contacts=[ada.id], send_at=TOMORROW)
    edit(engine, account, made.id, contacts=[zoe.id])
    assert _explicit(engine, made.id) == {33612345620, 33612345622}
    edit(engine, account, made.id, recipients=[{"to": TWO}])
    assert _explicit(engine, made.id) == {33612345621, 33612345622}


def _explicit(engine: Engine, campaign_id: str) -> set[int]:
    with engine.runtime.read() as tx:
        mine = select(campaign_recipients.c.number).where(campaign_recipients.c.campaign_id == campaign_id)
        return {row.number for row in tx.all(mine)}


def test_a_campaign_cancelled_before_its_start_sends_nothing(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE, send_at=TOMORROW)
    assert cancel(engine, account, made.id).status == "cancelled"
    engine.later(days=2)
    assert engine.messages(account) == []
    assert code_of(edit, engine, account, made.id, text="Bonsoir") == "already_started"


def test_cancelling_while_sending_cancels_what_is_not_claimed_and_gives_its_price_back(engine: Engine) -> None:
    account = engine.account(credits=700)
    made = engine.campaign(account, *(f"+336123{n // 80:03d}{20 + n % 80}" for n in range(600)))
    jobs.work(engine.runtime, engine.handlers)
    engine.serve()
    cancel(engine, account, made.id)
    engine.settle()
    assert len(engine.taken()) == 500
    found = [row.status for row in engine.messages(account)]
    assert found.count("cancelled") == 100
    assert engine.balance(account).held == 0
    assert engine.campaign_row(made.id).status == "cancelled"
    assert engine.faults() == []


def test_a_claim_that_comes_before_the_job_takes_a_cancelled_campaign_back_too(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE, TWO)
    jobs.work(engine.runtime, engine.handlers)
    cancel(engine, account, made.id)
    assert engine.serve()
    assert engine.taken() == []
    assert set(engine.statuses(account).values()) == {"cancelled"}
    engine.settle()
    assert engine.faults() == []


def test_a_campaign_that_is_over_is_only_hidden(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE)
    engine.settle()
    assert [cancel(engine, account, made.id).status for _ in range(2)] == ["finished", "finished"]
    with engine.runtime.read() as tx:
        assert campaigns.listing(tx, account.id, 10) == []
    assert list(engine.statuses(account).values()) == ["received"]


def test_campaigns_are_listed_newest_first_and_by_status(engine: Engine) -> None:
    account = engine.account()
    first, second = engine.campaign(account, ONE), engine.campaign(account, TWO, send_at=TOMORROW)
    engine.settle()
    with engine.runtime.read() as tx:
        assert [row.id for row in campaigns.listing(tx, account.id, 10)] == [second.id, first.id]
        assert [row.id for row in campaigns.listing(tx, account.id, 10, second.id)] == [first.id]
        assert [row.id for row in campaigns.listing(tx, account.id, 10, status="scheduled")] == [second.id]
        assert campaigns.counted(tx, [first.id, second.id]) == {first.id: {"received": 1}, second.id: {}}


def test_a_copy_keeps_a_time_to_come_its_recipients_and_its_groups(engine: Engine) -> None:
    account = engine.account()
    group_id = engine.group(account, TWO)
    made = engine.campaign(account, ONE, text="Bonjour", groups=[group_id], send_at=TOMORROW)
    again = copy(engine, account, made.id)
    assert (again.status, again.send_at, again.source) == ("scheduled", TOMORROW, "console")
    engine.later(days=1)
    assert numbers(engine) == [33612345620, 33612345620, 33612345621, 33612345621]
    now = copy(engine, account, made.id)
    assert (now.status, now.send_at) == ("expanding", None)


def test_a_copy_for_now_without_credits_is_refused(engine: Engine) -> None:
    account = engine.account(credits=1)
    made = engine.campaign(account, ONE)
    engine.settle()
    assert code_of(copy, engine, account, made.id) == "not_enough_credits"
    assert code_of(resend, engine, account, made.id) == "not_enough_credits"


def test_a_resend_goes_to_the_same_numbers_less_those_who_opted_out(engine: Engine) -> None:
    account = engine.account()
    group_id = engine.group(account, ONE, TWO)
    made = engine.campaign(account, groups=[group_id], text="Bonjour $prenom")
    engine.settle()
    engine.block(account, 33612345621)
    engine.person(account, THREE, group_id)
    again = resend(engine, account, made.id)
    engine.settle()
    assert numbers(engine) == [33612345620, 33612345620, 33612345621]
    assert engine.campaign_row(again.id).status == "finished"
    assert engine.faults() == []


def test_a_resend_keeps_the_names_it_was_given(engine: Engine) -> None:
    account = engine.account()
    with engine.runtime.begin() as tx:
        draft = campaigns.CampaignDraft("Bonjour $prenom", recipients=[{"to": ONE, "prenom": "Ada"}])
        made = campaigns.create(tx, account, "api", draft)
    engine.settle()
    resend(engine, account, made.id)
    engine.settle()
    assert {taken.text for taken in engine.taken()} == {"Bonjour Ada STOP 36034"}


def test_a_copy_of_a_resend_that_has_not_begun_goes_to_everybody_too(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE, TWO)
    engine.settle()
    again = resend(engine, account, made.id)
    copy(engine, account, again.id)
    engine.settle()
    assert numbers(engine) == [33612345620] * 3 + [33612345621] * 3


def test_a_resend_obeys_the_rules_of_today(engine: Engine) -> None:
    account = engine.account(kind="notification", otp=True)
    plain, password = engine.campaign(account, ONE, stop=False), engine.campaign(account, ONE, purpose="otp")
    engine.settle()
    with engine.runtime.begin() as tx:
        accounts.grant_otp(tx, account.id, granted=False, actor="operator")
        stricter = accounts.become(tx, account.id, "marketing", "operator")
    assert resend(engine, stricter, plain.id).stop
    assert code_of(resend, engine, stricter, password.id) == "otp_not_granted"
    assert code_of(copy, engine, stricter, password.id) == "otp_not_granted"


def test_what_never_started_cannot_be_sent_again(engine: Engine) -> None:
    account = engine.account()
    waiting = engine.campaign(account, ONE, send_at=TOMORROW)
    assert code_of(resend, engine, account, waiting.id) == "not_started"
    cancel(engine, account, waiting.id)
    engine.settle()
    assert code_of(resend, engine, account, waiting.id) == "not_started"


def test_a_campaign_of_another_account_is_not_found(engine: Engine) -> None:
    made, other = engine.campaign(engine.account(), ONE), engine.account("Other")
    for work in (edit, cancel, copy, resend):
        assert code_of(work, engine, other, made.id) == "not_found"


def test_a_deleted_group_is_an_empty_one_for_a_campaign_that_waits(engine: Engine) -> None:
    account = engine.account()
    group_id = engine.group(account, ONE)
    made = engine.campaign(account, TWO, groups=[group_id], send_at=TOMORROW)
    with engine.runtime.begin() as tx:
        groups.remove(tx, account.id, group_id)
    assert edit(engine, account, made.id, name="Encore").name == "Encore"
    engine.later(days=1)
    assert numbers(engine) == [33612345621]


def test_cancelling_waits_for_nobody_and_leaves_what_is_in_flight_to_its_window(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE, TWO)
    jobs.work(engine.runtime, engine.handlers)
    window = claim(engine.runtime, "simulator", "test", 1, {})
    assert window is not None
    cancel(engine, account, made.id)
    assert jobs.work(engine.runtime, engine.handlers)
    assert sorted(engine.statuses(account).values()) == ["cancelled", "sending"]
    answers.record(engine.runtime, window, [Accepted(window.attempts[0].reference, "c-1")])
    answers.close(engine.runtime, window)
    assert sorted(engine.statuses(account).values()) == ["cancelled", "sent"]
    assert engine.faults() == []
