"""Messages one at a time, as users handle them."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select, update

from core import accounts, jobs
from core.accounts import Account
from core.errors import Refused
from core.schema import campaign_counts, chunks, messages, windows
from core.schema import campaigns as campaign_rows
from core.sending import campaigns, singles
from core.sending.campaigns import CampaignDraft
from core.sending.message import STATUSES
from core.sending.singles import Filters
from tests.support.engine import Engine
from tests.support.world import NOON

PARIS = "+33612345620"
TOMORROW = NOON + 24 * 3_600_000


def edit(engine: Engine, account: Account, message_id: str, **changes: Any) -> Any:
    with engine.runtime.begin() as tx:
        return singles.edit(tx, account, message_id, changes)


def cancel(engine: Engine, account: Account, message_id: str) -> Any:
    with engine.runtime.begin() as tx:
        return singles.cancel(tx, account.id, message_id)


def copy(engine: Engine, account: Account, message_id: str) -> Any:
    with engine.runtime.begin() as tx:
        return singles.copy(tx, account, "console", message_id)


def listed(engine: Engine, account: Account, **filters: Any) -> list[str]:
    with engine.runtime.read() as tx:
        return [row.id for row in singles.page(tx, account.id, 50, None, Filters(**filters)).rows]


def code_of(work: Any, *arguments: Any, **changes: Any) -> str:
    with pytest.raises(Refused) as caught:
        work(*arguments, **changes)
    return caught.value.code


def test_a_foreign_message_is_not_found(engine: Engine) -> None:
    mine, other = engine.account(), engine.account("Other")
    sent = engine.send(mine, PARIS)
    for work in (cancel, copy, edit):
        assert code_of(work, engine, other, sent.id) == "not_found"


def test_an_edit_makes_what_a_new_draft_with_these_fields_would_be(engine: Engine) -> None:
    account = engine.account()
    made = engine.send(account, PARIS, "Bonjour", send_at=TOMORROW, reference="r1", validity_minutes=30)
    changed = edit(engine, account, made.id, text="Bonsoir " * 30, sender="Acme")
    assert (changed.id, changed.created_at, changed.status) == (made.id, made.created_at, "scheduled")
    assert changed.text.endswith("Bonsoir STOP 36034")
    assert (changed.segments, changed.millicredits, changed.sender) == (2, 2000, "Acme")
    assert (changed.reference, changed.send_at, changed.expires_at) == ("r1", TOMORROW, TOMORROW + 30 * 60_000)


def test_an_edit_of_the_time_alone_keeps_the_text_as_it_was(engine: Engine) -> None:
    account = engine.account()
    made = engine.send(account, PARIS, "Bonjour", send_at=TOMORROW)
    changed = edit(engine, account, made.id, send_at=TOMORROW + 1000)
    assert (changed.text, changed.send_at) == ("Bonjour STOP 36034", TOMORROW + 1000)
    engine.later(days=1)
    assert engine.taken() == []
    engine.later(seconds=1)
    assert len(engine.taken()) == 1


def test_an_edit_to_a_number_that_opted_out_is_blacklisted(engine: Engine) -> None:
    account = engine.account()
    engine.block(account, 33612345621)
    made = engine.send(account, PARIS, send_at=TOMORROW)
    assert edit(engine, account, made.id, to="+33612345621").status == "blacklisted"
    engine.later(days=2)
    assert engine.taken() == []


def test_an_edit_to_another_country_has_the_mention_of_that_country(engine: Engine) -> None:
    account = engine.account()
    made = engine.send(account, PARIS, send_at=TOMORROW)
    assert edit(engine, account, made.id, to="+447400123456").text == "Bonjour stop.test"


def test_an_edit_that_is_refused_leaves_the_message_as_it_was(engine: Engine) -> None:
    account = engine.account()
    made = engine.send(account, PARIS, send_at=TOMORROW)
    assert code_of(edit, engine, account, made.id, stop=False) == "stop_required"
    assert code_of(edit, engine, account, made.id, to="123") == "invalid_number"
    assert code_of(edit, engine, account, made.id, purpose="otp") == "otp_not_granted"
    assert engine.row(made.id).text == "Bonjour STOP 36034"


def test_a_notification_that_becomes_marketing_carries_the_mention(engine: Engine) -> None:
    account = engine.account(kind="notification")
    made = engine.send(account, PARIS, stop=False, send_at=TOMORROW)
    assert made.text == "Bonjour"
    changed = edit(engine, account, made.id, purpose="marketing")
    assert (changed.text, changed.mention) == ("Bonjour STOP 36034", True)


def test_a_notification_keeps_its_choice_of_no_mention_through_edits_and_copies(engine: Engine) -> None:
    account = engine.account(kind="notification")
    made = engine.send(account, PARIS, stop=False, send_at=TOMORROW)
    assert edit(engine, account, made.id, text="Bonsoir").text == "Bonsoir"
    assert copy(engine, account, made.id).text == "Bonsoir"


def test_an_edit_of_what_has_started_is_refused(engine: Engine) -> None:
    account = engine.account()
    sent = engine.send(account, PARIS)
    assert code_of(edit, engine, account, sent.id, text="Bonsoir") == "already_started"


def test_an_edit_to_now_holds_the_price_or_is_refused(engine: Engine) -> None:
    account = engine.account(credits=1)
    first = engine.send(account, PARIS, send_at=TOMORROW)
    second = engine.send(account, "+33612345621", send_at=TOMORROW)
    assert edit(engine, account, first.id, send_at=None).status == "queued"
    assert code_of(edit, engine, account, second.id, send_at=None) == "not_enough_credits"
    assert engine.row(second.id).status == "scheduled"
    engine.settle()
    assert engine.faults() == []


@pytest.mark.parametrize("send_at", [None, TOMORROW])
def test_delete_cancels_what_is_scheduled_or_queued_and_gives_the_price_back(
    engine: Engine, send_at: int | None
) -> None:
    account = engine.account(credits=5)
    sent = engine.send(account, PARIS, send_at=send_at)
    assert cancel(engine, account, sent.id).status == "cancelled"
    assert engine.balance(account).available == 5000
    engine.later(days=2)
    assert engine.taken() == []
    assert engine.faults() == []


def test_delete_of_a_message_under_way_is_refused(engine: Engine) -> None:
    account = engine.account()
    lost = engine.send(account, "+33612345613")
    engine.settle()
    assert engine.row(lost.id).status == "unknown"
    assert code_of(cancel, engine, account, lost.id) == "in_progress"


def test_delete_of_a_final_message_hides_it_from_lists_and_keeps_it_in_reports(engine: Engine) -> None:
    account = engine.account()
    sent = engine.send(account, PARIS)
    engine.settle()
    cancel(engine, account, sent.id)
    assert listed(engine, account) == []
    assert cancel(engine, account, sent.id).id == sent.id  # doing it again is no fault
    assert engine.row(sent.id).status == "received"
    assert engine.faults() == []


def test_a_copy_keeps_a_time_to_come_and_else_goes_now(engine: Engine) -> None:
    account = engine.account()
    made = engine.send(account, PARIS, send_at=TOMORROW, validity_minutes=30)
    again = copy(engine, account, made.id)
    assert (again.status, again.send_at, again.source, again.text) == (
        "scheduled",
        TOMORROW,
        "console",
        "Bonjour STOP 36034",
    )
    assert again.id != made.id
    engine.later(days=2)
    late = copy(engine, account, made.id)
    assert (late.status, late.expires_at) == ("queued", engine.clock.now + 30 * 60_000)


def test_a_copy_of_a_message_whose_time_had_passed_keeps_its_validity(engine: Engine) -> None:
    account = engine.account()
    made = engine.send(account, PARIS, send_at=NOON - 3_600_000, validity_minutes=30)
    assert copy(engine, account, made.id).expires_at == NOON + 30 * 60_000


def test_a_copy_obeys_the_blacklist_and_the_rules_of_today(engine: Engine) -> None:
    account = engine.account(kind="notification", otp=True)
    plain = engine.send(account, PARIS, stop=False)
    password = engine.send(account, PARIS, purpose="otp")
    engine.block(account, 33612345620)
    assert copy(engine, account, plain.id).status == "blacklisted"
    assert copy(engine, account, password.id).status == "queued"
    with engine.runtime.begin() as tx:
        accounts.grant_otp(tx, account.id, granted=False, actor="operator")
        stricter = accounts.become(tx, account.id, "marketing", "operator")
    assert copy(engine, stricter, plain.id).mention
    assert code_of(copy, engine, stricter, password.id) == "otp_not_granted"


def test_a_copy_of_a_text_with_a_saved_euro_asks_for_the_euro_no_more(engine: Engine) -> None:
    account = engine.account()
    made = engine.send(account, PARIS, "€" + "a" * 148)
    again = copy(engine, account, made.id)
    assert (again.text, again.segments) == (made.text, 1)


def test_lists_are_newest_first_and_filtered(engine: Engine) -> None:
    account = engine.account()
    first = engine.send(account, PARIS, reference="r1")
    engine.settle()
    engine.clock.forward(hours=1)
    second = engine.send(account, "+33612345621", send_at=TOMORROW)
    asked: Mapping[str, Mapping[str, Any]] = {
        "all": {},
        "received": {"status": "received"},
        "reference": {"reference": "r1"},
        "number": {"number": 33612345621},
        "after": {"created_after": NOON},
        "before": {"created_before": NOON + 1},
        "campaign": {"campaign_id": first.id},
        "number in a campaign": {"campaign_id": first.id, "number": 33612345621},
        "number and reference": {"number": 33612345620, "reference": "r1"},
        "reference of another number": {"number": 33612345621, "reference": "r1"},
        "campaign of nobody": {"campaign_id": account.id},
        "scheduled in a campaign": {"campaign_id": first.id, "status": "scheduled"},
        "scheduled": {"status": "scheduled"},
        "scheduled before": {"status": "scheduled", "created_before": NOON},
    }
    found = {name: listed(engine, account, **filters) for name, filters in asked.items()}
    assert found == {
        "all": [second.id, first.id],
        "received": [first.id],
        "reference": [first.id],
        "number": [second.id],
        "after": [second.id],
        "before": [first.id],
        "campaign": [],
        "number in a campaign": [],
        "number and reference": [first.id],
        "reference of another number": [],
        "campaign of nobody": [],
        "scheduled in a campaign": [],
        "scheduled": [second.id],
        "scheduled before": [],
    }


def test_a_page_looks_at_so_many_messages_and_the_next_one_goes_on_there(engine: Engine) -> None:
    account = engine.account()
    heard = engine.send(account, PARIS).id
    engine.settle()
    later = [engine.send(account, PARIS).id for _ in range(4)]
    with engine.runtime.begin() as tx:
        tx.execute(update(messages).where(messages.c.id.in_(later)).values(status="sent"))
    asked = Filters(status="received")
    with engine.runtime.read() as tx:
        pages = [singles.page(tx, account.id, 2, None, asked, look=2)]
        while pages[-1].next_after:
            pages.append(singles.page(tx, account.id, 2, pages[-1].next_after, asked, look=2))
        absent = singles.page(tx, account.id, 2, None, Filters(status="delivered_operator"), look=5)
        full = singles.page(tx, account.id, 2, None, Filters(status="sent"), look=3)
    assert [[row.id for row in page.rows] for page in pages] == [[], [], [heard]]
    assert [page.next_after for page in pages] == [later[2], later[0], None]
    assert (absent.rows, absent.next_after) == ([], heard)
    assert ([row.id for row in full.rows], full.next_after) == ([later[3], later[2]], later[2])


def test_every_status_is_listed_alone_and_in_its_campaign(engine: Engine) -> None:
    account, other = engine.account(), engine.account("Other")
    run = engine.campaign(account, *(f"+336123457{n}" for n in range(10, 10 + len(STATUSES))))
    while jobs.work(engine.runtime, engine.handlers):
        pass
    singly = [engine.send(whose, f"+336123456{n}").id for whose in (account, other) for n in range(10, 24)]
    born = [row.id for row in engine.messages(account) if row.campaign_id]
    with engine.runtime.begin() as tx:
        for place, status in enumerate(sorted(STATUSES)):
            which = [born[place], singly[place], singly[place + 14]]
            tx.execute(update(messages).where(messages.c.id.in_(which)).values(status=status))
            counted = {"campaign_id": run.id, "status": status, "country": "FR", "messages": 1, "millicredits": 0}
            tx.execute(campaign_counts.insert().values(id=tx.new_id(), **counted))
        for row in tx.all(select(messages.c.chunk_id).where(messages.c.status == "sending")):
            window = {"id": tx.new_id(), "chunk_id": row.chunk_id, "carrier": "scripted", "owner": "test", "size": 1}
            tx.execute(windows.insert().values(**window, claimed_at=1, lease_until=1))
    for place, status in enumerate(sorted(STATUSES)):
        assert set(listed(engine, account, status=status)) == {born[place], singly[place]}
        assert listed(engine, account, status=status, campaign_id=run.id) == [born[place]]
        assert listed(engine, account, status=status, number=33612345600 + 10 + place) == [singly[place]]


def test_a_status_that_the_counters_of_a_campaign_do_not_know_is_not_looked_for(engine: Engine) -> None:
    account = engine.account()
    run = engine.campaign(account, PARIS)
    engine.settle()
    with engine.runtime.read() as tx:
        page = singles.page(tx, account.id, 1, None, Filters(status="sent", campaign_id=run.id), look=1)
    assert (list(page.rows), page.next_after) == ([], None)


def test_what_is_queued_is_listed_newest_first_page_by_page(engine: Engine) -> None:
    account, other = engine.account(), engine.account("Other")
    sent = engine.send(account, PARIS)
    engine.settle()
    singly = [engine.send(account, f"+336123456{n}").id for n in range(30, 33)]
    run = engine.campaign(account, *(f"+336123457{n}" for n in range(30, 36)))
    engine.send(other, PARIS)
    while jobs.work(engine.runtime, engine.handlers):
        pass
    ids = [row.id for row in engine.messages(account) if row.status == "queued"]
    with engine.runtime.read() as tx:
        pages = [singles.page(tx, account.id, 4, None, Filters(status="queued"))]
        while pages[-1].next_after:
            pages.append(singles.page(tx, account.id, 4, pages[-1].next_after, Filters(status="queued")))
    assert [row.id for page in pages for row in page.rows] == ids[::-1]
    assert sent.id not in ids
    assert set(singly) < set(ids)
    assert listed(engine, account, status="queued", campaign_id=run.id) == [
        id_ for id_ in ids[::-1] if id_ not in singly
    ]
    assert listed(engine, account, status="queued", created_after=engine.clock.now + 1) == []


def test_what_is_queued_is_listed_while_its_campaign_is_still_expanded(engine: Engine) -> None:
    account = engine.account()
    engine.campaign(account, *(f"+336123457{n}" for n in range(30, 36)))
    while jobs.work(engine.runtime, engine.handlers):
        pass
    with engine.runtime.begin() as tx:
        tx.execute(update(chunks).values(status="building"))
        tx.execute(update(campaign_rows).values(status="expanding"))
    assert len(listed(engine, account, status="queued")) == 6


def test_a_list_goes_on_after_the_last_one_seen(engine: Engine) -> None:
    account = engine.account()
    ids = [engine.send(account, PARIS, str(n)).id for n in range(3)]
    with engine.runtime.read() as tx:
        page = singles.page(tx, account.id, 2, ids[2])
    assert [row.id for row in page.rows] == [ids[1], ids[0]]
    assert page.next_after is None


def test_which_of_some_ids_are_the_accounts_messages(engine: Engine) -> None:
    mine, other = engine.account(), engine.account("Other")
    own, foreign = engine.send(mine, PARIS), engine.send(other, PARIS)
    with engine.runtime.read() as tx:
        assert singles.owned(tx, mine.id, [own.id, foreign.id]) == {own.id}
        assert singles.owned(tx, mine.id, []) == set()


def test_the_messages_of_a_campaign_are_listed_to_its_account_alone(engine: Engine) -> None:
    account, other = engine.account(), engine.account("Other")
    with engine.runtime.begin() as tx:
        people = [{"to": PARIS}, {"to": "+33612345621"}]
        made = campaigns.create(tx, account, "api", CampaignDraft("Bonjour", recipients=people))
    engine.send(account, PARIS)
    engine.settle()
    first, second = [row.id for row in engine.messages(account) if row.campaign_id]
    assert listed(engine, account, campaign_id=made.id) == [second, first]
    assert listed(engine, account, campaign_id=made.id, number=33612345620) == [first]
    assert listed(engine, account, campaign_id=made.id, status="scheduled") == []
    assert listed(engine, other, campaign_id=made.id) == []
