"""Claims: what goes next, and what is settled instead."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from core import jobs
from core.schema import chunks as chunks_table
from core.schema import messages, routes, windows
from core.sending import answers, campaigns, chunks, hours, singles
from core.sending.drafts import Draft
from core.sending.heads import Heads
from core.sending.submit import submit_one
from core.sending.windows import Window, claim
from tests.support.engine import Engine
from tests.support.scripted import Scripted, that
from tests.support.serving import wait_for
from tests.support.world import NOON

PARIS = "+33612345620"
WEEKDAYS = hours.read({"FR": {"zone": "Europe/Paris", "open": {"mon-fri": ["08:00", "20:00"]}}})
EVENING = NOON + 4 * 3_600_000  # 20:13 in Paris
OPENING = 1_790_056_800_000  # the next day at 08:00


def take(engine: Engine, size: int = 500, served: dict[str, int] | None = None) -> Window | None:
    return claim(engine.runtime, engine.carrier.name, "test", size, served or {})


def test_nothing_due_is_no_window(engine: Engine) -> None:
    assert take(engine) is None


def test_a_claim_raises_the_attempt_and_sends_our_id_as_the_reference(engine: Engine) -> None:
    account = engine.account()
    sent = engine.send(account, PARIS, validity_minutes=10)
    window = take(engine)
    assert window is not None
    (attempt,) = window.attempts
    assert (attempt.reference, attempt.attempt, attempt.validity_minutes, attempt.text) == (sent.id, 1, 10, sent.text)
    assert (engine.row(sent.id).status, engine.row(sent.id).attempt) == ("sending", 1)


def test_otp_goes_before_notification_before_marketing(engine: Engine) -> None:
    account = engine.account(kind="notification", otp=True)
    for purpose in ("marketing", "notification", "otp"):
        engine.send(account, PARIS, purpose, purpose=purpose)
    for _ in range(3):
        engine.serve()
    assert [taken.text.split()[0] for taken in engine.taken()] == ["otp", "notification", "marketing"]


def test_the_account_least_served_goes_first(engine: Engine) -> None:
    big, small = engine.account("Big"), engine.account("Small")
    engine.send(big, PARIS, "big")
    engine.send(small, PARIS, "small")
    window = take(engine, served={big.id: 10, small.id: 9})
    assert window is not None
    assert window.account_id == small.id


def test_a_small_account_does_not_wait_for_all_of_a_big_one(engine: Engine) -> None:
    big, small = engine.account("Big", credits=3000), engine.account("Small")
    for start in range(3):
        engine.send_all(big, [Draft(f"+3361{start}{n // 80:04d}{20 + n % 80}", "a") for n in range(600)])
    engine.send(small, PARIS)
    for _ in range(2):
        engine.serve()
    assert "received" in engine.statuses(small).values() or "sent" in engine.statuses(small).values()


def test_a_window_holds_at_most_what_the_carrier_takes_and_what_the_rate_allows(
    make_engine: Callable[..., Engine],
) -> None:
    engine = make_engine(carrier=Scripted(traits=that(window=3)))
    account = engine.account()
    engine.send_all(account, [Draft(PARIS, "a" * 200) for _ in range(5)])
    by_count = take(engine)
    assert by_count is not None
    assert len(by_count.attempts) == 3


def test_a_lane_finds_what_stands_before_the_place_it_has_reached(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(carrier=Scripted(traits=that(window=2)))
    sent = engine.send_all(engine.account(), [Draft(PARIS, str(place)) for place in range(5)])
    ids = sorted(one.id for one in sent)
    with engine.runtime.begin() as tx:
        tx.execute(messages.update().where(messages.c.id == ids[0]).values(status="scheduled"))
    heads = Heads()

    def goes() -> list[str]:
        window = claim(engine.runtime, engine.carrier.name, "test", 500, {}, heads)
        assert window is not None
        answers.close(engine.runtime, window)
        return [attempt.reference for attempt in window.attempts]

    assert goes() == ids[1:3]
    with engine.runtime.begin() as tx:
        tx.execute(messages.update().where(messages.c.id == ids[0]).values(status="queued"))
    assert goes() == ids[3:]
    assert goes() == ids[:1]


def test_segments_are_what_is_paced_and_one_message_always_fits(engine: Engine) -> None:
    account = engine.account()
    engine.send_all(account, [Draft(PARIS, "a" * 200) for _ in range(5)])
    window = take(engine, size=5)
    assert window is not None
    assert (len(window.attempts), window.segments) == (2, 4)
    engine.send(engine.account("Other"), PARIS, "a" * 200)
    alone = take(engine, size=1)
    assert alone is not None
    assert (len(alone.attempts), alone.segments) == (1, 2)


def test_a_chunk_in_flight_is_nobody_elses(engine: Engine) -> None:
    account = engine.account()
    engine.send_all(account, [Draft(PARIS, "a") for _ in range(3)])
    assert take(engine, size=1) is not None
    assert take(engine, size=1) is None


def test_a_stop_binds_every_window_claimed_after_it(engine: Engine) -> None:
    account = engine.account(otp=True)
    for purpose in ("marketing", "notification", "otp"):
        engine.send(account, PARIS, purpose, purpose=purpose)
    engine.block(account, 33612345620)
    engine.settle()
    assert [taken.text for taken in engine.taken()] == ["otp"]
    assert sorted(row.status for row in engine.messages(account)) == ["blacklisted", "blacklisted", "received"]
    assert (engine.balance(account).held, engine.balance(account).spent) == (0, 1000)
    assert engine.faults() == []


def test_a_message_past_its_validity_expires_in_the_queue_and_costs_nothing(engine: Engine) -> None:
    account = engine.account(credits=10)
    sent = engine.send(account, PARIS, validity_minutes=1)
    engine.later(minutes=1)
    row = engine.row(sent.id)
    assert (row.status, row.status_detail, row.charged) == ("expired", "validity", False)
    assert engine.balance(account).available == 10_000
    assert engine.taken() == []
    assert engine.faults() == []


def test_outside_the_hours_marketing_waits_as_queued_and_goes_at_the_opening(
    make_engine: Callable[..., Engine],
) -> None:
    engine = make_engine(operator={"hours": WEEKDAYS})
    engine.clock.now = EVENING
    account = engine.account()
    waiting = engine.send(account, PARIS)
    urgent = engine.send(account, PARIS, purpose="notification")
    abroad = engine.send(account, "+447400123456")
    engine.settle()
    row = engine.row(waiting.id)
    assert (row.status, row.status_detail) == ("queued", "quiet_hours")
    assert {engine.row(urgent.id).status, engine.row(abroad.id).status} <= {"sent", "received", "delivered_operator"}
    engine.later(ms=OPENING - EVENING - 1)
    assert engine.row(waiting.id).status == "queued"
    engine.later(ms=1)
    row = engine.row(waiting.id)
    assert (row.status, row.status_detail) == ("received", None)
    assert engine.faults() == []


def test_what_waits_for_the_hours_still_obeys_a_stop_and_its_validity(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(operator={"hours": WEEKDAYS})
    engine.clock.now = EVENING
    account = engine.account()
    stopped, short = engine.send(account, PARIS), engine.send(account, "+33612345621", validity_minutes=60)
    engine.settle()
    engine.block(account, 33612345620)
    engine.later(ms=OPENING - EVENING)
    assert (engine.row(stopped.id).status, engine.row(short.id).status) == ("blacklisted", "expired")
    assert engine.faults() == []


def test_what_waits_for_the_hours_can_be_cancelled_with_its_campaign(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(operator={"hours": WEEKDAYS})
    engine.clock.now = EVENING
    account = engine.account()
    made = engine.campaign(account, PARIS)
    engine.settle()
    assert engine.campaign_row(made.id).status == "sending"
    with engine.runtime.begin() as tx:
        campaigns.cancel(tx, account.id, made.id)
    engine.settle()
    assert engine.statuses(account) == {33612345620: "cancelled"}


def _paused(engine: Engine, kind: str, subject: str) -> None:
    with engine.runtime.begin() as tx:
        chunks.pause(tx, kind, subject, "test")
        chunks.pause(tx, kind, subject, "again")


def _resume(engine: Engine, kind: str, subject: str) -> bool:
    with engine.runtime.begin() as tx:
        return chunks.resume(tx, kind, subject)


def test_each_kind_of_pause_holds_what_it_names_and_nothing_else(engine: Engine) -> None:
    mine, other = engine.account("Mine"), engine.account("Other")
    made = engine.campaign(mine, PARIS)
    jobs.work(engine.runtime, engine.handlers)
    engine.send(mine, "+33612345621")
    engine.send(other, "+33612345622")
    for kind, subject, goes in (
        ("hub", "", 0),
        ("carrier", "simulator", 0),
        ("account", mine.id, 1),
        ("campaign", made.id, 1),
        ("carrier", "another", 1),
    ):
        _paused(engine, kind, subject)
        before = len(engine.taken())
        engine.settle()
        assert len(engine.taken()) == before + goes, kind
        assert _resume(engine, kind, subject)
        assert not _resume(engine, kind, subject)


def test_a_route_chooses_the_carrier_when_a_message_is_queued(make_engine: Callable[..., Engine]) -> None:
    first, second = Scripted("first"), Scripted("second")
    engine = make_engine(carrier=first)
    both = engine.runtime.as_of(carriers={"first": first, "second": second})
    with both.begin() as tx:
        rules: list[dict[str, Any]] = [
            {"country": "FR", "purpose": "*", "carriers": json.dumps(["gone", "second"])},
            {"country": "*", "purpose": "*", "carriers": json.dumps(["gone"])},
        ]
        for rule in rules:
            tx.execute(routes.insert().values(**rule))
    account = engine.account()
    with both.begin() as tx:
        assert submit_one(tx, account, "api", Draft(PARIS, "a")).carrier == "second"
        assert submit_one(tx, account, "api", Draft("+447400123456", "a")).carrier == "first"


def test_a_window_is_written_before_the_network_with_the_end_of_its_lease(engine: Engine) -> None:
    engine.send(engine.account(), PARIS)
    take(engine)
    (row,) = engine.all(windows)
    assert (row.size, row.closed_at, row.lease_until) == (1, None, NOON + 10_000)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_chunk_that_another_is_claiming_is_passed_over(engine: Engine) -> None:
    first, second = engine.account("First"), engine.account("Second")
    taken = engine.send(first, PARIS)
    engine.send(second, PARIS)
    with engine.runtime.begin() as tx:
        tx.one(select(chunks_table).where(chunks_table.c.id == taken.chunk_id).with_for_update())
        window = take(engine)
        assert window is not None
        assert window.account_id == second.id
        assert take(engine) is None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer: nothing is waited for
def test_a_chunk_whose_first_message_is_called_off_while_it_is_claimed_keeps_the_others(
    database_url: str, tmp_path: Path
) -> None:
    with closing(Engine(database_url, tmp_path, per_second=1)) as engine, ThreadPoolExecutor(1) as crowd:
        engine.clock.forward(seconds=1)  # a bucket with one segment in it
        account = engine.account()
        first, *others = engine.send_all(account, [Draft(f"+336120000{place}", "Bonjour") for place in (20, 21, 22)])
        with engine.runtime.begin() as tx:
            singles.cancel(tx, account.id, first.id)
            claimed = crowd.submit(engine.serve)
            wait_for(lambda: waiting(engine))
        claimed.result(30)
        engine.later(rounds=6, seconds=2)
        sent = {row.id for row in engine.messages(account) if row.status in {"sent", "delivered_operator", "received"}}
        assert sent == {one.id for one in others}
        assert engine.faults() == []


def waiting(engine: Engine) -> bool:
    """Whether some transaction of this database waits for a lock."""
    with engine.runtime.read() as tx:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(tx.scalar(text(asked)))
