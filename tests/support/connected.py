"""An installation that is connected to a token endpoint, and the store of its tokens."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, update

from connectors.contract import Installation, Issuer
from core import Database, Runtime, jobs
from hub.connections import book, notices
from hub.connections.asking import Given
from hub.connections.refreshing import LOST_MAIL
from hub.connections.store import Store
from hub.connections.tables import connections
from hub.outbound import Outbound
from tests.support.hooked import KEYS, LOOPBACK
from tests.support.issuers import Issuing
from tests.support.sealed import installed, safe_on
from tests.support.world import ManualClock, runtime_on

HOUR_MS = 3_600_000
JOBS: dict[str, jobs.Work] = {LOST_MAIL: lambda runtime, job: notices.send_mail(runtime, job.subject_id)}


@dataclass(slots=True)
class Linked:
    """A world with one connection that was given "access-0" and "refresh-0", both good for an hour."""

    runtime: Runtime
    clock: ManualClock
    issuing: Issuing
    installation: Installation
    store: Store

    def access(self) -> str:
        return self.store.access(self.installation)

    def refused(self, token: str) -> str:
        return self.store.refused(self.installation, token)

    @property
    def row(self) -> Row[Any]:
        with self.runtime.read() as tx:
            row = book.find(tx, self.installation.id, book.MAIN)
        assert row is not None
        return row

    def kept(self, column: str = "refresh_token") -> str | None:
        """A secret of the row, opened."""
        return book.opened(KEYS, self.row, connections.c[column])

    def write(self, **values: Any) -> None:
        with self.runtime.begin() as tx:
            tx.execute(update(connections).values(**values))

    def health(self) -> list[str]:
        with self.runtime.read() as tx:
            return list(notices.of_installation(tx, self.installation.id))

    def mails(self) -> list[tuple[str, str, str]]:
        """What was mailed, once every promised mail was written."""
        while jobs.work(self.runtime, JOBS):
            pass
        sent: list[tuple[str, str, str]] = self.runtime.mail.sent  # type: ignore[union-attr]  # Letters
        return sent

    def elsewhere(self, pause: Callable[[float], object] = lambda _seconds: None) -> Store:
        """The store of another process: a database and a runtime of its own. Close its database when it is done."""
        database = Database(self.runtime.database.url.render_as_string(hide_password=False))
        return replace(self.store, runtime=runtime_on(database, clock=self.clock), pause=pause)


def linked_on(runtime: Runtime, clock: ManualClock, issuing: Issuing) -> Linked:
    installation = installation_of(runtime)
    store = Store(runtime, KEYS, Outbound(guard=LOOPBACK, seconds=5))
    with runtime.begin() as tx:
        book.keep(tx, KEYS, installation, issuer(issuing), Given("access-0", "refresh-0", HOUR_MS))
    return Linked(runtime, clock, issuing, installation, store)


def installation_of(runtime: Runtime, connector: str = "eloqua") -> Installation:
    account_id = safe_on(runtime).account_id
    with runtime.begin() as tx:
        return installed(tx, account_id, connector)


def issuer(issuing: Issuing, **more: Any) -> Issuer:
    return Issuer(issuing.url, "our id", "our secret", **more)
