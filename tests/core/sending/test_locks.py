"""Who waits for whom: locks are taken in one order, so nobody is told to give way, and who must wait holds up nobody else.

On PostgreSQL alone: SQLite has one writer, and nothing is waited for.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, select, text, update

from core.carriers.contract import Accepted, Outcome, Receipt, Rejected
from core.runtime import Tx
from core.schema import chunks, ledger_accounts, messages, windows
from core.sending import answers, receipts, singles, steps
from core.sending import chunks as queue
from core.sending.drafts import Draft
from core.sending.windows import Window, claim
from tests.support.engine import Engine
from tests.support.scripted import Scripted, accepts
from tests.support.serving import wait_for

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
PATIENCE_S = 30
NUMBERS = [f"+336123456{place}" for place in range(20, 26)]
Start = Callable[[Callable[[], Any]], "Future[Any]"]


@pytest.fixture
def engine(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    with closing(Engine(database_url, tmp_path, carrier=Scripted())) as made:
        yield made


@pytest.fixture
def start(engine: Engine) -> Iterator[Start]:
    """Begin it in another thread; the test goes on once it waits for a lock."""
    with ThreadPoolExecutor(1) as other:

        def begin(work: Callable[[], Any]) -> "Future[Any]":
            begun = other.submit(work)
            wait_for(lambda: waits(engine) or begun.done())
            return begun

        yield begin


def waits(engine: Engine) -> bool:
    with engine.runtime.read() as tx:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(tx.scalar(text(asked)))


def hold(tx: Tx, table: Table, row_id: object) -> Any:
    return tx.one(select(table).where(table.c.id == row_id).with_for_update())


def free(engine: Engine, table: Table, row_id: object) -> bool:
    """Whether nobody has locked this row."""
    mine = select(table.c.id).where(table.c.id == row_id)
    with engine.runtime.begin() as tx:
        return tx.one(mine.with_for_update(skip_locked=True)) is not None


def claimed(engine: Engine, *numbers: str) -> Window:
    engine.send_all(engine.account(), [Draft(number, "Bonjour") for number in numbers])
    window = claim(engine.runtime, "scripted", "test", 500, {})
    assert window is not None
    return window


def accepted(window: Window) -> list[Any]:
    return [accepts(attempt) for attempt in window.attempts]


def test_a_record_locks_its_window_before_its_messages_as_a_sweep_does(engine: Engine, start: Start) -> None:
    window = claimed(engine, *NUMBERS[:2])
    with engine.runtime.begin() as tx:
        hold(tx, windows, window.id)
        recorded = start(lambda: answers.record(engine.runtime, window, accepted(window), last=True))
        assert all(free(engine, messages, attempt.reference) for attempt in window.attempts)
    assert recorded.result(PATIENCE_S)
    assert {row.status for row in engine.all(messages)} == {"sent"}


def test_answers_that_are_looked_at_closely_find_their_window_first_too(engine: Engine, start: Start) -> None:
    window = claimed(engine, *NUMBERS[:2])
    refused = [Rejected(attempt.reference, "E42") for attempt in window.attempts]
    with engine.runtime.begin() as tx:
        hold(tx, windows, window.id)
        recorded = start(lambda: answers.record(engine.runtime, window, refused, last=True))
        assert all(free(engine, messages, attempt.reference) for attempt in window.attempts)
    assert recorded.result(PATIENCE_S)
    assert {row.status for row in engine.all(messages)} == {"rejected"}
    assert engine.faults() == []


def test_answers_survive_a_deadlock_that_was_settled_at_their_cost(engine: Engine, start: Start) -> None:
    window = claimed(engine, *NUMBERS[:2])
    with engine.runtime.begin() as tx:
        tx.connection.exec_driver_sql("SET LOCAL deadlock_timeout = '1h'")  # the others find it, and give way
        hold(tx, messages, window.attempts[0].reference)
        recorded = start(lambda: answers.record(engine.runtime, window, accepted(window), last=True))
        hold(tx, windows, window.id)
    assert recorded.result(PATIENCE_S)
    assert {row.status for row in engine.all(messages)} == {"sent"}
    assert engine.all(windows)[0].closed_at == engine.clock.now
    assert engine.faults() == []


def test_answers_that_post_and_void_take_the_ledger_once_in_its_order(engine: Engine, start: Start) -> None:
    window = claimed(engine, *NUMBERS[:2])
    first, second = (attempt.reference for attempt in window.attempts)
    with engine.runtime.begin() as tx:  # a look-up that is looked at closely: it was in doubt meanwhile
        tx.execute(update(messages).where(messages.c.id == first).values(status="unknown"))
    with engine.runtime.begin() as tx:
        mine = select(ledger_accounts).where(ledger_accounts.c.account_id == window.account_id)
        ledger = {row.kind: row.id for row in tx.all(mine)}
        hold(tx, ledger_accounts, ledger["available"])
        outcomes: list[Outcome] = [Accepted(first, None), Rejected(second, "E42")]
        recorded = start(lambda: answers.record(engine.runtime, window, outcomes, last=True))
        assert free(engine, ledger_accounts, ledger["held"])
    assert recorded.result(PATIENCE_S)
    assert [row.status for row in engine.all(messages)] == ["sent", "rejected"]


def test_a_claim_passes_over_a_message_that_is_being_called_off(engine: Engine) -> None:
    account = engine.account()
    first, second = engine.send_all(account, [Draft(number, "Bonjour") for number in NUMBERS[:2]])
    with engine.runtime.begin() as tx:
        singles.cancel(tx, account.id, first.id)
        window = claim(engine.runtime, "scripted", "test", 500, {})
        assert window is not None
        assert [attempt.reference for attempt in window.attempts] == [second.id]
        answers.close(engine.runtime, window)


def test_a_message_that_somebody_held_is_sent_a_moment_later(engine: Engine) -> None:
    sent = engine.send(engine.account(), NUMBERS[0])
    with engine.runtime.begin() as tx:
        hold(tx, messages, sent.id)
        assert engine.serve()
        assert not engine.serve()
    engine.later(ms=250)
    assert engine.row(sent.id).status == "sent"


def test_receipts_lock_their_messages_in_one_order_however_they_name_them(engine: Engine, start: Start) -> None:
    account = engine.account()
    first, second = engine.send_all(account, [Draft(number, "Bonjour") for number in NUMBERS[:2]])
    engine.settle()
    by_its_id = Receipt("received", None, 0, None, engine.row(first.id).carrier_id)
    receipts.inbox(engine.runtime)("scripted", [Receipt("received", None, 0, second.id), by_its_id], [])
    with engine.runtime.begin() as tx:
        hold(tx, messages, first.id)
        applied = start(lambda: receipts.apply(engine.runtime))
        assert free(engine, messages, second.id)
    assert applied.result(PATIENCE_S) == 2
    assert {row.status for row in engine.all(messages)} == {"received"}


def test_a_receipt_with_a_reference_that_nobody_has_does_not_wait_with_others_locked(engine: Engine) -> None:
    account = engine.account()
    first, second = engine.send_all(account, [Draft(number, "Bonjour") for number in NUMBERS[:2]])
    engine.settle()
    with engine.runtime.begin() as tx:
        nobody = tx.new_id()
    strange = Receipt("received", None, 0, nobody, engine.row(first.id).carrier_id)
    receipts.inbox(engine.runtime)("scripted", [Receipt("received", None, 0, second.id), strange], [])
    with engine.runtime.begin() as tx:
        hold(tx, messages, first.id)
        assert receipts.apply(engine.runtime) == 2
    assert (engine.row(first.id).status, engine.row(second.id).status) == ("sent", "received")
    engine.later(seconds=1)
    assert engine.row(first.id).status == "received"


def test_a_page_of_unheard_ones_that_others_move_meanwhile_is_not_the_last(engine: Engine, start: Start) -> None:
    account = engine.account()
    engine.send_all(account, [Draft(number, "Bonjour", validity_minutes=1) for number in NUMBERS])
    engine.settle()
    engine.clock.forward(days=2)
    first = engine.messages(account)[0]

    def expire() -> None:
        with engine.runtime.begin() as tx:
            chunk = queue.lease_due(tx, steps.STEPS, "test")
            assert chunk is not None
            steps.expire(tx, chunk, page=3)

    with engine.runtime.begin() as tx:
        tx.execute(update(messages).where(messages.c.id == first.id).values(status="received"))
        expired = start(expire)
    expired.result(PATIENCE_S)
    assert engine.all(chunks)[0].status == "ready"
    engine.settle()
    assert [row.status for row in engine.messages(account)] == ["received"] + ["expired"] * 5
