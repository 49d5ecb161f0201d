"""What connectors do by themselves: jobs that they promised, and work that is done again and again, by one process at a time.

Whose turn it is stands in the database: a lease, kept while the work goes on, and the time of the next turn.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import select, update

from connectors.contract import Connector, Task
from core import Runtime, Tx, jobs, outages
from hub.installations.tables import task_turns
from hub.installations.tools import Lender

LEASE_MS: Final = 30_000
LONGEST_REST_S: Final = 5.0  # another process may have died in the middle of its turn


def handlers(lender: Lender) -> Mapping[str, jobs.Work]:
    """Who does the jobs of connectors, by their kind."""
    return {
        name_of(connector, task): partial(_do, lender, connector, task)
        for connector in lender.book.registry.connectors
        for task in connector.tasks
    }


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
        with _leased(runtime, self.name, self.owner):
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
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(runtime, name, owner, over), name=f"smshub-lease-{name}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()
        with suppress(*outages.ERRORS):  # then it ends by itself
            _hold(runtime, name, owner, 0)


def _keep(runtime: Runtime, name: str, owner: str, over: threading.Event) -> None:
    while not over.wait(LEASE_MS / 3000):
        with suppress(*outages.ERRORS):
            _hold(runtime, name, owner, LEASE_MS)


def _hold(runtime: Runtime, name: str, owner: str, ms: int) -> None:
    mine = (task_turns.c.name == name) & (task_turns.c.owner == owner)
    with runtime.begin() as tx:
        tx.execute(update(task_turns).where(mine).values(lease_until=tx.now + ms))
