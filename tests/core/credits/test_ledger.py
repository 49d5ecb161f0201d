"""The ledger: immutable transfers between accounts that can never be overdrawn."""

import threading

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from core.accounts import Account
from core.credits import check, ledger
from core.errors import Refused
from core.schema import campaign_counts, ledger_accounts, transfers
from tests.support.engine import Engine


def move(engine: Engine, verb: str, account: Account, millicredits: int, ref: str = "r") -> None:
    with engine.runtime.begin() as tx:
        getattr(ledger, verb)(tx, account.id, millicredits, ref)


def give(engine: Engine, giver: Account, taker: str, millicredits: int, reference: str | None = None) -> str:
    with engine.runtime.begin() as tx:
        return ledger.transfer(tx, giver.id, taker, millicredits, reference, "user")


def figures(engine: Engine, account: Account) -> tuple[int, int, int]:
    balance = engine.balance(account)
    return balance.available, balance.held, balance.spent


def test_a_hold_is_posted_or_voided(engine: Engine) -> None:
    account = engine.account(credits=10)
    move(engine, "hold", account, 7_000)
    assert figures(engine, account) == (3_000, 7_000, 0)
    move(engine, "post", account, 5_000)
    move(engine, "void", account, 2_000)
    assert figures(engine, account) == (5_000, 0, 5_000)


def test_what_there_is_not_cannot_be_held_and_the_refusal_says_how_much_there_is(engine: Engine) -> None:
    account = engine.account(credits=1)
    with pytest.raises(Refused) as caught:
        move(engine, "hold", account, 1_001)
    assert caught.value.code == "not_enough_credits"
    assert caught.value.facts == {"needed_millicredits": 1_001, "available_millicredits": 1_000}
    assert figures(engine, account) == (1_000, 0, 0)


@pytest.mark.parametrize("verb", ["post", "void"])
def test_more_than_was_held_is_a_fault_of_ours_and_no_refusal(engine: Engine, verb: str) -> None:
    account = engine.account(credits=1)
    with pytest.raises(ArithmeticError):
        move(engine, verb, account, 1)


@pytest.mark.parametrize("verb", ["hold", "post", "void"])
def test_the_same_movement_cannot_be_made_twice(engine: Engine, verb: str) -> None:
    account = engine.account(credits=10)
    move(engine, "hold", account, 5_000, "first")
    move(engine, verb, account, 1_000)
    with pytest.raises(IntegrityError):
        move(engine, verb, account, 1_000)
    with engine.runtime.read() as tx:
        assert check._transfers(tx) == check._zero(tx) == []


def test_nothing_is_no_movement(engine: Engine) -> None:
    account = engine.account(credits=1)
    move(engine, "hold", account, 0)
    assert [row.kind for row in engine.all(transfers)] == ["grant"]


@pytest.mark.parametrize("verb", ["grant", "transfer"])
@pytest.mark.parametrize("millicredits", [0, -1])
def test_only_something_can_be_given(engine: Engine, verb: str, millicredits: int) -> None:
    account, other = engine.account(), engine.account("Other")
    ways = {
        "grant": lambda tx: ledger.grant(tx, account.id, millicredits, "gift", "operator"),
        "transfer": lambda tx: ledger.transfer(tx, account.id, other.id, millicredits, None, "user"),
    }
    with engine.runtime.begin() as tx, pytest.raises(Refused, match="invalid_amount"):
        ways[verb](tx)


def test_a_gift_comes_from_the_bonus_and_the_rest_from_the_bank(engine: Engine) -> None:
    account = engine.account(credits=10)
    with engine.runtime.begin() as tx:
        ledger.grant(tx, account.id, 5_000, "welcome", "operator", source="bonus")
    assert {row.kind: row.balance for row in engine.all(ledger_accounts)} == {
        "bank": -10_000,
        "bonus": -5_000,
        "available": 15_000,
        "held": 0,
        "spent": 0,
    }


def test_a_transfer_is_shown_to_both_newest_first(engine: Engine) -> None:
    giver, taker = engine.account(credits=10), engine.account("Taker", credits=1)
    made = give(engine, giver, taker.id, 2_500, "for you")
    with engine.runtime.read() as tx:
        given, granted = ledger.history(tx, giver.id, 10, None)
        (taken, _) = ledger.history(tx, taker.id, 10, None)
        assert ledger.history(tx, giver.id, 10, given.id)[0].id == granted.id
        assert len(ledger.history(tx, giver.id, 1, None)) == 1
    assert (given.id, given.outgoing, given.other_account, given.reason) == (made, True, taker.id, "for you")
    assert (taken.id, bool(taken.outgoing), taken.other_account) == (made, False, giver.id)
    assert (granted.other_kind, granted.other_account) == ("bank", None)


def test_a_transfer_to_nobody_to_oneself_or_to_the_hub_is_refused(engine: Engine) -> None:
    account = engine.account()
    hub = engine.account("hub", kind="system")
    for taker, code in (
        (account.id, "same_account"),
        (engine.runtime.ids.new(), "unknown_account"),
        (hub.id, "unknown_account"),
    ):
        with pytest.raises(Refused, match=code):
            give(engine, account, taker, 1)


def test_a_refused_transfer_has_changed_nothing_even_where_its_transaction_goes_on(engine: Engine) -> None:
    older, newer = engine.account("Older", credits=0), engine.account("Newer", credits=1)
    with engine.runtime.begin() as tx, pytest.raises(Refused, match="not_enough_credits"):
        ledger.transfer(tx, newer.id, older.id, 1_001, None, "user")
    assert (figures(engine, older)[0], figures(engine, newer)[0]) == (0, 1_000)
    assert engine.faults() == []


def test_the_database_itself_refuses_a_negative_balance(engine: Engine) -> None:
    account = engine.account(credits=1)
    with pytest.raises(IntegrityError), engine.runtime.begin() as tx:
        tx.execute(update(ledger_accounts).where(ledger_accounts.c.account_id == account.id).values(balance=-1))


def test_concurrent_transfers_cannot_overdraw_and_never_wait_for_each_other_for_ever(engine: Engine) -> None:
    accounts = [engine.account(name, credits=5) for name in ("A", "B", "C")]
    refused = []

    def work(place: int) -> None:
        for turn in range(12):
            giver, taker = accounts[place], accounts[(place + 1 + turn % 2) % 3]
            try:
                give(engine, giver, taker.id, 1_700)
            except Refused as refusal:
                refused.append(refusal.code)

    threads = [threading.Thread(target=work, args=(place,)) for place in (0, 1, 2, 0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(refused) <= {"not_enough_credits"}
    assert sum(figures(engine, account)[0] for account in accounts) == 15_000
    assert all(figures(engine, account)[0] >= 0 for account in accounts)
    assert engine.faults() == []


def test_concurrent_holds_cannot_overdraw(engine: Engine) -> None:
    account = engine.account(credits=5)
    done: list[bool] = []

    def work(place: int) -> None:
        for turn in range(5):
            try:
                move(engine, "hold", account, 700, f"{place}-{turn}")
                done.append(True)
            except Refused:
                done.append(False)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done.count(True) == 7
    assert figures(engine, account) == (100, 4_900, 0)


def test_the_check_finds_what_does_not_add_up(engine: Engine) -> None:
    account = engine.account(credits=10)
    engine.send(account, "+33612345620")
    assert engine.faults() == []
    with engine.runtime.begin() as tx:
        tx.execute(update(ledger_accounts).where(ledger_accounts.c.kind == "held").values(balance=7))
    assert {fault.promise for fault in engine.faults()} == {
        "all ledger accounts sum to 0",
        "held is the sum of its transfers",
        "held is what its messages cost",
    }


def test_the_check_finds_a_counter_that_lies(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, "+33612345620")
    engine.settle()
    with engine.runtime.begin() as tx:
        tx.execute(delete(campaign_counts))
    (fault,) = engine.faults()
    assert (fault.promise, fault.subject, fault.expected, fault.found) == ("campaign counter received", made.id, 1, 0)


def test_dues_of_many_accounts_are_settled_in_their_order(engine: Engine) -> None:
    one, two = engine.account("One", credits=5), engine.account("Two", credits=5)
    dues = [("hold", one, 3_000), ("hold", two, 2_000), ("post", one, 1_000), ("void", one, 500), ("hold", one, 0)]
    with engine.runtime.begin() as tx:
        ledger.settle(tx, [ledger.Due(kind, account.id, sum_, account.id) for kind, account, sum_ in dues])
    assert figures(engine, one) == (2_500, 1_500, 1_000)
    assert figures(engine, two) == (3_000, 2_000, 0)


def test_where_one_due_can_not_be_paid_nothing_is_changed(engine: Engine) -> None:
    one, two = engine.account("One", credits=5), engine.account("Two", credits=1)
    dues = [ledger.Due("hold", one.id, 1_000, "one"), ledger.Due("hold", two.id, 2_000, "two")]
    with engine.runtime.begin() as tx, pytest.raises(Refused, match="not_enough_credits"):
        ledger.settle(tx, dues)
    assert [figures(engine, account) for account in (one, two)] == [(5_000, 0, 0), (1_000, 0, 0)]


def test_a_transaction_knows_what_it_moved_before(engine: Engine) -> None:
    one, two = engine.account("One", credits=5), engine.account("Two", credits=0)
    with engine.runtime.begin() as tx:
        assert ledger.lock(tx, [one.id, two.id]) == {one.id: 5_000, two.id: 0}
        ledger.hold(tx, one.id, 1_000, "first")
        assert ledger.lock(tx, [one.id]) == {one.id: 4_000}
        ledger.transfer(tx, one.id, two.id, 3_000, None, "user")
        ledger.hold(tx, one.id, 1_000, "second")
        with pytest.raises(Refused, match="not_enough_credits"):
            ledger.hold(tx, one.id, 1, "third")
    assert figures(engine, one) == (0, 2_000, 0)


def test_accounts_that_another_transaction_has_can_be_left_out(engine: Engine) -> None:
    if engine.runtime.database.dialect != "postgresql":
        return  # SQLite has one writer
    one, two = engine.account("One", credits=5), engine.account("Two", credits=5)
    with engine.runtime.begin() as first, engine.runtime.begin() as second:
        ledger.lock(first, [one.id])
        second.patient = False
        assert ledger.lock(second, [one.id, two.id]) == {two.id: 5_000}
