"""/stop: a number shows that it is its visitor's, and is never texted again. The simulator is the carrier."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from core import accounts, schema
from core.accounts import Account
from hub.optout.codes import MOST_TRIES
from hub.optout.tables import optout_codes
from tests.support.browser import Browser
from tests.support.engine import Engine
from tests.support.rest import RestClient
from tests.support.web import application, settings

NUMBER = 33612345678
TYPED = "06 12 34 56 78"
MANY = 101  # messages: more than a reply looks at


@pytest.fixture
def engine(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    made = Engine(database_url, tmp_path)
    yield made
    made.close()
    web.cache_clear()


@cache
def web(engine: Engine) -> Flask:
    """Its pages."""
    return application(engine.runtime, settings=settings())


def visitor(engine: Engine, language: str = "en", network: str = "203.0.113.7") -> Browser:
    return Browser(web(engine), language, network)


def asked(engine: Engine, number: str = TYPED, **as_: str) -> Browser:
    """A visitor who has just been sent a code."""
    browser = visitor(engine, **as_)
    browser.open("/stop")
    browser.send(number=number)
    engine.settle()
    return browser


def code(engine: Engine, number: int = NUMBER) -> str:
    """The code in the newest message to this number."""
    (found,) = re.findall(r"\b\d{6}\b", engine.taken(number)[-1].text)
    return str(found)


def blocked(engine: Engine, account: Account, number: str = TYPED) -> bool:
    """Whether a message of the account to the number is held back."""
    return str(engine.send(account, number).status) == "blacklisted"


def opted_out(engine: Engine) -> list[tuple[str, str]]:
    with engine.runtime.read() as tx:
        return [(row.scope, row.source) for row in tx.all(select(schema.blacklist))]


def test_whoever_wrote_to_the_number_may_not_do_so_again(engine: Engine, tmp_path: Path) -> None:
    account, stranger = engine.account(), engine.account("Stranger")
    before = engine.send(account, TYPED)
    engine.settle()
    browser = asked(engine)
    assert "ends in 78" in browser.page.said
    sent = RestClient(engine, stranger, tmp_path)("GET", "/simulator/sent?to=%2B33612345678").json["items"]
    assert sent[-1]["text"].startswith(f"{code(engine)} is your code")
    browser.send(code=code(engine))
    assert browser.path == "/stop/done"
    assert "no more advertising" in browser.page.said
    assert opted_out(engine) == [(account.id, "web")]
    (fact,) = engine.facts(account, "optout.created")
    assert (fact["number"], fact["source"], fact["message_id"]) == (NUMBER, "web", before.id)
    assert blocked(engine, account)
    assert not blocked(engine, stranger)
    engine.settle()
    assert engine.faults() == []


def test_each_of_several_accounts_is_bound_and_told(engine: Engine) -> None:
    both = [engine.account("Acme"), engine.account("Bolt")]
    for account in both:
        engine.send(account, TYPED)
    engine.settle()
    browser = asked(engine)
    browser.send(code=code(engine))
    assert [blocked(engine, account) for account in both] == [True, True]
    assert [len(engine.facts(account, "optout.created")) for account in both] == [1, 1]


def test_however_much_one_account_wrote_the_others_are_bound_too(engine: Engine) -> None:
    quiet, loud = engine.account("Quiet"), engine.account("Loud")
    engine.send(quiet, TYPED)
    engine.settle()
    engine.clock.forward(minutes=1)
    for _ in range(MANY):
        engine.send(loud, TYPED)
    engine.settle()
    browser = asked(engine)
    browser.send(code=code(engine))
    assert [blocked(engine, account) for account in (quiet, loud)] == [True, True]


def test_a_number_that_nobody_wrote_to_binds_everyone_on_the_shared_code(engine: Engine) -> None:
    account = engine.account()
    browser = asked(engine)
    browser.send(code=code(engine))
    assert opted_out(engine) == [("36034", "web")]
    assert blocked(engine, account)


def test_what_was_sent_more_than_thirty_days_ago_binds_nobody_in_particular(engine: Engine) -> None:
    engine.send(engine.account(), TYPED)
    engine.settle()
    engine.clock.forward(days=31)
    browser = asked(engine)
    browser.send(code=code(engine))
    assert opted_out(engine) == [("36034", "web")]


def test_the_page_says_the_same_whether_the_number_is_known_or_opted_out_already(engine: Engine) -> None:
    account = engine.account()
    known, unknown, gone = 33612345620, 33612345621, 33612345622
    engine.send(account, f"+{known}")
    engine.block(account, gone)
    engine.settle()
    said = set()
    for number in (known, unknown, gone):
        browser = asked(engine, f"+{number}", network=f"203.0.113.{number % 100}")
        said.add(browser.page.said.replace(str(number % 100), ".."))
        assert code(engine, number)
    assert len(said) == 1


def test_the_hub_pays_for_the_code_and_no_customer_sees_it(engine: Engine, tmp_path: Path) -> None:
    account = engine.account()
    asked(engine)
    assert engine.balance(account).available == 1_000_000
    assert RestClient(engine, account, tmp_path)("GET", "/messages").json["items"] == []
    assert [row.millicredits for row in engine.messages(accounts_system(engine))] == [0]
    assert engine.faults() == []


def test_only_a_digest_of_the_code_is_kept(engine: Engine) -> None:
    asked(engine)
    (row,) = engine.all(optout_codes)
    assert code(engine) not in str(tuple(row))
    other = asked(engine, network="203.0.113.8")
    other.send(code=code(engine))
    first, second = engine.all(optout_codes)
    assert first.digest != second.digest


def test_the_fifth_wrong_code_is_the_last(engine: Engine) -> None:
    browser = asked(engine)
    right = code(engine)
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for _ in range(MOST_TRIES - 1):
        browser.send(code=wrong)
        assert (browser.status, "not the code" in browser.page.said) == (422, True)
    path = browser.path
    browser.send(code=wrong)
    assert (browser.status, "no longer works" in browser.page.said) == (410, True)
    assert "/stop" in browser.page.links
    browser.open("/stop")
    browser.open(path, method="POST", data=browser.form().fields | {"code": right})
    assert browser.status == 410
    assert opted_out(engine) == []


def test_a_code_is_good_for_ten_minutes_and_once(engine: Engine) -> None:
    browser = asked(engine)
    engine.clock.forward(minutes=9)
    browser.send(code=f" {code(engine)[:3]} {code(engine)[3:]} ")
    assert browser.path == "/stop/done"
    browser = asked(engine, network="203.0.113.8")
    path = browser.path
    engine.clock.forward(minutes=10)
    browser.send(code=code(engine))
    assert browser.status == 410
    assert browser.look(path) == 410
    assert browser.look("/stop/nonsense") == 410


def test_a_number_gets_three_codes_a_day(engine: Engine) -> None:
    for network in range(3):
        asked(engine, network=f"203.0.113.{network}")
    browser = asked(engine, network="203.0.113.9")
    assert (browser.status, "Too many attempts: try again in 24 hours" in browser.page.said) == (422, True)
    assert len(engine.taken(NUMBER)) == 3
    engine.clock.forward(days=1)
    assert asked(engine, network="203.0.113.9").status == 200


def test_a_network_asks_for_ten_codes_and_then_waits(engine: Engine) -> None:
    for last in range(10):
        asked(engine, f"+336123456{20 + last}")
    browser = asked(engine, "+33612345640")
    assert "try again in 1 hour" in browser.page.said
    assert asked(engine, "+33612345640", network="2001:db8::1").status == 200


def test_a_network_that_many_phones_share_is_not_kept_out_by_what_it_asked_long_ago(engine: Engine) -> None:
    """Mobile operators have thousands behind one address: those of last week must not count against those of today."""
    for day in range(20):
        assert asked(engine, f"+336123456{20 + day}").path != "/stop"
        engine.clock.forward(hours=12)


@pytest.mark.parametrize(
    "typed, said",
    [
        ("", "Enter a mobile number"),
        ("06123", "not a phone number"),
        ("01 23 45 67 89", "fixed line"),
        ("0800 123 456", "not a mobile number"),
        ("+7 912 345 67 89", "No messages are sent to this country"),
    ],
)
def test_what_takes_no_code_is_said_to_be_wrong(engine: Engine, typed: str, said: str) -> None:
    browser = asked(engine, typed)
    assert browser.status == 422
    assert said.lower() in browser.page.said.lower()
    assert engine.taken() == []


def test_the_message_is_in_the_language_of_the_page_and_one_segment_long(engine: Engine) -> None:
    browser = asked(engine, language="fr")
    assert 'lang="fr"' in browser.page.text
    assert (
        engine.taken(NUMBER)[0].text
        == f"{code(engine)} est votre code pour ne plus recevoir de SMS de notre part. Il vaut 10 minutes."
    )
    asked(engine, "+33612345679")
    assert {row.segments for row in engine.messages(accounts_system(engine))} == {1}


def accounts_system(engine: Engine) -> Account:
    with engine.runtime.begin() as tx:
        return accounts.system(tx)
