"""Work that is not sending: expanding campaigns, imports, large quotes, mails.

A row is the promise that the work will be done; `due_at` is the only time that is polled. A worker leases a job, and each job can
be done again from where it stopped: a lost or doubled wake-up does no harm.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import ColumnElement, or_, select, update

from core import broken
from core.errors import PeerError, Refused
from core.runtime import Runtime, Tx
from core.schema import jobs

LEASE_MS: Final = 60_000
FIRST_RETRY_MS: Final = 5_000
LONGEST_RETRY_MS: Final = 600_000
DOUBLINGS: Final = 10  # more would pass the longest wait anyway
MOST_FAILURES: Final = 20

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


Work = Callable[[Runtime, Job], None]


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


def claim(runtime: Runtime, only: Collection[str] = (), but: Collection[str] = ()) -> Job | None:
    """Lease the job that has been due longest, of all kinds; or of these alone, or of all but these."""
    with runtime.begin() as tx:
        free = or_(jobs.c.lease_until.is_(None), jobs.c.lease_until <= tx.now)
        due = select(jobs).where(jobs.c.done_at.is_(None), jobs.c.due_at <= tx.now, free, *_kinds(only, but))
        row = tx.one(due.order_by(jobs.c.due_at).limit(1).with_for_update(skip_locked=True))
        if row is None:
            return None
        tx.execute(
            update(jobs).where(jobs.c.id == row.id).values(lease_until=tx.now + LEASE_MS, attempt=row.attempt + 1)
        )
    return Job(row.id, row.account_id, row.kind, row.subject_id, row.attempt + 1, row.failures)


def _kinds(only: Collection[str], but: Collection[str]) -> list[ColumnElement[bool]]:
    theirs = [jobs.c.kind.in_(sorted(only))] if only else []
    others = [jobs.c.kind.not_in(sorted(but))] if but else []
    return [*theirs, *others]


def renew(tx: Tx, job: Job) -> bool:
    """Keep the lease while working; False when somebody else has the job now, and this worker must stop."""
    mine = (jobs.c.id == job.id) & (jobs.c.attempt == job.attempt) & jobs.c.done_at.is_(None)
    return tx.execute(update(jobs).where(mine).values(lease_until=tx.now + LEASE_MS)) == 1


def work(runtime: Runtime, handlers: Mapping[str, Work], only: Collection[str] = (), but: Collection[str] = ()) -> bool:
    """Do one due job; False when there is none. One that fails is tried again later, and given up in the end if it was refused.

    One that meets a bug, or a database that is down, is never given up: what it promised may hold somebody's credits.
    """
    job = claim(runtime, only, but)
    if job is None:
        return False
    try:
        handlers[job.kind](runtime, job)
    except (PeerError, Refused) as error:
        _put_off(runtime, job, str(error), final=job.failures + 1 >= MOST_FAILURES)
        return True
    except Exception as error:  # noqa: BLE001 - a bug: told, and the job stays for the version that mends it
        broken.tell("job.failed", error, job_id=job.id, kind=job.kind, attempt=job.attempt)
        _put_off(runtime, job, type(error).__name__, final=False)
        return True
    with runtime.begin() as tx:
        mine = (jobs.c.id == job.id) & (jobs.c.attempt == job.attempt)
        tx.execute(update(jobs).where(mine).values(done_at=tx.now, lease_until=None))
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
