"""The barometer."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from core import accounts
from core.accounts import Account
from core.statistics.sends import BY, sends
from tests.support.engine import Engine

PARIS, LONDON = "+33612345620", "+447400123456"
ALWAYS = (0, 2**50)


def at(engine: Engine, local: str, zone: str = "Europe/Paris") -> None:
    engine.clock.now = int(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


def told(engine: Engine, account: Account, by: str, since: int = 0, until: int = 2**50) -> dict[str, int]:
    with engine.runtime.read() as tx:
        return {line[by]: line["messages"] for line in sends(tx, account.id, account.zone, since, until, by)}


def go(engine: Engine, account: Account, *moments: str) -> None:
    for moment in moments:
        at(engine, moment)
        engine.send(account, PARIS)
        engine.settle()


@pytest.fixture
def account(engine: Engine) -> Account:
    return engine.account()


def test_days_and_hours_are_those_of_the_accounts_zone(engine: Engine, account: Account) -> None:
    go(engine, account, "2027-06-01T23:30", "2027-06-02T00:30", "2027-06-02T12:00")
    assert told(engine, account, "day") == {"2027-06-01": 1, "2027-06-02": 2}
    assert told(engine, account, "hour") == {"00": 1, "12": 1, "23": 1}
    with engine.runtime.begin() as tx:
        moved = accounts.change(tx, account.id, {"timezone": "America/Martinique"}, "test")
    assert told(engine, moved, "day") == {"2027-06-01": 2, "2027-06-02": 1}


def test_the_hours_of_the_days_on_which_the_clocks_change(engine: Engine, account: Account) -> None:
    go(engine, account, "2027-03-28T01:30", "2027-03-28T03:30")  # an hour apart: two o'clock was skipped
    assert told(engine, account, "hour") == {"01": 1, "03": 1}
    go(engine, account, "2027-10-31T01:30", "2027-10-31T03:30")
    at(engine, "2027-10-31T00:30", "UTC")  # half past two in Paris, for the first time
    engine.send(account, PARIS)
    engine.settle()
    engine.later(hours=1)  # and for the second
    engine.send(account, PARIS)
    engine.settle()
    assert told(engine, account, "hour") == {"01": 2, "02": 2, "03": 2}
    assert told(engine, account, "day") == {"2027-03-28": 2, "2027-10-31": 4}


def test_weekdays_come_in_their_order(engine: Engine, account: Account) -> None:
    go(engine, account, "2027-06-02T12:00", "2027-06-04T12:00", "2027-06-06T12:00", "2027-06-07T12:00")
    assert list(told(engine, account, "weekday").items()) == [
        ("monday", 1),
        ("wednesday", 1),
        ("friday", 1),
        ("sunday", 1),
    ]


def test_countries_and_purposes_with_segments_and_price(engine: Engine, account: Account) -> None:
    engine.send(account, PARIS, "a" * 200)
    engine.send(account, LONDON, purpose="notification")
    engine.settle()
    assert told(engine, account, "country") == {"FR": 1, "GB": 1}
    with engine.runtime.read() as tx:
        lines = sends(tx, account.id, account.zone, *ALWAYS, "purpose")
    assert lines == [
        {"purpose": "marketing", "messages": 1, "segments": 2, "millicredits": 2000},
        {"purpose": "notification", "messages": 1, "segments": 1, "millicredits": 1100},
    ]


def test_only_what_left_and_only_in_the_period_and_only_the_accounts_own(engine: Engine, account: Account) -> None:
    go(engine, account, "2027-06-01T12:00", "2027-06-02T12:00")
    engine.send(account, "+33612345606")  # refused
    engine.send(engine.account("Other"), PARIS)
    engine.settle()
    at(engine, "2027-06-02T00:00")
    midnight = engine.clock.now
    assert told(engine, account, "day", until=midnight) == {"2027-06-01": 1}
    assert told(engine, account, "day", since=midnight) == {"2027-06-02": 1}


@pytest.mark.parametrize("by", BY)
def test_nothing_sent_is_nothing_told(engine: Engine, account: Account, by: str) -> None:
    assert told(engine, account, by) == {}
