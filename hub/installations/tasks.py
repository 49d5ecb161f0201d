"""What connectors do by themselves: jobs that they promised, and work that is done again and again, by one process at a time.

Whose turn it is stands in the database: a lease, kept while the work goes on, and the time of the next turn.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import select, update

from connectors.contract import Connector, Task
from core import Runtime, Tx, jobs, outages
from hub.installations.contained import contained
from hub.installations.tables import task_turns
from hub.installations.tools import Lender

LEASE_MS: Final = 30_000
KEEP_S: Final = 10.0  # a third of that, and less than that of the leases of jobs
LONGEST_REST_S: Final = 5.0  # another process may have died in the middle of its turn


def handlers(lender: Lender) -> Mapping[str, jobs.Work]:
    """Who does the jobs of connectors, by their kind."""
    return {
        name_of(connector, task): at_length(partial(_do, lender, connector, task))
        for connector in lender.book.registry.connectors
        for task in connector.tasks
    }


def at_length(work: jobs.Work, keep_s: float = KEEP_S) -> jobs.Work:
    """The same work, held in, and with its lease kept however long it takes: nobody else begins it meanwhile."""

    def done(runtime: Runtime, job: jobs.Job) -> None:
        with _kept(job.kind, lambda: _renew(runtime, job), keep_s), contained():
            work(runtime, job)

    return done


def _renew(runtime: Runtime, job: jobs.Job) -> None:
    with runtime.begin() as tx:
        jobs.renew(tx, job)


def name_of(connector: Connector, task: Task) -> str:
    """The kind of its jobs, and the name of its turns."""
    return f"{connector.name}.{task.name}"


def _do(lender: Lender, connector: Connector, task: Task, _runtime: Runtime, job: jobs.Job) -> None:
    task.run(lender.visit(connector), job.subject_id)


@dataclass(frozen=True, slots=True)
class Turns:
    """One task that is done again and again, as one process sees it."""

    lender: Lender
    connector: Connector
    task: Task
    every_s: float
    owner: str

    @property
    def name(self) -> str:
        return name_of(self.connector, self.task)

    def take(self) -> float:
        """Do it, if it is due and nobody else is at it; how many seconds until it is worth looking again."""
        runtime = self.lender.runtime
        with runtime.begin() as tx:
            due_at = _claimed(tx, self.name, self.owner)
            now = tx.now
        if due_at is not None:
            return min(max(0.0, (due_at - now) / 1000), LONGEST_REST_S)
        with _leased(runtime, self.name, self.owner), contained():
            self.task.run(self.lender.visit(self.connector), "")
            _put_off(runtime, self.name, round(self.every_s * 1000))
        return min(self.every_s, LONGEST_REST_S)


def of(lender: Lender, owner: str) -> Iterator[Turns]:
    """Every such task."""
    for connector in lender.book.registry.connectors:
        for task in connector.tasks:
            if task.every_s is not None:
                yield Turns(lender, connector, task, task.every_s, owner)


def _claimed(tx: Tx, name: str, owner: str) -> int | None:
    """Take the turn: None where it is this process's now, else when to look again."""
    new = tx.upsert(task_turns).values(name=name, owner=None, lease_until=0, due_at=tx.now)
    tx.execute(new.on_conflict_do_nothing(index_elements=["name"]))
    free = (task_turns.c.due_at <= tx.now) & (task_turns.c.lease_until <= tx.now)
    mine = {"owner": owner, "lease_until": tx.now + LEASE_MS}
    if tx.execute(update(task_turns).where(task_turns.c.name == name, free).values(**mine)):
        return None
    later = select(task_turns.c.due_at, task_turns.c.lease_until).where(task_turns.c.name == name)
    row = tx.one(later)
    return max(row.due_at, row.lease_until) if row else tx.now


def _put_off(runtime: Runtime, name: str, ms: int) -> None:
    with runtime.begin() as tx:
        tx.execute(update(task_turns).where(task_turns.c.name == name).values(due_at=tx.now + ms))


@contextmanager
def _leased(runtime: Runtime, name: str, owner: str) -> Iterator[None]:
    """Keep the lease while the work goes on, however long, and give it back."""
    try:
        with _kept(name, lambda: _hold(runtime, name, owner, LEASE_MS)):
            yield
    finally:
        with suppress(*outages.ERRORS):  # then it ends by itself
            _hold(runtime, name, owner, 0)


@contextmanager
def _kept(name: str, hold: Callable[[], None], every_s: float = KEEP_S) -> Iterator[None]:
    """`hold` a lease again and again while the work within goes on."""
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(hold, every_s, over), name=f"smshub-lease-{name}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _keep(hold: Callable[[], None], every_s: float, over: threading.Event) -> None:
    while not over.wait(every_s):
        with suppress(*outages.ERRORS):
            hold()


def _hold(runtime: Runtime, name: str, owner: str, ms: int) -> None:
    mine = (task_turns.c.name == name) & (task_turns.c.owner == owner)
    with runtime.begin() as tx:
        tx.execute(update(task_turns).where(mine).values(lease_until=tx.now + ms))
