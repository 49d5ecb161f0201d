"""Requests that meet: each has begun before any has come to its end."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text
from werkzeug.test import TestResponse

from core import Runtime
from hub.oauth import grants
from tests.support.provider import Provider
from tests.support.serving import wait_for

Ask = Callable[[], TestResponse]


def at_once(hub: Provider, *requests: Ask) -> Sequence[TestResponse]:
    """Let these meet at the one grant there is; SQLite has one writer, so there they wait from their beginning."""
    (grant,) = hub.grants()
    with ThreadPoolExecutor(len(requests)) as threads:
        with hub.runtime.begin() as tx:
            assert grants.held(tx, grant.id)
            begun = [threads.submit(one) for one in requests]
            if tx.postgresql:
                wait_for(lambda: waiting(hub.runtime) == len(requests) or all(one.done() for one in begun))
        return [one.result() for one in begun]


def waiting(runtime: Runtime) -> int:
    """How many wait for a lock of the database."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with runtime.read() as tx:
        return int(tx.scalar(text(asked)))
