"""Answers that could not be written in a moment. On PostgreSQL alone: SQLite has one writer, and nothing is waited for."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from core import Account
from core.carriers.contract import Accepted, NotFound
from core.schema import ledger_accounts, messages, windows
from core.sending import lanes, steps
from core.sending.drafts import Draft
from core.sending.late import MOST, Kept
from core.sending.windows import Window
from tests.support.engine import Engine
from tests.support.scripted import Scripted, accepts, that

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
NUMBERS = [f"+336123456{place}" for place in range(20, 24)]


@pytest.fixture
def carrier() -> Scripted:
    return Scripted(traits=that(looks_up=True))


@pytest.fixture
def engine(database_url: str, tmp_path: Path, carrier: Scripted) -> Iterator[Engine]:
    with closing(Engine(database_url, tmp_path, carrier=carrier)) as made:
        yield made


@contextmanager
def locked(engine: Engine, account: Account) -> Iterator[None]:
    with engine.database.begin() as stranger:
        mine = select(ledger_accounts).where(ledger_accounts.c.account_id == account.id)
        stranger.all(mine.with_for_update())
        yield


def catch_up(engine: Engine) -> bool:
    return lanes.catch_up(engine.runtime, engine.lane)


def send(engine: Engine, account: Account, *numbers: str) -> None:
    engine.send_all(account, [Draft(number, "Bonjour") for number in numbers])


def statuses(engine: Engine, account: Account) -> list[str]:
    return [row.status for row in engine.messages(account)]


def closed(engine: Engine) -> list[bool]:
    return [row.closed_at is not None for row in engine.all(windows)]


def test_they_are_written_once_they_can_be_and_their_window_lives_until_then(engine: Engine, carrier: Scripted) -> None:
    account = engine.account()
    send(engine, account, *NUMBERS)
    with locked(engine, account):
        assert engine.serve()
        for _ in range(8):
            with pytest.raises(OperationalError):
                catch_up(engine)
            engine.clock.forward(seconds=8)
            assert steps.sweep_abandoned(engine.runtime) == 0
        assert (statuses(engine, account), closed(engine)) == (["sending"] * 4, [False])
    assert catch_up(engine)
    assert (statuses(engine, account), closed(engine)) == (["sent"] * 4, [True])
    assert not catch_up(engine)
    assert (len(carrier.given), carrier.asked) == (4, [])
    assert engine.faults() == []


def test_a_window_goes_on_leaving_though_its_first_answers_wait(engine: Engine, carrier: Scripted) -> None:
    account = engine.account()
    send(engine, account, *NUMBERS)
    carrier.per_yield = 1
    carrier.answer = lambda attempt: None if attempt.number == 33612345622 else accepts(attempt)
    with locked(engine, account):
        assert engine.serve()
    assert statuses(engine, account) == ["sending"] * 4
    assert catch_up(engine)
    assert (statuses(engine, account), closed(engine)) == (["sent", "sent", "unknown", "sent"], [True])
    assert engine.faults() == []


def test_nothing_more_is_claimed_of_their_account_until_they_are_written(engine: Engine, carrier: Scripted) -> None:
    account, other = engine.account("Acme"), engine.account("Other")
    carrier.traits = that(looks_up=True, window=1)
    send(engine, account, *NUMBERS[:2])
    with locked(engine, account):
        assert engine.serve()
        assert not engine.serve()
        send(engine, other, NUMBERS[2])
        while engine.serve():
            pass
    assert (statuses(engine, account), statuses(engine, other)) == (["sending", "queued"], ["sent"])
    assert catch_up(engine)
    assert engine.serve()
    assert statuses(engine, account) == ["sent", "sent"]


def test_with_the_process_they_are_lost_and_their_messages_looked_up(engine: Engine, carrier: Scripted) -> None:
    account = engine.account()
    send(engine, account, NUMBERS[0])
    with locked(engine, account):
        engine.serve()
    engine.lane = lanes.open_lane(engine.runtime, "scripted", "another process")
    engine.clock.forward(seconds=12)
    assert steps.sweep_abandoned(engine.runtime) == 1
    assert statuses(engine, account) == ["unknown"]
    carrier.told = {row.id: NotFound(row.id) for row in engine.messages(account)}
    engine.later(seconds=5)
    assert [(given.attempt, given.number) for given in carrier.given] == [(1, 33612345620), (2, 33612345620)]
    assert engine.faults() == []


def test_those_that_come_after_their_message_was_sent_again_change_nothing(engine: Engine, carrier: Scripted) -> None:
    account = engine.account()
    send(engine, account, NUMBERS[0])
    with locked(engine, account):
        engine.serve()
    late = engine.lane
    engine.lane = lanes.open_lane(engine.runtime, "scripted", "another process")
    engine.clock.forward(seconds=12)
    steps.sweep_abandoned(engine.runtime)
    carrier.told = {row.id: NotFound(row.id) for row in engine.messages(account)}
    engine.later(seconds=5)
    before = engine.all(messages)
    assert [(row.status, row.attempt) for row in before] == [("sent", 2)]
    assert lanes.catch_up(engine.runtime, late)
    assert engine.all(messages) == before
    assert engine.faults() == []


def test_a_window_without_answers_whose_messages_are_locked_is_closed_later(engine: Engine, carrier: Scripted) -> None:
    account = engine.account()
    send(engine, account, NUMBERS[0])
    (row,) = engine.messages(account)
    carrier.answer = lambda _attempt: None
    with engine.database.begin() as stranger:
        carrier.meanwhile = lambda: _lock(stranger, row.id)
        assert engine.serve()
    assert (statuses(engine, account), closed(engine)) == (["sending"], [False])
    assert catch_up(engine)
    assert (statuses(engine, account), closed(engine)) == (["unknown"], [True])


def _lock(stranger: Any, message_id: str) -> None:
    stranger.all(select(messages).where(messages.c.id == message_id).with_for_update())


def window_of(account_id: str) -> Window:
    return Window(account_id, account_id, account_id, "scripted", "test", ())


def test_a_lane_that_keeps_many_windows_claims_no_more(engine: Engine) -> None:
    account = engine.account()
    send(engine, account, NUMBERS[0])
    with engine.runtime.begin() as tx:
        kept = [Kept(window_of(id_), (), whole=False) for id_ in tx.new_ids(MOST)]
    for one in kept:
        engine.lane.late.keep(one)
    assert not engine.serve()
    engine.lane.late.settled(kept[0])
    assert engine.serve()


def test_one_that_meets_a_bug_is_let_go_and_holds_up_no_other(engine: Engine, carrier: Scripted) -> None:
    account = engine.account()
    send(engine, account, NUMBERS[0])
    with locked(engine, account):
        engine.serve()
    (good,) = engine.lane.late.waiting()
    engine.lane.late.settled(good)
    nonsense: Any = [Accepted("no such thing", None), "no outcome"]
    for one in (Kept(good.window, nonsense, whole=True), good):
        engine.lane.late.keep(one)
    with pytest.raises(AttributeError):
        catch_up(engine)
    assert statuses(engine, account) == ["sent"]
    assert not catch_up(engine)
