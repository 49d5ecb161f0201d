"""What a process that was killed held, given back at once. Only where nobody else can be alive on the same database: a lock says so."""

from dataclasses import dataclass

from sqlalchemy import update

from core.runtime import Runtime
from core.schema import chunks, jobs, lanes
from core.sending import steps


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many windows were in flight (their messages are unknown now, and looked up), and how many jobs begin again."""

    windows: int
    jobs: int


def recover(runtime: Runtime) -> Recovered:
    """Close every open window, and end every lease of jobs, chunks and lanes: without this they end by themselves within a minute."""
    windows = 0
    while found := steps.sweep_abandoned(runtime, everyone=True):
        windows += found
    with runtime.begin() as tx:
        tx.execute(update(lanes).values(lease_until=0))
        tx.execute(
            update(chunks).where(chunks.c.status == "ready", chunks.c.lease_until > 0).values(owner=None, lease_until=0)
        )
        leased = (jobs.c.done_at.is_(None)) & jobs.c.lease_until.is_not(None)
        begun = tx.execute(update(jobs).where(leased).values(lease_until=None))
    return Recovered(windows, begun)
