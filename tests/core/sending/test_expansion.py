"""From a campaign to its messages."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from core import accounts, jobs
from core.audience import contacts
from core.errors import Refused
from core.schema import campaign_drops, chunks
from core.sending import campaigns, expansion, recipients
from core.sending import chunks as queue
from core.sending.ahead import Ahead
from tests.support.engine import Engine
from tests.support.scripted import Scripted
from tests.support.world import NOON

ONE, TWO, THREE = "+33612345620", "+33612345621", "+33612345622"
TOMORROW = NOON + 24 * 3_600_000


@pytest.fixture
def small_pages(make_engine: Callable[..., Engine]) -> Engine:
    return make_engine(page=10)


def people(count: int) -> list[str]:
    """Numbers that the simulator delivers to."""
    return [f"+3361{n // 80:05d}{20 + n % 80}" for n in range(count)]


class Killed(BaseException):
    """The process is gone: nothing may catch it."""


def numbers(engine: Engine) -> list[int]:
    return sorted(taken.number for taken in engine.taken())


def expand(engine: Engine, job: jobs.Job, page: int = recipients.PAGE) -> None:
    """One page of a campaign."""
    with Ahead(engine.runtime, job.subject_id, page) as ahead:
        expansion._expand(engine.runtime, job, ahead)


def test_nobody_is_texted_twice_across_groups_and_explicit_recipients(engine: Engine) -> None:
    account = engine.account()
    first = engine.group(account, ONE, TWO, name="One")
    second = engine.group(account, TWO, THREE, name="Two")
    engine.campaign(account, ONE, THREE, groups=[first, second])
    engine.settle()
    assert numbers(engine) == [33612345620, 33612345621, 33612345622]
    assert engine.faults() == []


def test_one_number_with_two_contacts_in_a_group_is_texted_once(engine: Engine) -> None:
    account = engine.account()
    group_id = engine.group(account, ONE, ONE)
    made = engine.campaign(account, groups=[group_id])
    engine.settle()
    assert len(engine.taken()) == 1
    assert [row.reason for row in engine.all(campaign_drops) if row.campaign_id == made.id] == ["duplicate"]


def test_archived_contacts_are_left_out(engine: Engine) -> None:
    account = engine.account()
    group_id = engine.group(account, ONE, TWO)
    with engine.runtime.begin() as tx:
        contacts.archive_numbers(tx, account.id, [33612345620], "failed_permanent")
    engine.campaign(account, groups=[group_id])
    engine.settle()
    assert numbers(engine) == [33612345621]


def test_who_opted_out_is_blacklisted_at_no_price(engine: Engine) -> None:
    account = engine.account(credits=1)
    engine.block(account, 33612345620)
    engine.campaign(account, ONE, TWO)
    engine.settle()
    assert engine.statuses(account) == {33612345620: "blacklisted", 33612345621: "received"}
    assert engine.balance(account).available == 0


def test_an_opt_out_between_expansion_and_claim_binds(engine: Engine) -> None:
    account = engine.account()
    engine.campaign(account, ONE, TWO)
    jobs.work(engine.runtime, engine.handlers)
    engine.block(account, 33612345620)
    engine.settle()
    assert numbers(engine) == [33612345621]
    assert engine.faults() == []


def test_a_campaign_that_cannot_be_paid_becomes_no_credit_as_a_whole_and_holds_are_given_back(
    small_pages: Engine,
) -> None:
    engine = small_pages
    account = engine.account(credits=25)
    made = engine.campaign(account, *people(30))
    engine.settle()
    assert engine.taken() == []
    assert Counter(engine.statuses(account).values()) == {"no_credit": 30}
    assert (engine.balance(account).available, engine.balance(account).held) == (25_000, 0)
    row = engine.campaign_row(made.id)
    assert (row.status, row.status_detail) == ("finished", "no_credit")
    assert engine.unpaid == [made.id]
    assert len(engine.facts(account, "campaign.finished")) == 1
    assert engine.faults() == []
    engine.top_up(account, 5)
    with engine.runtime.begin() as tx:
        campaigns.resend(tx, account, "api", made.id)
    engine.settle()
    assert len(set(numbers(engine))) == len(engine.taken()) == 30
    assert engine.faults() == []


def test_a_scheduled_campaign_without_credits_at_its_start_is_no_credit(engine: Engine) -> None:
    account = engine.account(credits=0)
    made = engine.campaign(account, ONE, TWO, send_at=TOMORROW)
    engine.later(days=1)
    assert set(engine.statuses(account).values()) == {"no_credit"}
    assert engine.campaign_row(made.id).status_detail == "no_credit"


def test_nothing_is_claimed_before_the_last_page_is_in(engine: Engine) -> None:
    account = engine.account()
    engine.campaign(account, *people(15))
    job = jobs.claim(engine.runtime, engine.handlers)
    assert job is not None
    expand(engine, job, 10)
    assert engine.messages(account)
    assert not engine.serve()
    expand(engine, job, 10)
    assert engine.serve()


def test_cancelling_while_expanding_leaves_no_hold_and_sends_nothing(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, *people(15))
    job = jobs.claim(engine.runtime, engine.handlers)
    assert job is not None
    expand(engine, job, 10)
    assert engine.balance(account).held > 0
    with engine.runtime.begin() as tx:
        campaigns.cancel(tx, account.id, made.id)
    expansion.run(engine.runtime, job)  # the worker that was at it stops
    assert engine.balance(account).held > 0
    engine.settle()
    assert engine.taken() == []
    assert engine.balance(account).held == 0
    assert set(engine.statuses(account).values()) == {"cancelled"}
    assert engine.faults() == []


@pytest.mark.parametrize("page", [0, 1, 2])
def test_a_kill_resumes_and_nobody_is_texted_twice(small_pages: Engine, page: int) -> None:
    engine = small_pages
    account = engine.account()
    engine.campaign(account, *people(25))
    pages = iter(range(100))

    def killed_at(point: str) -> None:
        if point == "expansion.page" and next(pages) == page:
            raise Killed

    with pytest.raises(Killed):
        jobs.work(engine.runtime.as_of(fault=killed_at), engine.handlers)
    engine.later(seconds=61)
    assert len(engine.taken()) == len(set(numbers(engine))) == 25
    assert engine.faults() == []


def test_the_worker_that_lost_its_lease_writes_nothing(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE)
    lost = jobs.claim(engine.runtime, engine.handlers)
    assert lost is not None
    engine.clock.forward(seconds=61)
    assert jobs.claim(engine.runtime, engine.handlers) is not None
    expand(engine, lost)
    assert engine.campaign_row(made.id).status == "expanding"
    assert engine.messages(account) == []


def test_a_campaign_whose_terms_became_impossible_is_over_and_its_account_is_told(engine: Engine) -> None:
    account = engine.account(otp=True)
    made = engine.campaign(account, ONE, purpose="otp", send_at=TOMORROW)
    with engine.runtime.begin() as tx:
        accounts.grant_otp(tx, account.id, granted=False, actor="operator")
    engine.later(days=1)
    row = engine.campaign_row(made.id)
    assert (row.status, row.status_detail) == ("finished", "otp_not_granted")
    assert engine.unpaid == [made.id]
    assert engine.taken() == []


def test_a_campaign_of_an_account_that_became_marketing_carries_the_mention(engine: Engine) -> None:
    account = engine.account(kind="notification")
    engine.campaign(account, ONE, stop=False, send_at=TOMORROW)
    with engine.runtime.begin() as tx:
        accounts.become(tx, account.id, "marketing", "operator")
    engine.later(days=1)
    assert [taken.text for taken in engine.taken()] == ["Bonjour STOP 36034"]


def test_a_merged_text_that_cannot_be_sent_is_a_drop_and_the_others_go(engine: Engine) -> None:
    account = engine.account()
    with engine.runtime.begin() as tx:
        people = [{"to": ONE, "nom": "a" * 2000}, {"to": TWO, "nom": "Ada"}, {"to": "+85251234567", "nom": "Bo"}]
        made = campaigns.create(tx, account, "api", campaigns.CampaignDraft("Bonjour $nom", recipients=people))
    engine.settle()
    assert numbers(engine) == [33612345621]
    dropped = {row.given: row.reason for row in engine.all(campaign_drops) if row.campaign_id == made.id}
    assert dropped == {ONE: "text_too_long", "+85251234567": "unpriced_country"}


def test_progress_is_known_from_the_first_page_on(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, *people(15))
    job = jobs.claim(engine.runtime, engine.handlers)
    assert job is not None
    expand(engine, job, 10)
    row = engine.campaign_row(made.id)
    assert row.planned == 15
    assert row.expanded == 9  # the number on the edge may go on on the next page


def test_a_campaign_whose_carrier_was_taken_away_can_still_be_cancelled(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(carrier=Scripted("gone"))
    account = engine.account()
    made = engine.campaign(account, ONE, TWO)
    jobs.work(engine.runtime, engine.handlers)
    with engine.runtime.begin() as tx:
        campaigns.cancel(tx, account.id, made.id)
    assert jobs.work(engine.runtime.as_of(carriers={"other": Scripted("other")}), engine.handlers)
    assert set(engine.statuses(account).values()) == {"cancelled"}
    assert [row.status for row in engine.all(chunks)] == ["done"]


def test_a_group_whose_first_pages_hold_archived_people_is_walked_to_its_end(engine: Engine) -> None:
    account = engine.account()
    group_id = engine.group(account, *(f"+336123456{n}" for n in range(20, 40)))
    with engine.runtime.begin() as tx:
        contacts.archive_numbers(tx, account.id, range(33612345620, 33612345630), "failed_permanent")
        source = recipients.in_group(tx, group_id)
        found: list[Any] = []
        position: int | None = 0
        while position is not None:
            page = recipients.walk([source], position, 3)
            found += [person.number for person in page.recipients]
            position = page.position
    assert found == list(range(33612345630, 33612345640))


def test_a_worker_that_gives_up_late_changes_nothing(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE)
    job = jobs.claim(engine.runtime, engine.handlers)
    assert job is not None
    with engine.runtime.begin() as tx:
        campaigns.cancel(tx, account.id, made.id)
    expansion._give_up(engine.runtime, job, Refused("not_enough_credits", "late"))
    expansion._take_back(engine.runtime, job, "cancelled")
    assert (engine.campaign_row(made.id).status, engine.campaign_row(made.id).status_detail) == ("cancelled", None)


def test_a_page_that_was_read_under_other_terms_is_read_again(engine: Engine) -> None:
    account = engine.account(kind="notification")
    made = engine.campaign(account, ONE, stop=False)
    job = jobs.claim(engine.runtime, engine.handlers)
    assert job is not None
    with Ahead(engine.runtime, made.id, 10) as ahead:
        ahead.start(0, 10)
        assert ahead.take()
        ahead.start(0, 10)
        with engine.runtime.begin() as tx:
            accounts.become(tx, account.id, "marketing", "operator")
        expansion._expand(engine.runtime, job, ahead)
    assert [row.text for row in engine.messages(account)] == ["Bonjour STOP 36034"]


def test_a_page_that_was_read_at_another_place_is_read_again(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, *people(15))
    job = jobs.claim(engine.runtime, engine.handlers)
    assert job is not None
    with Ahead(engine.runtime, made.id, 10) as ahead:
        ahead.start(33612345678, 10)
        expansion._expand(engine.runtime, job, ahead)
    assert len(engine.messages(account)) == 9


def test_a_campaign_cancelled_while_its_next_page_is_read_gets_no_more_messages(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, *people(15))
    job = jobs.claim(engine.runtime, engine.handlers)
    assert job is not None
    with Ahead(engine.runtime, made.id, 10) as ahead:
        expansion._expand(engine.runtime, job, ahead)
        with engine.runtime.begin() as tx:
            campaigns.cancel(tx, account.id, made.id)
        expansion._expand(engine.runtime, job, ahead)
    assert len(engine.messages(account)) == 9
    engine.settle()
    assert set(engine.statuses(account).values()) == {"cancelled"}
    assert engine.faults() == []


def test_nothing_is_read_ahead_of_a_campaign_that_is_gone_or_whose_terms_are_refused(engine: Engine) -> None:
    account = engine.account(otp=True)
    made = engine.campaign(account, ONE, purpose="otp")
    with engine.runtime.begin() as tx:
        accounts.grant_otp(tx, account.id, granted=False, actor="operator")
    for campaign_id in (made.id, account.id):
        with Ahead(engine.runtime, campaign_id, 10) as ahead:
            assert ahead.take() is None
            ahead.start(0, 10)
            assert ahead.take() is None


def test_a_page_larger_than_a_chunk_fills_one_and_begins_another(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(page=queue.SIZE * 2)
    account = engine.account(credits=10_000)
    made = engine.campaign(account, *people(queue.SIZE + 7), "+447400123456")
    engine.block(account, 33610000020)
    jobs.work(engine.runtime, engine.handlers)
    held = Counter(row.chunk_id for row in engine.messages(account))
    assert sorted(held.values()) == [1, 7, queue.SIZE]  # who opted out, and two chunks
    assert held[None] == 1
    row = engine.campaign_row(made.id)
    assert (row.status, row.expanded) == ("sending", queue.SIZE + 8)
    assert engine.faults() == []


def test_every_recipient_has_their_own_words_as_they_were_written(engine: Engine) -> None:
    account = engine.account()
    odd = ["a\tb", "a\\nb", "\\N", "\\.", "Zoë", "O'Brien", '"', "李", "$nom %s", ""] * 3
    named = [{"to": to, "nom": nom} for to, nom in zip(people(len(odd)), odd, strict=True)]
    with engine.runtime.begin() as tx:
        campaigns.create(tx, account, "api", campaigns.CampaignDraft("A $nom\nB\\", recipients=named, stop=None))
    jobs.work(engine.runtime, engine.handlers)
    texts = {row.number: row.text for row in engine.messages(account)}
    assert [texts[number] for number in sorted(texts)] == [f"A {nom}\nB\\ STOP 36034" for nom in odd]
