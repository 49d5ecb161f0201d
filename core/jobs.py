"""Work that is not sending: expanding campaigns, imports, large quotes, mails.

A row is the promise that the work will be done; `due_at` is the only time that is polled. A worker leases a job, and each job can
be done again from where it stopped: a lost or doubled wake-up does no harm.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import update

from core import broken, turns
from core.errors import PeerError, Refused
from core.runtime import Runtime, Tx
from core.schema import jobs

LEASE_MS: Final = 60_000
FIRST_RETRY_MS: Final = 5_000
LONGEST_RETRY_MS: Final = 600_000
DOUBLINGS: Final = 10  # more would pass the longest wait anyway
MOST_FAILURES: Final = 20
TURN_MS: Final = 2_000
AS_MANY: Final = 1_000  # as an account has

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """A leased job; `attempt` is the fence of its lease, `failures` how often it failed since it was promised."""

    id: str
    account_id: str
    kind: str
    subject_id: str
    attempt: int
    failures: int = 0
    claimed_at: int = 0
    among: frozenset[str] = frozenset()  # the kinds that its worker works on: with these it takes turns


Work = Callable[[Runtime, Job], bool | None]  # True: it gave way, and there is more to do


def add(tx: Tx, account_id: str, kind: str, subject_id: str, due_at: int | None = None) -> None:
    """Promise the work, once for each (kind, subject). A second promise moves its time and takes the lease from whoever works on it

    now: what it has read may be out of date, and its `done` does not count.
    """
    due = tx.now if due_at is None else due_at
    row = {
        "id": tx.new_id(),
        "account_id": account_id,
        "kind": kind,
        "subject_id": subject_id,
        "due_at": due,
        "attempt": 0,
        "failures": 0,
    }
    statement = tx.upsert(jobs).values(**row)
    fresh = {"due_at": due, "done_at": None, "error": None, "lease_until": None, "failures": 0}
    again = fresh | {"attempt": jobs.c.attempt + 1}
    tx.execute(statement.on_conflict_do_update(index_elements=["kind", "subject_id"], set_=again))
    tx.ring("jobs")


def cancel(tx: Tx, kind: str, subject_id: str) -> None:
    """The work is not wanted any more."""
    tx.execute(update(jobs).where(jobs.c.kind == kind, jobs.c.subject_id == subject_id).values(done_at=tx.now))


def claim(runtime: Runtime, kinds: Collection[str], each: int = AS_MANY) -> Job | None:
    """Lease a due job of these kinds: of the account with the fewest leased ones first, then of who had no turn for longest.

    each: how many of them one account may have leased.
    """
    with runtime.begin() as tx:
        for turn in turns.in_turn(tx, kinds, each):
            row = turns.take(tx, turn, kinds, each)
            if row is not None:
                leased = {"lease_until": tx.now + LEASE_MS, "attempt": row.attempt + 1}
                tx.execute(update(jobs).where(jobs.c.id == row.id).values(**leased))
                whose = (row.id, row.account_id, row.kind, row.subject_id)
                return Job(*whose, row.attempt + 1, row.failures, tx.now, frozenset(kinds))
    return None


def gives_way(runtime: Runtime, job: Job) -> bool:
    """Whether others should go before more of it is done: it has worked for its turn, and an account waits that has fewer leased jobs.

    Who asks then stops, and says that there is more: see `work`.
    """
    if runtime.clock() - job.claimed_at < TURN_MS:
        return False
    with runtime.read() as tx:
        return turns.another_waits(tx, job.account_id, job.among)


def renew(tx: Tx, job: Job) -> bool:
    """Keep the lease while working; False when somebody else has the job now, and this worker must stop."""
    mine = (jobs.c.id == job.id) & (jobs.c.attempt == job.attempt) & jobs.c.done_at.is_(None)
    return tx.execute(update(jobs).where(mine).values(lease_until=tx.now + LEASE_MS)) == 1


@dataclass(slots=True)
class Keeper:
    """Keeps a job's lease while it works and writes nothing: called as often as one likes. False: this worker must stop."""

    runtime: Runtime
    job: Job
    kept_at: int | None = None

    def __call__(self) -> bool:
        if self.kept_at is not None and 0 <= self.runtime.clock() - self.kept_at < LEASE_MS // 4:
            return True
        with self.runtime.begin() as tx:
            self.kept_at = tx.now
            return renew(tx, self.job)


def work(runtime: Runtime, handlers: Mapping[str, Work], each: int = AS_MANY) -> bool:
    """Do one due job of the kinds that have handlers; False when there is none. One that fails is tried again later, and given up in the

    end if it was refused. One that meets a bug, or a database that is down, is never given up: what it promised may hold somebody's
    credits. One that gives way is due at once, behind those that are due already.
    """
    job = claim(runtime, handlers.keys(), each)
    if job is None:
        return False
    try:
        more = handlers[job.kind](runtime, job)
    except (PeerError, Refused) as error:
        _put_off(runtime, job, str(error), final=job.failures + 1 >= MOST_FAILURES)
        return True
    except Exception as error:  # noqa: BLE001 - a bug: told, and the job stays for the version that mends it
        broken.tell("job.failed", error, job_id=job.id, kind=job.kind, attempt=job.attempt)
        _put_off(runtime, job, type(error).__name__, final=False)
        return True
    with runtime.begin() as tx:
        mine = (jobs.c.id == job.id) & (jobs.c.attempt == job.attempt)
        following = {"due_at": tx.now} if more is True else {"done_at": tx.now}
        tx.execute(update(jobs).where(mine).values(lease_until=None, **following))
    return True


def _put_off(runtime: Runtime, job: Job, error: str, *, final: bool) -> None:
    wait = min(FIRST_RETRY_MS * 2 ** min(job.failures, DOUBLINGS), LONGEST_RETRY_MS)
    with runtime.begin() as tx:
        given_up = {"done_at": tx.now} if final else {"due_at": tx.now + wait}
        mine = (jobs.c.id == job.id) & (jobs.c.attempt == job.attempt)
        tx.execute(
            update(jobs).where(mine).values(lease_until=None, error=error[:500], failures=job.failures + 1, **given_up)
        )
    log.warning("job.put_off", job_id=job.id, kind=job.kind, attempt=job.attempt, wait_ms=wait)
