"""A connector that hangs, or wants to end the process, in its own work: nobody else's waits for it."""

import threading
from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from connectors.contract import Task, Visit
from core import Runtime, jobs, schema
from hub.hooks.deliver import DISABLED_MAIL
from hub.installations import tasks
from hub.registry import Registry
from hub.roles.loops import jobs_of
from hub.roles.supervisor import Supervisor
from hub.wiring import Hub, compose
from tests.support import web
from tests.support.gadgets import gadget
from tests.support.plugged import plugged
from tests.support.serving import wait_for

SUBJECTS = [f"01997b2c-1a2b-7c3d-8e4f-{number:012}" for number in range(4)]


@contextmanager
def composed(url: str, folder: Path, *loops_of: Task) -> Iterator[Hub]:
    settings = web.settings(SMSHUB_DATA=str(folder), SMSHUB_DATABASE_URL=url)
    with closing(
        compose(settings, found=Registry((gadget(tasks=loops_of), gadget(name="other", tasks=loops_of))))
    ) as hub:
        yield hub


def promise(hub: Any, kind: str, subject: str) -> None:
    with hub.runtime.begin() as tx:
        jobs.add(tx, subject, kind, subject)


def undone(hub: Any, kind: str) -> list[Any]:
    with hub.runtime.read() as tx:
        return list(tx.all(select(schema.jobs).where(schema.jobs.c.kind == kind, schema.jobs.c.done_at.is_(None))))


def test_jobs_of_a_connector_that_hangs_hold_up_no_campaign_no_mail_and_no_other_connector(
    database_url: str, tmp_path: Path
) -> None:
    begun, go = threading.Event(), threading.Event()

    def run(_visit: Visit, subject: str) -> None:
        if subject in SUBJECTS[:3]:
            begun.set()
            go.wait(30)

    with composed(database_url, tmp_path, Task("work", run)) as hub:
        for subject in SUBJECTS[:3]:
            promise(hub, "gadget.work", subject)
        supervisor = Supervisor(hub.bell, list(jobs_of(hub)))
        supervisor.start()
        assert begun.wait(30)
        promise(hub, DISABLED_MAIL, SUBJECTS[3])
        promise(hub, "other.work", SUBJECTS[3])
        try:
            wait_for(lambda: not undone(hub, DISABLED_MAIL) and not undone(hub, "other.work"))
            assert len(undone(hub, "gadget.work")) == 3
        finally:
            go.set()
            supervisor.stop(30)


def test_a_job_that_takes_long_is_not_begun_again_meanwhile(database_url: str, tmp_path: Path) -> None:
    begun, go = threading.Event(), threading.Event()

    def run(_runtime: Runtime, _job: jobs.Job) -> None:
        begun.set()
        go.wait(30)

    with plugged(database_url, tmp_path) as hub:
        promise(hub, "gadget.work", SUBJECTS[0])
        worker = threading.Thread(target=jobs.work, args=(hub.runtime, {"gadget.work": tasks.at_length(run, 0.01)}))
        worker.start()
        assert begun.wait(30)
        (before,) = undone(hub, "gadget.work")
        hub.engine.clock.forward(ms=jobs.LEASE_MS - 1)
        wait_for(lambda: undone(hub, "gadget.work")[0].lease_until > before.lease_until)
        hub.engine.clock.forward(ms=jobs.LEASE_MS - 1)
        assert jobs.claim(hub.runtime, {"gadget.work"}) is None
        go.set()
        worker.join()
        assert undone(hub, "gadget.work") == []


@pytest.mark.parametrize("end", [SystemExit(3), CancelledError()])
def test_a_job_that_wants_to_end_the_process_is_a_bug_of_its_own(
    database_url: str, tmp_path: Path, end: BaseException
) -> None:
    def run(_visit: Visit, _subject: str) -> None:
        raise end

    with plugged(database_url, tmp_path, gadget(tasks=(Task("work", run),))) as hub, capture_logs() as told:
        promise(hub, "gadget.work", SUBJECTS[0])
        assert jobs.work(hub.runtime, tasks.handlers(hub.lender))
        assert [one["event"] for one in told] == ["job.failed", "job.put_off"]
