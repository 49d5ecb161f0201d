"""Work that is not sending."""

from structlog.testing import capture_logs

from core import jobs
from core.errors import PeerError, Refused
from core.jobs import Job
from core.runtime import Runtime
from core.schema import jobs as table
from tests.support.engine import Engine
from tests.support.world import NOON

SUBJECT = "01997b2c-1a2b-7c3d-8e4f-123456789abc"


class Worker:
    """A handler that remembers, and fails as it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.done: list[str] = []

    def __call__(self, _runtime: Runtime, job: Job) -> None:
        self.done.append(job.subject_id)
        if self.error:
            raise self.error


def promise(engine: Engine, kind: str = "test", due_at: int | None = None, subject: str = SUBJECT) -> None:
    with engine.runtime.begin() as tx:
        jobs.add(tx, SUBJECT, kind, subject, due_at)


def rounds(engine: Engine, worker: Worker, count: int, **time: int) -> int:
    """How often it was called in `count` rounds with time in between."""
    for _ in range(count):
        while jobs.work(engine.runtime, {"test": worker}):
            pass
        engine.clock.forward(**time)
    return len(worker.done)


def test_a_job_is_done_once(engine: Engine) -> None:
    promise(engine)
    assert rounds(engine, Worker(), 3, hours=1) == 1


def test_a_job_waits_for_its_time_and_a_second_promise_moves_it(engine: Engine) -> None:
    promise(engine, due_at=NOON + 1_000)
    promise(engine, due_at=NOON + 5_000)
    worker = Worker()
    assert rounds(engine, worker, 5, seconds=1) == 0
    assert rounds(engine, worker, 5, seconds=1) == 1


def test_a_promise_made_again_is_kept_again(engine: Engine) -> None:
    worker = Worker()
    promise(engine)
    rounds(engine, worker, 1)
    promise(engine)
    assert rounds(engine, worker, 1) == 2


def test_the_longest_due_goes_first(engine: Engine) -> None:
    ids = engine.runtime.ids.many(3)
    for place in (1, 2, 0):
        promise(engine, due_at=NOON - 10 + place, subject=ids[place])
    worker = Worker()
    rounds(engine, worker, 1)
    assert worker.done == ids


def test_who_works_on_some_kinds_leaves_the_others_to_those_who_know_them(engine: Engine) -> None:
    promise(engine, "slow")
    promise(engine, "test")
    slow, quick = Worker(), Worker()
    assert jobs.work(engine.runtime, {"test": quick})
    assert not jobs.work(engine.runtime, {"test": quick})
    assert (slow.done, quick.done) == ([], [SUBJECT])
    assert jobs.work(engine.runtime, {"slow": slow, "slower": slow})
    assert slow.done == [SUBJECT]


def test_a_leased_job_is_nobody_elses_until_the_lease_is_over(engine: Engine) -> None:
    promise(engine)
    first = jobs.claim(engine.runtime, {"test"})
    assert first is not None
    assert jobs.claim(engine.runtime, {"test"}) is None
    engine.clock.forward(ms=jobs.LEASE_MS - 1)
    with engine.runtime.begin() as tx:
        assert jobs.renew(tx, first)
    engine.clock.forward(ms=jobs.LEASE_MS - 1)
    assert jobs.claim(engine.runtime, {"test"}) is None
    engine.clock.forward(ms=1)
    second = jobs.claim(engine.runtime, {"test"})
    assert second is not None
    with engine.runtime.begin() as tx:
        assert not jobs.renew(tx, first)
        assert jobs.renew(tx, second)


def test_a_promise_made_while_it_is_worked_on_is_not_lost(engine: Engine) -> None:
    done: list[int] = []

    def handler(_runtime: Runtime, job: Job) -> None:
        done.append(job.attempt)
        if len(done) == 1:
            promise(engine)

    promise(engine)
    while jobs.work(engine.runtime, {"test": handler}):
        pass
    assert len(done) == 2


def test_a_refusal_is_tried_again_at_longer_intervals_and_given_up_with_its_error(engine: Engine) -> None:
    promise(engine)
    worker = Worker(PeerError("unavailable", "the mail server"))
    rounds(engine, worker, 1, seconds=4)
    assert rounds(engine, worker, 1, seconds=1) == 1
    assert rounds(engine, worker, 1) == 2
    worker.error = Refused("not_found", "There is no such thing.")
    assert rounds(engine, worker, 200, minutes=10) == jobs.MOST_FAILURES
    (row,) = engine.all(table)
    assert (row.error, row.done_at is not None) == ("not_found: There is no such thing.", True)


def test_a_bug_is_never_given_up_and_waits_for_the_version_that_mends_it(engine: Engine) -> None:
    promise(engine)
    worker = Worker(ValueError("+33612345678"))
    with capture_logs() as logged:
        assert rounds(engine, worker, 25, minutes=10) == 25
    assert "33612345678" not in str(logged)
    (row,) = engine.all(table)
    assert (row.error, row.done_at) == ("ValueError", None)
    worker.error = None
    assert rounds(engine, worker, 5, minutes=10) == 26


def test_a_job_that_no_handler_knows_waits_for_one(engine: Engine) -> None:
    promise(engine, kind="other")
    assert rounds(engine, Worker(), 1) == 0
    assert engine.all(table)[0].done_at is None


def test_a_cancelled_job_is_not_done(engine: Engine) -> None:
    promise(engine)
    with engine.runtime.begin() as tx:
        jobs.cancel(tx, "test", SUBJECT)
    assert rounds(engine, Worker(), 1) == 0


def test_a_promise_made_again_and_again_has_not_failed_for_that(engine: Engine) -> None:
    for _ in range(jobs.MOST_FAILURES + 5):
        promise(engine)
    worker = Worker(Refused("no", "not now"))
    rounds(engine, worker, 1)
    assert engine.all(table)[0].done_at is None
    assert rounds(engine, worker, 3, minutes=1) > 1
