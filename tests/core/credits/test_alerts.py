"""The credit alert."""

from collections.abc import Callable

import pytest

from core.accounts import Account
from core.credits import alerts, ledger
from core.errors import Refused
from core.schema import accounts
from tests.support.engine import Engine

PARIS = "+33612345620"


@pytest.fixture
def warned(engine: Engine) -> Callable[[float], Account]:
    """An account with an address, six credits, and an alert at a threshold."""

    def make(threshold: float) -> Account:
        account = engine.account(credits=6, email="anne@example.com")
        threshold_at(engine, account, threshold)
        return account

    return make


def threshold_at(engine: Engine, account: Account, credits_: float) -> None:
    with engine.runtime.begin() as tx:
        alerts.set_threshold(tx, account.id, round(credits_ * 1000))
    engine.settle()


def spend(engine: Engine, account: Account, times: int = 1) -> None:
    for _ in range(times):
        engine.send(account, PARIS)
        engine.settle()


def test_one_mail_for_a_downward_crossing_and_none_for_what_follows(
    engine: Engine, warned: Callable[[float], Account]
) -> None:
    account = warned(5)
    spend(engine, account)
    assert engine.letters.sent == []  # 5 is not below 5
    spend(engine, account, 3)
    ((to, subject, body),) = engine.letters.sent
    assert (to, subject) == ("anne@example.com", "4 SMS credits left")
    assert "Acme has 4 credits left" in body
    assert [(fact["available"], fact["threshold"]) for fact in engine.facts(account, "credits.low")] == [(4_000, 5_000)]


def test_a_top_up_arms_it_again(engine: Engine, warned: Callable[[float], Account]) -> None:
    account = warned(5)
    spend(engine, account, 3)
    engine.top_up(account, 3)
    spend(engine, account, 3)
    assert len(engine.letters.sent) == 2


def test_a_top_up_that_stays_below_does_not_arm_it(engine: Engine, warned: Callable[[float], Account]) -> None:
    account = warned(5)
    spend(engine, account, 3)
    engine.top_up(account, 1)
    spend(engine, account)
    assert len(engine.letters.sent) == 1


def test_a_transfer_alerts_the_giver_and_arms_the_taker(engine: Engine, warned: Callable[[float], Account]) -> None:
    account, other = warned(5), engine.account("Other")
    with engine.runtime.begin() as tx:
        ledger.transfer(tx, account.id, other.id, 2_000, None, "user")
    engine.settle()
    assert len(engine.letters.sent) == 1
    with engine.runtime.begin() as tx:
        ledger.transfer(tx, other.id, account.id, 2_000, None, "user")
    assert engine.again(account).alert_armed


def test_credits_that_come_back_are_no_top_up(engine: Engine, warned: Callable[[float], Account]) -> None:
    account = warned(5.5)
    for _ in range(2):
        sent = engine.send(account, "+33612345606")  # refused by the carrier: its price comes back
        engine.settle()
        assert engine.row(sent.id).status == "rejected"
    assert len(engine.letters.sent) == 1


def test_nought_removes_it(engine: Engine, warned: Callable[[float], Account]) -> None:
    account = warned(5)
    threshold_at(engine, account, 0)
    spend(engine, account, 6)
    assert (engine.letters.sent, engine.facts(account, "credits.low")) == ([], [])


def test_a_new_threshold_above_the_balance_warns_at_once_and_the_same_again_does_not(
    engine: Engine, warned: Callable[[float], Account]
) -> None:
    account = warned(7)
    assert len(engine.letters.sent) == 1
    threshold_at(engine, account, 7)
    assert len(engine.letters.sent) == 1
    threshold_at(engine, account, 8)
    assert len(engine.letters.sent) == 2


def test_a_negative_threshold_is_refused(engine: Engine) -> None:
    account = engine.account()
    with pytest.raises(Refused, match="invalid_amount"), engine.runtime.begin() as tx:
        alerts.set_threshold(tx, account.id, -1)


def test_no_address_or_no_mail_is_no_letter(engine: Engine, warned: Callable[[float], Account]) -> None:
    account = warned(5)
    with engine.runtime.begin() as tx:
        tx.execute(accounts.update().values(email=None))
    alerts.send_mail(engine.runtime, account.id)
    alerts.send_mail(engine.runtime.as_of(mail=None), account.id)
    assert engine.letters.sent == []


def test_nobody_is_told_nothing(engine: Engine) -> None:
    with engine.runtime.begin() as tx:
        nobody = tx.new_id()
        alerts.check(tx, nobody)
    alerts.send_mail(engine.runtime, nobody)
    assert engine.letters.sent == []
