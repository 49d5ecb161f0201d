"""Whose job is next: accounts take turns, and what takes long gives way."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from core import jobs
from core.database import Database
from core.runtime import Runtime
from core.schema import jobs as table
from core.sending import campaigns
from tests.support import plans
from tests.support.engine import Engine
from tests.support.world import NOON

KINDS = {"campaign", "import"}
COLUMNS = ("id", "account_id", "kind", "subject_id", "due_at", "attempt", "failures", "done_at")


def promised(engine: Engine, account_id: str, count: int, since: int, kind: str = "campaign") -> None:
    with engine.runtime.begin() as tx:
        for place in range(count):
            jobs.add(tx, account_id, kind, tx.new_id(), since + place)


def claimed(engine: Engine, count: int, each: int = jobs.AS_MANY) -> list[str | None]:
    """Whose jobs are claimed one after the other."""
    found = [jobs.claim(engine.runtime, KINDS, each) for _ in range(count)]
    return [job.account_id if job else None for job in found]


@pytest.fixture
def people(engine: Engine) -> Sequence[str]:
    return sorted(engine.runtime.ids.many(3))


def test_the_account_with_the_fewest_leased_jobs_goes_first_then_who_waits_longest(
    engine: Engine, people: Sequence[str]
) -> None:
    busy, late, later = people
    promised(engine, busy, 4, NOON - 100)
    promised(engine, later, 1, NOON - 5, "import")
    promised(engine, late, 2, NOON - 10)
    assert claimed(engine, 8) == [busy, late, later, busy, late, busy, busy, None]


def test_who_had_no_turn_for_longest_goes_before_who_waits_longest(engine: Engine, people: Sequence[str]) -> None:
    one, other, third = people
    promised(engine, one, 9, NOON - 100)
    promised(engine, other, 9, NOON - 50)
    promised(engine, third, 1, NOON - 1)
    done: list[str] = []

    def work(_runtime: Runtime, job: jobs.Job) -> None:
        done.append(job.account_id)
        engine.clock.forward(ms=1)

    for _ in range(6):
        assert jobs.work(engine.runtime, {"campaign": work})
    assert done == [one, other, third, one, other, one]


def test_an_account_has_no_more_leased_than_each_may_have(engine: Engine, people: Sequence[str]) -> None:
    busy, other, _ = people
    promised(engine, busy, 3, NOON - 100, "import")
    promised(engine, other, 1, NOON - 10, "import")
    assert claimed(engine, 3, each=1) == [busy, other, None]
    engine.clock.forward(ms=jobs.LEASE_MS)
    assert claimed(engine, 3, each=1) == [busy, other, None]


def test_jobs_of_other_kinds_are_left_to_others(engine: Engine, people: Sequence[str]) -> None:
    promised(engine, people[0], 1, NOON - 100, "mail.credits_low")
    assert claimed(engine, 1) == [None]
    assert jobs.claim(engine.runtime, {"mail.credits_low"}) is not None


def test_a_job_gives_way_once_it_had_its_turn_to_an_account_with_fewer_leased_ones(
    engine: Engine, people: Sequence[str]
) -> None:
    busy, other, third = people
    promised(engine, busy, 3, NOON - 100)
    job = jobs.claim(engine.runtime, KINDS)
    assert job is not None
    engine.clock.forward(ms=jobs.TURN_MS)
    assert not jobs.gives_way(engine.runtime, job)  # nobody else waits
    promised(engine, other, 2, NOON)
    assert jobs.gives_way(engine.runtime, job)
    assert not jobs.gives_way(engine.runtime, _later(job))
    assert claimed(engine, 1) == [other]
    assert not jobs.gives_way(engine.runtime, job)  # it has one now, as this one has
    promised(engine, third, 1, NOON, "mail.credits_low")
    assert not jobs.gives_way(engine.runtime, job)


def _later(job: jobs.Job) -> jobs.Job:
    whose = (job.id, job.account_id, job.kind, job.subject_id)
    return jobs.Job(*whose, job.attempt, job.failures, job.claimed_at + 1, job.among)


def test_another_accounts_campaign_starts_within_seconds_however_many_large_ones_go_before(
    make_engine: Callable[..., Engine],
) -> None:
    engine = make_engine(page=1)
    big, small = engine.account("Big"), engine.account("Small")
    numbers = [f"+336123456{place}" for place in range(20, 60)]
    large = [engine.campaign(big, *numbers) for _ in range(3)]
    pages: list[int] = []
    made: list[str] = []

    def page(_point: str) -> None:
        engine.clock.forward(ms=250)
        pages.append(engine.clock.now)
        if len(pages) == 3:
            made.append(engine.campaign(small, numbers[0]).id)

    runtime = engine.runtime.as_of(fault=page)
    assert jobs.work(runtime, engine.handlers)
    assert jobs.work(runtime, engine.handlers)
    assert engine.campaign_row(made[0]).status == "sending"
    assert engine.clock.now - pages[2] <= jobs.TURN_MS + 250
    reached = [engine.campaign_row(one.id).expanded for one in large]
    assert 0 < reached[0] < len(numbers)
    assert reached[1:] == [0, 0]
    while jobs.work(runtime, engine.handlers):
        pass
    assert {engine.campaign_row(one.id).expanded for one in large} == {len(numbers)}
    engine.settle()
    assert len(engine.taken()) == 3 * len(numbers) + 1
    assert engine.faults() == []


def test_credits_of_a_large_campaign_that_was_called_off_come_back_while_others_take_turns(
    make_engine: Callable[..., Engine],
) -> None:
    engine = make_engine(page=1)
    big, small = engine.account("Big"), engine.account("Small")
    large = engine.campaign(big, *(f"+336123456{place}" for place in range(20, 40)))
    while jobs.work(engine.runtime, engine.handlers):
        pass
    with engine.runtime.begin() as tx:
        campaigns.cancel(tx, big.id, large.id)
    job = jobs.claim(engine.runtime, engine.handlers)
    assert job is not None
    engine.clock.forward(ms=jobs.TURN_MS)
    engine.campaign(small, "+33612345620")
    assert engine.handlers["campaign"](engine.runtime, job) is True
    held = engine.balance(big).held
    assert 0 < held < 20_000
    engine.clock.forward(ms=jobs.LEASE_MS)
    engine.settle()
    assert engine.balance(big).held == 0
    assert engine.faults() == []


def _past(database: Database, engine: Engine, accounts: Sequence[str]) -> None:
    """Many jobs that are done, and many that are due, nearly all of one account."""
    with engine.runtime.begin() as tx:
        done = [
            (id_, accounts[0], "campaign", other, NOON, 1, 0, NOON)
            for id_, other in zip(tx.new_ids(5_000), tx.new_ids(5_000), strict=True)
        ]
        due = [
            (id_, accounts[place % len(accounts)] if place < 40 else accounts[0], kind, other, NOON - place, 1, 0, None)
            for kind in sorted(KINDS)
            for place, (id_, other) in enumerate(zip(tx.new_ids(15_000), tx.new_ids(15_000), strict=True))
        ]
        scheduled = [
            (id_, account_id, "campaign", tx.new_id(), NOON + 10_000_000, 0, 0, None)
            for id_, account_id in zip(tx.new_ids(200), tx.new_ids(200), strict=True)
        ]
        tx.insert(table, COLUMNS, [*done, *due, *scheduled])
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


@pytest.mark.parametrize("forced", [True, False])
def test_a_claim_reads_no_more_than_it_needs_of_many_jobs(database_url: str, tmp_path: Path, forced: bool) -> None:
    with closing(Engine(database_url, tmp_path)) as engine:
        accounts = engine.runtime.ids.many(20)
        _past(engine.database, engine, accounts)
        caught = plans.catch(engine.database)
        with caught.doing("claim"):
            assert len(set(claimed(engine, 20))) == 20
            job = jobs.claim(engine.runtime, KINDS)
            assert job is not None
            engine.clock.forward(ms=jobs.TURN_MS)
            assert jobs.gives_way(engine.runtime, job)
        found = plans.explain(engine.database, caught, forced=forced)
    assert len(found) >= 4
    assert [(plan.scans, plan.statement) for plan in found if plan.scans] == []
    # What is due of all accounts is only asked whether there is any: it may nearly all be one account's.
    due = [plan.statement for plan in found if any("ix_jobs_open" in line for line in plan.lines)]
    assert [statement.count("jobs.due_at") for statement in due] == [2]
    walks = [plan.lines for plan in found if "walk" in plan.statement]
    assert all(any("ix_jobs_waiting" in line for line in lines) for lines in walks)
    assert all(any("ix_jobs_leased" in line for line in lines) for lines in walks), walks
