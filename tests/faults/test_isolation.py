"""Who is slow or hangs holds up nobody else: a carrier, a receiver of hooks, somebody who locks an account's rows."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from core import Account, campaigns, jobs, lanes, outages, receipts, schema, sweeps
from core.carriers.contract import Lookup, NotFound, Receipt
from core.sending import routing, steps
from core.sending.drafts import Draft
from hub import settings
from hub.roles import loops
from hub.wiring import handlers
from tests.support.databases import PostgresDatabase
from tests.support.engine import Engine
from tests.support.peers import PeerMissingError, missing
from tests.support.scripted import Scripted, that
from tests.support.serving import wait_for

PARIS, LYON = "0612345678", "0612345679"
PATIENCE_S = 60
PROMISE_S = 2.0  # an otp leaves within this, whatever others do: the product says so


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


def test_a_mail_server_that_hangs_holds_up_no_campaign(database_url: str, make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(database_url)
    account = engine.account()
    with engine.runtime.begin() as tx:
        for _ in range(3):
            jobs.add(tx, account.id, "mail.credits_low", tx.new_id())
    made = engine.campaign(account, PARIS)
    lines = loops.lines(engine.handlers)
    hanging = Hanging(lambda: jobs.work(engine.runtime, {"mail.credits_low": lambda *_: hanging.hang()}))
    with hanging:
        assert jobs.work(engine.runtime, lines["campaign"])
        assert not jobs.work(engine.runtime, lines["campaign"])
        assert engine.campaign_row(made.id).status == "sending"
    assert engine.faults() == []


def test_each_kind_of_work_has_threads_of_its_own_and_all_mails_are_one() -> None:
    known = handlers(settings.read({}))
    lines = loops.lines(known)
    assert {kind for line in lines.values() for kind in line} == set(known)
    assert lines.keys() >= {"campaign", "import", "quote", "mail"}
    assert {kind for kind in known if "mail" in kind} == set(lines["mail"])


def test_the_receipts_of_an_account_that_somebody_locks_hold_up_no_other_accounts_receipts(
    postgres_url: str, make_engine: Callable[..., Engine]
) -> None:
    silent = Scripted("simulator", that(promises_receipts=True), answer=lambda _attempt: None)
    engine = make_engine(postgres_url, carrier=silent)
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
    with locked_by_a_stranger(engine, locked):
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
def postgres_url(postgres_database: PostgresDatabase) -> str:
    try:
        return postgres_database.fresh()
    except PeerMissingError as why:
        missing("postgresql", why)


@contextmanager
def locked_by_a_stranger(engine: Engine, account: Account) -> Iterator[None]:
    """All rows of an account in the ledger, as a paused process holds them."""
    with engine.database.begin() as stranger:
        money = schema.ledger_accounts
        stranger.all(select(money).where(money.c.account_id == account.id).with_for_update())
        yield


@contextmanager
def served(engine: Engine) -> Iterator[None]:
    """The lane, in a thread of its own."""
    over = threading.Event()

    def serve() -> None:
        while not over.wait(0 if engine.serve() else 0.02):
            pass

    with ThreadPoolExecutor(1) as thread:
        serving = thread.submit(serve)
        try:
            yield
        finally:
            over.set()
        serving.result(PATIENCE_S)


@pytest.mark.parametrize("looks_up", [True, False])
def test_an_otp_is_not_held_up_by_another_accounts_locked_ledger(
    postgres_url: str, make_engine: Callable[..., Engine], looks_up: bool
) -> None:
    carrier = Scripted("simulator", that(looks_up=looks_up))
    engine = make_engine(postgres_url, carrier=carrier)
    locked, free = engine.account("Locked", otp=True), engine.account("Free", otp=True)
    engine.send(locked, PARIS, purpose="otp")
    with locked_by_a_stranger(engine, locked), served(engine):
        wait_for(lambda: carrier.given)
        engine.send(free, LYON, purpose="otp")
        wait_for(lambda: statuses(engine, free) == ["sent"], PROMISE_S)
        assert statuses(engine, locked) == ["sending"]
    engine.settle()
    assert statuses(engine, locked) == ["sent"]
    engine.later(rounds=3, seconds=60)
    assert len(carrier.given) == 2  # nothing was forgotten, so nothing is sent again
    assert engine.faults() == []


def test_an_otp_is_not_held_up_by_opt_outs_of_an_account_whose_ledger_is_locked(
    postgres_url: str, make_engine: Callable[..., Engine]
) -> None:
    engine = make_engine(postgres_url)
    locked, free = engine.account("Locked"), engine.account("Free", otp=True)
    engine.send_all(locked, [Draft(PARIS, "Bonjour"), Draft(LYON, "Bonjour")])
    engine.block(locked, 33612345678)
    with locked_by_a_stranger(engine, locked), served(engine):
        engine.send(free, LYON, purpose="otp")
        wait_for(lambda: statuses(engine, free) == ["received"], PROMISE_S)
        assert statuses(engine, locked) == ["queued", "queued"]
    engine.later(seconds=1)
    engine.later(seconds=1)
    assert statuses(engine, locked) == ["blacklisted", "received"]
    assert engine.faults() == []


def test_a_campaign_that_is_called_off_while_its_ledger_is_locked_holds_up_nobody(
    postgres_url: str, make_engine: Callable[..., Engine]
) -> None:
    engine = make_engine(postgres_url)
    locked, free = engine.account("Locked"), engine.account("Free", otp=True)
    made = engine.campaign(locked, PARIS, LYON)
    jobs.work(engine.runtime, engine.handlers)
    with engine.runtime.begin() as tx:
        campaigns.cancel(tx, locked.id, made.id)
    with locked_by_a_stranger(engine, locked), served(engine):
        engine.send(free, LYON, purpose="otp")
        wait_for(lambda: statuses(engine, free) == ["received"], PROMISE_S)
    engine.later(seconds=1)
    engine.later(seconds=1)
    assert statuses(engine, locked) == ["cancelled", "cancelled"]
    assert engine.faults() == []


def test_rows_of_an_account_that_somebody_locks_hold_up_no_other_account(
    postgres_url: str, make_engine: Callable[..., Engine]
) -> None:
    engine = make_engine(postgres_url)
    locked, free = engine.account("Locked"), engine.account("Free")
    engine.send(locked, PARIS)
    with locked_by_a_stranger(engine, locked):
        engine.send(free, PARIS)
        campaign = engine.campaign(free, LYON)
        for _ in range(6):
            _work_on(engine)
        assert {row.status for row in engine.messages(free)} <= {"sent", "delivered_operator", "received"}
        assert engine.campaign_row(campaign.id).status == "finished"
        assert statuses(engine, locked) == ["sending"]
    engine.settle()
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
        lambda: lanes.catch_up(runtime, engine.lane),
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
