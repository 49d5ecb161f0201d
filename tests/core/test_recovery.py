"""What a killed process held is free at once."""

from pathlib import Path

from sqlalchemy import func, select

from core import jobs, lanes, recovery, schema, windows
from core.recovery import Recovered
from tests.support.engine import Engine


def test_windows_in_flight_are_looked_up_and_sent_once(database_url: str, tmp_path: Path) -> None:
    engine = Engine(database_url, tmp_path)
    account = engine.account()
    engine.send(account, "0612345678")
    assert windows.claim(engine.runtime, "simulator", "the dead", 500, {}) is not None
    assert recovery.recover(engine.runtime) == Recovered(windows=1, jobs=0)
    assert engine.statuses(account) == {33612345678: "unknown"}
    engine.later(seconds=10, rounds=3)
    assert engine.statuses(account) == {33612345678: "received"}
    assert len(engine.simulator.sent()) == 1
    assert engine.faults() == []
    engine.close()


def test_a_job_that_was_begun_begins_again(database_url: str, tmp_path: Path) -> None:
    engine = Engine(database_url, tmp_path)
    account = engine.account()
    with engine.runtime.begin() as tx:
        jobs.add(tx, account.id, "mail.credits_low", account.id)
    assert jobs.claim(engine.runtime, engine.handlers) is not None
    assert jobs.claim(engine.runtime, engine.handlers) is None
    assert recovery.recover(engine.runtime) == Recovered(windows=0, jobs=1)
    again = jobs.claim(engine.runtime, engine.handlers)
    assert again is not None
    assert again.attempt == 2
    engine.close()


def test_lanes_and_steps_have_no_owner_any_more(database_url: str, tmp_path: Path) -> None:
    engine = Engine(database_url, tmp_path)
    assert lanes.lease(engine.runtime, "simulator", 0, "the dead")
    assert not lanes.lease(engine.runtime, "simulator", 0, "the living")
    recovery.recover(engine.runtime)
    assert lanes.lease(engine.runtime, "simulator", 0, "the living")
    with engine.runtime.read() as tx:
        assert tx.scalar(select(func.count()).where(schema.chunks.c.lease_until > 0)) == 0
    engine.close()


def test_of_nothing_nothing_is_recovered(database_url: str, tmp_path: Path) -> None:
    engine = Engine(database_url, tmp_path)
    assert recovery.recover(engine.runtime) == Recovered(windows=0, jobs=0)
    engine.close()
