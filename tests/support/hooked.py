"""A small hub with webhooks: an account, its hooks, and the two workers that post, each called by hand."""

import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update

from connectors.contract import Call, Operation
from core import Caller, Runtime, accounts, backlog, events, jobs
from core.database import Database
from hub import secrets
from hub.api.hooks import operations
from hub.api.paging import Cursors
from hub.api.perform import Performer
from hub.api.schemas import check_of
from hub.guard import Guard
from hub.hooks import endpoints, queue
from hub.hooks.deliver import DISABLED_MAIL, deliver
from hub.hooks.relay import relay
from hub.hooks.tables import deliveries, hooks
from hub.hooks.triggers import TRIGGERS
from hub.outbound import Outbound
from tests.support.world import ManualClock, runtime_on

KEYS = secrets.keys_from(["a secret of the operator, for tests"])
LOOPBACK = Guard(allow=(ipaddress.ip_network("127.0.0.0/8"),))
JOBS: Mapping[str, jobs.Work] = {DISABLED_MAIL: lambda runtime, job: endpoints.send_mail(runtime, job.subject_id)}


@dataclass(frozen=True, slots=True)
class Hub:
    runtime: Runtime
    clock: ManualClock
    account_id: str
    outbound: Outbound

    def hook(self, url: str, *types: str, batch: bool = False, **filters: Any) -> tuple[str, str]:
        """A new hook's id and secret."""
        wanted = endpoints.Wanted(url, types or ("optout.created",), filters, batch)
        with self.runtime.begin() as tx:
            row, secret = endpoints.create(self.runtime, tx, KEYS, self.account_id, wanted, "api")
        return row.id, secret

    def happens(self, count: int = 1, kind: str = "optout.created") -> None:
        """As many opt-outs, in one transaction, and told to who listens."""
        facts = [
            {"number": 33612000000 + n, "source": "api", "reason": None, "at": self.clock.now} for n in range(count)
        ]
        self.emit(kind, facts)
        self.relay()

    def emit(self, kind: str, facts: Sequence[Mapping[str, Any]]) -> None:
        with self.runtime.begin() as tx:
            events.emit(tx, self.account_id, kind, facts)

    def relay_waits(self) -> int:
        """Rows of the outbox that were not relayed yet."""
        with self.runtime.read() as tx:
            return int(backlog.counts(tx)["outbox"])

    def relay(self) -> int:
        return relay(self.runtime, TRIGGERS, [queue.sink])

    def deliver(self, **options: Any) -> int:
        return deliver(self.runtime, KEYS, self.outbound.send, **options)

    def work(self) -> None:
        """Do the promised jobs (mails)."""
        while jobs.work(self.runtime, JOBS):
            pass

    def rows(self, hook_id: str | None = None) -> Sequence[Row[Any]]:
        """Deliveries in the order they were made."""
        wanted = select(deliveries).order_by(deliveries.c.id)
        with self.runtime.read() as tx:
            return tx.all(wanted.where(deliveries.c.hook_id == hook_id) if hook_id else wanted)

    def state(self, hook_id: str) -> Row[Any]:
        with self.runtime.read() as tx:
            row = tx.one(select(hooks).where(hooks.c.id == hook_id))
        assert row is not None
        return row

    def point(self, hook_id: str, url: str) -> None:
        """The receiver moves."""
        with self.runtime.begin() as tx:
            tx.execute(update(hooks).where(hooks.c.id == hook_id).values(url=url))

    def ask(
        self, name: str, *, id_: str | None = None, guard: Guard = LOOPBACK, as_: str | None = None, **asked: Any
    ) -> Any:
        """An operation, carried out as the web does (body, query, page); the JSON of its answer, which fits its schema."""
        chosen = operation(name, guard)
        caller = Caller(as_ or self.account_id, frozenset({"webhooks:manage"}), "api", "test")
        call = Call(self.runtime, caller, path={"id": id_} if id_ else {}, **asked)
        answer = Performer(Cursors(["k" * 32])).perform(chosen, call)
        assert isinstance(answer.body, bytes)
        shown = json.loads(answer.body)
        for item in shown["items"] if chosen.paged else [shown]:
            check_of(chosen.answers[answer.status] or {})(item)
        return shown


def operation(name: str, guard: Guard = LOOPBACK) -> Operation:
    return {each.name: each for each in operations(KEYS, guard, TRIGGERS)}[name]


def hub_on(url: str, **changes: Any) -> Hub:
    clock = ManualClock()
    runtime = runtime_on(Database(url), clock=clock)
    with runtime.begin() as tx:
        account = accounts.create(tx, "Shop", email="shop@example.com")
    return Hub(
        runtime, clock, account.id, Outbound(guard=changes.get("guard", LOOPBACK), seconds=changes.get("seconds", 5))
    )
