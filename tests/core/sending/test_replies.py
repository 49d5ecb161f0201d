"""Replies: whose they are, and opt-outs."""

from collections.abc import Callable
from typing import Any

import pytest

from core import accounts
from core.accounts import Account
from core.audience import contacts
from core.blacklist import entries
from core.carriers.contract import Inbound
from core.errors import Refused
from core.schema import replies as table
from core.schema import routes
from core.sending import replies
from tests.support.engine import Engine
from tests.support.scripted import Scripted, accepts

PARIS, NUMBER = "+33612345620", 33612345620


def sent_by(engine: Engine, account: Account, **fields: Any) -> str:
    """A message that went to the number; its id."""
    made = engine.send(account, PARIS, **fields)
    engine.settle()
    assert engine.row(made.id).status == "received"
    return str(made.id)


def newest(engine: Engine) -> Any:
    return engine.all(table)[-1]


def blocked(engine: Engine, account: Account, number: int = NUMBER) -> bool:
    with engine.runtime.read() as tx:
        return bool(entries.screen(tx, entries.scopes_of(tx, account.id), [number]))


def confirmations(engine: Engine) -> list[str]:
    return [taken.text for taken in engine.taken() if taken.text == replies.CONFIRMATION]


def test_a_reply_belongs_to_the_newest_message_from_that_code(engine: Engine) -> None:
    first, second = engine.account("First"), engine.account("Second")
    sent_by(engine, first)
    engine.clock.forward(minutes=1)
    answered = sent_by(engine, second)
    engine.reply(NUMBER, "Oui")
    row = newest(engine)
    assert (row.account_id, row.message_id, row.opt_out) == (second.id, answered, False)
    assert [fact["reply_id"] for fact in engine.facts(second, "reply.received")] == [row.id]
    assert engine.facts(first, "reply.received") == []


def test_a_message_by_name_is_answered_through_the_code_of_its_mention(engine: Engine) -> None:
    named, plain = engine.account("Named"), engine.account("Plain", kind="notification")
    sent_by(engine, named, sender="Acme")
    engine.clock.forward(minutes=1)
    sent_by(engine, plain, sender="Other", stop=False)  # newer, but it shows the code nowhere
    engine.reply(NUMBER, "Oui")
    assert newest(engine).account_id == named.id


def test_a_reply_belongs_to_the_message_that_left_last_even_if_it_was_made_first(engine: Engine) -> None:
    planned, quick = engine.account("Planned"), engine.account("Quick")
    engine.send(planned, PARIS, send_at=engine.clock.now + 40 * 24 * 3_600_000)
    engine.clock.forward(days=35)
    sent_by(engine, quick)
    engine.later(days=5)
    engine.reply(NUMBER, "Oui")
    assert newest(engine).account_id == planned.id


def test_after_thirty_days_a_message_is_forgotten(engine: Engine) -> None:
    account = engine.account()
    sent_by(engine, account)
    engine.clock.forward(days=30)
    engine.reply(NUMBER, "Oui")
    assert newest(engine).account_id is None


@pytest.mark.parametrize("ending", ["06", "13"])
def test_a_refused_message_is_not_answered_and_one_in_doubt_is(engine: Engine, ending: str) -> None:
    account = engine.account()
    engine.send(account, f"+336123456{ending}")
    engine.settle()
    engine.reply(33612345600 + int(ending), "Oui")
    assert (newest(engine).account_id is not None) == (ending == "13")


def test_a_reply_to_an_owned_number_is_its_owners(engine: Engine) -> None:
    account = engine.account()
    with engine.runtime.begin() as tx:
        accounts.add_inbound_number(tx, "447700900123", "simulator", "GB", account.id)
        accounts.add_inbound_number(tx, "38080", "simulator", "FR")
    engine.reply(NUMBER, "Hello", code="447700900123")
    assert newest(engine).account_id == account.id
    engine.reply(NUMBER, "Hello", code="38080")
    assert newest(engine).account_id is None


@pytest.mark.parametrize("text", ["STOP", "stop !", "Arrêt", "Stop merci", "S.T.O.P"])
def test_a_stop_blacklists_the_number_for_the_account_of_its_message_only(engine: Engine, text: str) -> None:
    mine, other = engine.account("Mine"), engine.account("Other")
    answered = sent_by(engine, mine)
    engine.reply(NUMBER, text)
    assert (blocked(engine, mine), blocked(engine, other)) == (True, False)
    (fact,) = engine.facts(mine, "optout.created")
    assert (fact["number"], fact["source"], fact["message_id"]) == (NUMBER, "reply", answered)
    assert newest(engine).opt_out
    assert engine.send(mine, PARIS).status == "blacklisted"


def test_a_stop_that_nobody_knows_binds_all_on_that_code(engine: Engine) -> None:
    mine, other = engine.account("Mine"), engine.account("Other")
    engine.reply(NUMBER, "STOP")
    engine.settle()
    assert (blocked(engine, mine), blocked(engine, other)) == (True, True)
    assert len(confirmations(engine)) == 1


def test_a_stop_to_an_owned_number_binds_its_owner(engine: Engine) -> None:
    mine, other = engine.account("Mine"), engine.account("Other")
    with engine.runtime.begin() as tx:
        accounts.add_inbound_number(tx, "447700900123", "simulator", "GB", mine.id)
    engine.reply(NUMBER, "STOP", code="447700900123")
    assert (blocked(engine, mine), blocked(engine, other)) == (True, False)


def test_one_confirmation_is_sent_once_for_one_credit_and_outside_the_campaign(engine: Engine) -> None:
    account = engine.account(credits=10)
    made = engine.campaign(account, PARIS)
    engine.settle()
    for _ in range(2):
        engine.reply(NUMBER, "STOP")
        engine.settle()
    (row,) = [row for row in engine.messages(account) if row.source == "system"]
    assert (row.campaign_id, row.millicredits, row.purpose, row.sender, row.mention) == (
        None,
        1000,
        "notification",
        "36034",
        False,
    )
    assert len(confirmations(engine)) == 1
    assert engine.balance(account).spent == 2000
    assert engine.campaign_row(made.id).expanded == 1
    assert engine.faults() == []


def test_without_credits_the_confirmation_goes_out_at_no_price(engine: Engine) -> None:
    account = engine.account(credits=1.5)
    sent_by(engine, account)
    engine.reply(NUMBER, "STOP")
    engine.settle()
    (row,) = [row for row in engine.messages(account) if row.source == "system"]
    assert (row.millicredits, len(confirmations(engine))) == (0, 1)
    assert engine.balance(account).available == 500
    assert engine.faults() == []


def test_a_confirmation_is_answered_by_nobody(engine: Engine) -> None:
    mine, other = engine.account("Mine"), engine.account("Other")
    sent_by(engine, other)
    engine.clock.forward(minutes=1)
    answered = sent_by(engine, mine)
    engine.reply(NUMBER, "STOP")
    engine.settle()
    engine.reply(NUMBER, "merci")
    assert newest(engine).message_id == answered


def test_who_opted_out_leaves_the_address_book_and_may_not_be_restored_while_listed(engine: Engine) -> None:
    account = engine.account()
    person = engine.person(account, PARIS)
    sent_by(engine, account)
    engine.reply(NUMBER, "STOP")
    with engine.runtime.read() as tx:
        assert contacts.get(tx, account.id, person.id).archived_reason == "blacklisted"


def test_a_stop_is_kept_without_any_carrier_to_confirm_it(engine: Engine) -> None:
    account = engine.account()
    sent_by(engine, account)
    engine.runtime = engine.runtime.as_of(carriers={})
    engine.reply(NUMBER, "STOP")
    assert blocked(engine, account)
    assert all(row.source != "system" for row in engine.messages(account))


def test_a_stop_binds_though_its_confirmation_can_not_be_written(engine: Engine) -> None:
    account = engine.account()
    sent_by(engine, account)
    with engine.runtime.begin() as tx:
        tx.execute(routes.insert().values(country="FR", purpose="notification", carriers="what nobody can read"))
    engine.reply(NUMBER, "STOP")
    assert blocked(engine, account)
    assert all(row.source != "system" for row in engine.messages(account))
    assert engine.faults() == []


def test_stops_and_other_replies_of_one_batch_are_all_applied(engine: Engine) -> None:
    account = engine.account()
    for ending in range(20, 24):
        engine.send(account, f"+336123456{ending}")
    engine.settle()
    said = [Inbound(f"r-{n}", 33612345600 + n, "36034", "STOP" if n % 2 else "Oui", 1) for n in range(20, 24)]
    engine.deliver([], said)
    assert [blocked(engine, account, 33612345600 + n) for n in range(20, 24)] == [False, True, False, True]
    assert all(row.applied_at for row in engine.all(table))
    assert replies.apply(engine.runtime) == 0


def test_a_stop_that_comes_while_its_message_is_in_flight_finds_it(make_engine: Callable[..., Engine]) -> None:
    carrier = Scripted(answer=accepts)
    engine = make_engine(carrier=carrier)
    account = engine.account()
    carrier.meanwhile = lambda: engine.reply(NUMBER, "STOP")
    engine.send(account, PARIS)
    engine.serve()
    assert newest(engine).account_id == account.id


def test_replies_are_listed_newest_first_and_filtered(engine: Engine) -> None:
    account, other = engine.account(), engine.account("Other")
    made = engine.campaign(account, PARIS)
    engine.settle()
    engine.reply(NUMBER, "Oui 100%")
    engine.clock.forward(hours=1)
    sent_by(engine, account)
    engine.reply(NUMBER, "Non")
    first, second = engine.all(table)
    hour_later = engine.clock.now
    asked: dict[str, tuple[replies.Filters, list[str]]] = {
        "all": (replies.Filters(), [second.id, first.id]),
        "since": (replies.Filters(since=hour_later), [second.id]),
        "until": (replies.Filters(until=hour_later), [first.id]),
        "campaign": (replies.Filters(campaign_id=made.id), [first.id]),
        "words": (replies.Filters(q="oui"), [first.id]),
        "no wildcard": (replies.Filters(q="1%0"), []),
    }
    with engine.runtime.read() as tx:
        assert {
            name: [row.id for row in replies.page(tx, account.id, 9, None, of).rows] for name, (of, _) in asked.items()
        } == {name: ids for name, (_, ids) in asked.items()}
        assert [row.id for row in replies.page(tx, account.id, 9, second.id).rows] == [first.id]
        assert list(replies.page(tx, other.id, 9, None, replies.Filters(campaign_id=made.id)).rows) == []
        assert replies.get(tx, account.id, first.id).text == "Oui 100%"
        with pytest.raises(Refused, match="not_found"):
            replies.get(tx, other.id, first.id)


def test_words_of_replies_are_found_however_many_hold_them(engine: Engine) -> None:
    account, other = engine.account(), engine.account("Other")
    run = engine.campaign(account, PARIS)
    engine.settle()
    for said in ("Été complet, à bientôt", "Oui, merci !", "Complètement d'accord"):
        engine.reply(NUMBER, said)
    [summer, thanks, agreed] = [row.id for row in engine.all(table)]
    asked = {
        "ete": [summer],
        "COMPLET": [agreed, summer],
        "d'acc": [agreed],
        "merci oui": [thanks],
        "omplet": [],
        "?!": [],
    }
    with engine.runtime.read() as tx:
        for q, ids in asked.items():
            for filters in (replies.Filters(q=q), replies.Filters(q=q, campaign_id=run.id)):
                assert [row.id for row in replies.page(tx, account.id, 9, None, filters).rows] == ids
        one = replies.page(tx, account.id, 1, None, replies.Filters(q="complet"))
        assert [row.id for row in one.rows] == [agreed]
        rest = replies.page(tx, account.id, 1, one.next_after, replies.Filters(q="complet"))
        assert ([row.id for row in rest.rows], rest.next_after) == ([summer], None)
        assert replies.page(tx, other.id, 9, None, replies.Filters(q="merci")).rows == []
        assert len(replies.page(tx, account.id, 9, None, replies.Filters(q=" ")).rows) == 3


def test_a_page_of_replies_looks_at_so_many_and_the_next_one_goes_on_there(engine: Engine) -> None:
    account = engine.account()
    sent_by(engine, account)
    for said in ("Oui merci", "Oui", "Oui"):
        engine.reply(NUMBER, said)
    [wanted, second, _] = [row.id for row in engine.all(table)]
    asked = replies.Filters(q="oui merci")
    with engine.runtime.read() as tx:
        first = replies.page(tx, account.id, 9, None, asked, few=0, look=2)
        rest = replies.page(tx, account.id, 9, first.next_after, asked, few=0, look=2)
    assert (list(first.rows), first.next_after) == ([], second)
    assert ([row.id for row in rest.rows], rest.next_after) == ([wanted], None)
