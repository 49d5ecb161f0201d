"""Who is slow or hangs holds up nobody else: a carrier, a receiver of hooks, somebody who locks an account's rows."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from core import Account, jobs, lanes, outages, receipts, schema, sweeps
from core.carriers.contract import Lookup, NotFound, Receipt
from core.sending import routing, steps
from tests.support.databases import PostgresDatabase
from tests.support.engine import Engine
from tests.support.peers import PeerMissingError, missing
from tests.support.scripted import Scripted, that

PARIS, LYON = "0612345678", "0612345679"
PATIENCE_S = 60


@pytest.fixture
def make_engine(tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def make(url: str, **options: Any) -> Engine:
        made.append(Engine(url, tmp_path, **options))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


class Hanging(threading.Thread):
    """Some work that hangs in a carrier until it is let go."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.there, self.go = threading.Event(), threading.Event()

    def run(self) -> None:
        self._work()

    def hang(self) -> None:
        """What the carrier calls."""
        self.there.set()
        assert self.go.wait(PATIENCE_S)

    def __enter__(self) -> Self:
        self.start()
        assert self.there.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.go.set()
        self.join(PATIENCE_S)


def test_a_carrier_that_hangs_holds_up_no_other(database_url: str, make_engine: Callable[..., Engine]) -> None:
    stuck = Scripted("stuck", that(looks_up=True))
    engine = make_engine(database_url)
    runtime = engine.runtime = engine.runtime.as_of(carriers={"simulator": engine.simulator, "stuck": stuck})
    account, other = engine.account("Acme"), engine.account("Other")
    with runtime.begin() as tx:
        routing.set_route(tx, "FR", "notification", ["stuck"])
    engine.send(account, PARIS, purpose="notification")
    lane = lanes.open_lane(runtime, "stuck", "elsewhere")
    hanging = Hanging(lambda: lanes.serve(runtime, lane))
    stuck.meanwhile = hanging.hang
    with hanging:
        for sender in (account, other):
            engine.send(sender, LYON)
        engine.settle()
        assert [row.status for row in engine.messages(other)] == ["received"]
        assert sorted(row.status for row in engine.messages(account)) == ["received", "sending"]
    assert {row.status for row in engine.messages(account)} == {"received", "sent"}
    assert engine.faults() == []


def test_a_look_up_that_hangs_holds_up_no_scheduled_message(
    database_url: str, make_engine: Callable[..., Engine]
) -> None:
    stuck = Asked("stuck", that(looks_up=True), answer=lambda _attempt: None)
    engine = make_engine(database_url, carrier=stuck)
    account = engine.account()
    engine.send(account, PARIS)
    engine.serve()
    engine.clock.forward(seconds=10)
    hanging = Hanging(lambda: steps.take(engine.runtime, "elsewhere"))
    stuck.asking = hanging.hang
    with hanging:
        engine.send(account, LYON, send_at=engine.clock.now + 1_000)
        engine.clock.forward(seconds=2)
        assert steps.take(engine.runtime, "here")
        assert sorted(row.status for row in engine.messages(account)) == ["queued", "unknown"]
    assert engine.faults() == []


def test_a_look_up_that_hangs_holds_up_no_look_up_elsewhere_and_no_other_step(
    database_url: str, make_engine: Callable[..., Engine]
) -> None:
    stuck = Asked("stuck", that(looks_up=True), answer=lambda _attempt: None)
    well = Asked("well", that(looks_up=True), answer=lambda _attempt: None)
    well.asking = lambda: None
    engine = make_engine(database_url)
    runtime = engine.runtime = engine.runtime.as_of(carriers={"stuck": stuck, "well": well})
    account = engine.account()
    with runtime.begin() as tx:
        routing.set_route(tx, "FR", "notification", ["stuck"])
        routing.set_route(tx, "FR", "marketing", ["well"])
    engine.send(account, PARIS, purpose="notification")
    engine.send(account, LYON, purpose="marketing")
    for name in ("stuck", "well"):
        lanes.serve(runtime, lanes.open_lane(runtime, name, "here"))
    engine.clock.forward(seconds=20)
    hanging = Hanging(lambda: steps.ask(runtime, "here", "stuck"))
    stuck.asking = hanging.hang
    with hanging:
        engine.send(account, PARIS, send_at=engine.clock.now + 1_000)
        engine.clock.forward(seconds=2)
        assert steps.take_own(runtime, "here")
        assert not steps.take_own(runtime, "here")
        assert steps.ask(runtime, "here", "well")
        states = sorted((row.carrier, row.status) for row in engine.messages(account))
        assert states == [("stuck", "unknown"), ("well", "queued"), ("well", "queued")]
    assert engine.faults() == []


def test_the_receipts_of_an_account_that_somebody_locks_hold_up_no_other_accounts_receipts(
    postgres_database: PostgresDatabase, make_engine: Callable[..., Engine]
) -> None:
    try:
        url = postgres_database.fresh()
    except PeerMissingError as why:
        missing("postgresql", why)
    silent = Scripted("simulator", that(promises_receipts=True), answer=lambda _attempt: None)
    engine = make_engine(url, carrier=silent)
    locked, free = engine.account("Locked"), engine.account("Free")
    for account in (locked, free):
        engine.send(account, PARIS)
        engine.serve()
    came = [
        Receipt("received", "000", engine.clock.now, reference=row.id)
        for account in (locked, free)
        for row in engine.messages(account)
    ]
    receipts.inbox(engine.runtime)("simulator", came, [])
    with engine.database.begin() as stranger:
        money = schema.ledger_accounts
        stranger.all(select(money).where(money.c.account_id == locked.id).with_for_update())
        assert receipts.apply(engine.runtime) == 2
        assert (statuses(engine, locked), statuses(engine, free)) == (["unknown"], ["received"])
        assert receipts.apply(engine.runtime) == 0
        engine.clock.forward(seconds=1)
        assert receipts.apply(engine.runtime) == 1
        assert statuses(engine, locked) == ["unknown"]
    engine.clock.forward(seconds=1)
    assert receipts.apply(engine.runtime) == 1
    assert statuses(engine, locked) == ["received"]
    assert engine.faults() == []


class Asked(Scripted):
    """A carrier whose look-ups wait for a test; it never received anything."""

    asking: Callable[[], None]

    def lookup(self, references: Any) -> dict[str, Lookup]:
        self.asking()
        return {reference: NotFound(reference) for reference in references}


@pytest.fixture
def impatient_url(postgres_database: PostgresDatabase) -> str:
    """PostgreSQL whose locks are waited for for a moment: what is shown does not depend on how long."""
    try:
        return f"{postgres_database.fresh()}&options=-c%20lock_timeout%3D50ms"
    except PeerMissingError as why:
        missing("postgresql", why)


def test_rows_of_an_account_that_somebody_locks_hold_up_no_other_account(
    impatient_url: str, make_engine: Callable[..., Engine]
) -> None:
    engine = make_engine(impatient_url)
    locked, free = engine.account("Locked"), engine.account("Free")
    engine.send(locked, PARIS)
    with engine.database.begin() as stranger:
        money = schema.ledger_accounts
        stranger.all(select(money).where(money.c.account_id == locked.id).with_for_update())
        engine.send(free, PARIS)
        campaign = engine.campaign(free, LYON)
        for _ in range(10):
            _work_on(engine)
        assert {row.status for row in engine.messages(free)} <= {"sent", "delivered_operator", "received"}
        assert engine.campaign_row(campaign.id).status == "finished"
        assert statuses(engine, locked) != ["received"]
    engine.later(seconds=30)
    engine.later(seconds=30)
    steps.sweep_abandoned(engine.runtime)
    engine.later(seconds=30)
    assert statuses(engine, locked) == ["received"]
    assert len(engine.taken()) == 3
    assert engine.faults() == []


def _work_on(engine: Engine) -> None:
    """A turn of each loop: one that fails is told, and the others go on."""
    runtime, store = engine.runtime, receipts.inbox(engine.runtime)
    turns: tuple[Callable[[], object], ...] = (
        lambda: jobs.work(runtime, engine.handlers),
        lambda: steps.take(runtime, "here"),
        engine.serve,
        lambda: engine.simulator.pump(store),
        lambda: receipts.apply(runtime),
        lambda: sweeps.finish_campaigns(runtime),
    )
    for turn in turns:
        try:
            turn()
        except OperationalError as error:
            found = outages.of(error)
            assert found is not None
            assert found.kind == "busy"


def statuses(engine: Engine, account: Account) -> list[str]:
    return [row.status for row in engine.messages(account)]
