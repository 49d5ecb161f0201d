"""From drafts to messages."""

import threading
from typing import Any

import pytest
from sqlalchemy import text

from core import accounts, ledger
from core.accounts import Account
from core.errors import Refused
from core.schema import chunks
from core.sending import drafts, submit
from core.sending.drafts import Draft
from tests.support.engine import Engine
from tests.support.serving import wait_for
from tests.support.world import NOON

PARIS, LONDON = "+33612345620", "+447400123456"


def test_a_message_holds_its_price_and_spends_it_when_it_leaves(engine: Engine) -> None:
    account = engine.account(credits=10)
    sent = engine.send(account, PARIS)
    assert (sent.status, sent.text, sent.sender, sent.millicredits) == ("queued", "Bonjour STOP 36034", "36034", 1000)
    assert engine.balance(account).held == 1000
    engine.serve()
    assert (engine.balance(account).held, engine.balance(account).spent) == (0, 1000)
    assert engine.faults() == []


def test_england_costs_more_and_has_the_address_of_the_opt_out_page(engine: Engine) -> None:
    sent = engine.send(engine.account(), LONDON, sender="Acme")
    assert (sent.country, sent.text, sent.millicredits) == ("GB", "Bonjour stop.test", 1100)


def test_one_that_is_refused_does_not_fail_its_neighbours(engine: Engine) -> None:
    account = engine.account()
    good, wrong, other, fixed = engine.send_all(
        account, [Draft(PARIS, "a"), Draft("123", "b"), Draft(LONDON, "c"), Draft("+33123456789", "d")]
    )
    assert [good.status, other.status] == ["queued", "queued"]
    assert isinstance(wrong, Refused)
    assert wrong.faults[0].pointer == "/to"
    assert isinstance(fixed, Refused)
    assert fixed.code == "fixed_line_number"
    assert [row.text[0] for row in engine.messages(account)] == ["a", "c"]


def test_a_country_without_a_price_and_a_text_too_long_are_refused_by_their_field(engine: Engine) -> None:
    far, long = engine.send_all(engine.account(), [Draft("+85251234567", "a"), Draft(PARIS, "a" * 2000)])
    assert (far.code, far.faults[0].pointer) == ("unpriced_country", "/to")
    assert (long.code, long.faults[0].pointer) == ("text_too_long", "/text")


def test_credits_pay_for_the_first_that_come_and_refuse_the_rest(engine: Engine) -> None:
    account = engine.account(credits=2)
    results = engine.send_all(account, [Draft(f"+336123456{n}", "a") for n in (20, 21, 22)])
    assert [getattr(result, "status", None) or result.code for result in results] == [
        "queued",
        "queued",
        "not_enough_credits",
    ]
    assert engine.balance(account).available == 0
    assert len(engine.messages(account)) == 2


def test_a_number_that_opted_out_is_accepted_as_blacklisted_at_no_price(engine: Engine) -> None:
    account = engine.account(credits=0)
    engine.block(account, 33612345620)
    sent = engine.send(account, PARIS)
    assert (sent.status, sent.status_detail, sent.millicredits) == ("blacklisted", "opted_out", 0)
    assert [fact["status"] for fact in engine.facts(account, "message.status")] == ["blacklisted"]
    engine.settle()
    assert engine.taken() == []


@pytest.mark.parametrize("purpose, goes", [("marketing", False), ("notification", False), ("otp", True)])
def test_only_one_time_passwords_pass_an_opt_out(engine: Engine, purpose: str, goes: bool) -> None:
    account = engine.account(otp=True)
    engine.block(account, 33612345620)
    engine.send(account, PARIS, purpose=purpose)
    engine.settle()
    assert bool(engine.taken()) == goes


def test_an_opt_out_on_the_short_code_binds_every_account(engine: Engine) -> None:
    engine.reply(33612345620, "STOP")  # from somebody nobody ever texted
    for name in ("Acme", "Other"):
        assert engine.send(engine.account(name), PARIS).status == "blacklisted"


def test_a_scheduled_message_costs_nothing_until_its_time(engine: Engine) -> None:
    account = engine.account(credits=0)
    later = engine.send(account, PARIS, send_at=NOON + 60_000)
    assert (later.status, later.send_at, later.expires_at) == (
        "scheduled",
        NOON + 60_000,
        NOON + 60_000 + 2_880 * 60_000,
    )
    assert engine.balance(account).held == 0


def test_a_time_that_has_passed_is_now(engine: Engine) -> None:
    sent = engine.send(engine.account(), PARIS, send_at=NOON - 1, validity_minutes=1)
    assert (sent.status, sent.expires_at) == ("queued", NOON + 60_000)


def test_messages_that_go_together_share_a_chunk_and_more_than_five_thousand_do_not(engine: Engine) -> None:
    account = engine.account(credits=6000)
    numbers = [f"+3361{n:07d}" for n in range(5_001)]
    results = engine.send_all(account, [Draft(number, "a") for number in numbers])
    sizes: dict[str | None, int] = {}
    for message in results:
        sizes[message.chunk_id] = sizes.get(message.chunk_id, 0) + 1
    assert sorted(sizes.values()) == [1, 5_000]


def test_a_euro_that_costs_a_segment_becomes_an_e_and_the_message_says_so(engine: Engine) -> None:
    sent = engine.send(engine.account(), PARIS, "€" + "a" * 148)
    assert (sent.text[0], sent.segments, sent.substitutions) == ("E", 1, "euro_to_e")


def test_submitting_nothing_is_nothing(engine: Engine) -> None:
    assert engine.send_all(engine.account(), []) == []


def test_one_draft_that_is_refused_raises(engine: Engine) -> None:
    account = engine.account()
    with engine.runtime.begin() as tx, pytest.raises(Refused, match="invalid_number"):
        submit.submit_one(tx, account, "api", Draft("123", "a"))


def test_a_hub_without_a_carrier_says_so(engine: Engine) -> None:
    account = engine.account()
    with engine.runtime.as_of(carriers={}).begin() as tx, pytest.raises(Refused, match="no_carrier"):
        submit.submit(tx, account, "api", [Draft(PARIS, "a")])


def test_a_message_is_read_back_as_it_was_written(engine: Engine) -> None:
    sent = engine.send(engine.account(), PARIS, reference="r1")
    assert drafts.of(engine.row(sent.id)) == sent


def many(engine: Engine, *asked: tuple[Account, str]) -> list[Any]:
    with engine.runtime.begin() as tx:
        return list(submit.submit_many(tx, [submit.Asked(account, "api", Draft(to, "a")) for account, to in asked]))


def test_drafts_of_many_accounts_are_paid_and_put_into_chunks_each_for_its_own(engine: Engine) -> None:
    rich, poor = engine.account("Rich", credits=10), engine.account("Poor", credits=1)
    first, second, third, fourth = many(engine, (rich, PARIS), (poor, PARIS), (rich, LONDON), (poor, LONDON))
    assert [first.account_id, second.account_id, third.account_id] == [rich.id, poor.id, rich.id]
    assert (first.chunk_id == third.chunk_id, first.chunk_id == second.chunk_id) == (True, False)
    assert fourth.code == "not_enough_credits"
    assert [engine.balance(account).available for account in (rich, poor)] == [7_900, 0]
    assert engine.faults() == []


def test_an_opt_out_of_one_account_binds_no_other_in_the_same_batch(engine: Engine) -> None:
    here, there = engine.account("Here"), engine.account("There")
    engine.block(here, 33612345620)
    engine.reply(447400123456, "STOP")  # on the code that all share
    statuses = [one.status for one in many(engine, (here, PARIS), (there, PARIS), (here, LONDON), (there, LONDON))]
    assert statuses == ["blacklisted", "queued", "blacklisted", "blacklisted"]


def test_an_opt_out_on_a_code_of_ones_own_binds_its_owner_only(engine: Engine) -> None:
    owner, other = engine.account("Owner"), engine.account("Other")
    with engine.runtime.begin() as tx:
        accounts.add_inbound_number(tx, "38080", "simulator", "FR", owner.id)
    engine.reply(33612345620, "STOP", code="38080")
    assert [one.status for one in many(engine, (owner, PARIS), (other, PARIS))] == ["blacklisted", "queued"]


def test_credits_that_go_while_a_batch_is_written_are_missed_before_it_is_accepted(engine: Engine) -> None:
    account = engine.account(credits=30)
    asked = [Draft(f"+336123456{n + 20}", "a", reference=str(n)) for n in range(25)]
    results: list[Any] = []
    other = threading.Thread(target=lambda: results.extend(engine.send_all(account, asked)))
    with engine.runtime.begin() as tx:
        ledger.hold(tx, account.id, 20_000, "meanwhile")
        other.start()
        wait_for(lambda: not tx.postgresql or tx.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))
        assert other.is_alive()
    other.join()
    assert [getattr(one, "status", None) or one.code for one in results] == ["queued"] * 10 + [
        "not_enough_credits"
    ] * 15
    assert [row.reference for row in engine.messages(account)] == [str(n) for n in range(10)]
    assert {row.id for row in engine.messages(account)} == {one.id for one in results[:10]}
    assert len(engine.all(chunks)) == 1
    engine.settle()
    assert len(engine.taken()) == 10


def test_drafts_that_go_in_many_ways_are_each_written_as_they_were_asked_for(engine: Engine) -> None:
    account = engine.account(otp=True, kind="notification")
    engine.block(account, 33612345621)
    ways: list[dict[str, Any]] = [
        {"to": PARIS, "text": "a", "reference": "r"},
        {"to": "+33612345621", "text": "b"},
        {"to": LONDON, "text": "c", "send_at": NOON + 60_000},
        {"to": PARIS, "text": "d", "purpose": "otp", "validity_minutes": 5},
        {"to": PARIS, "text": "e", "sender": "Acme", "stop": False},
        {"to": "+33612345621", "text": "f", "purpose": "otp"},
    ]
    results = engine.send_all(account, [Draft(**way) for way in ways] * 5)
    assert [drafts.of(engine.row(one.id)) for one in results] == results
    assert [one.text[0] for one in results] == list("abcdef") * 5
    assert [one.status for one in results[:6]] == ["queued", "blacklisted", "scheduled", "queued", "queued", "queued"]
    assert [row.id for row in engine.messages(account)] == [one.id for one in results]
    told = [fact["message_id"] for fact in engine.facts(account, "message.status")]
    assert told == [one.id for one in results if one.status == "blacklisted"]
