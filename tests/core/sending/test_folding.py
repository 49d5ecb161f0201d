"""Messages that were asked for one by one share a window."""

import pytest
from sqlalchemy import select

from core import jobs
from core.schema import chunks, messages
from core.sending import answers, expansion, steps
from core.sending.chunks import pause
from core.sending.windows import Window, claim
from tests.support.engine import Engine
from tests.support.scripted import accepts

FIRST = 33_612_345_620
TWO_SEGMENTS = "a" * 200


def number(place: int) -> str:
    return f"+{FIRST + place}"


def take(engine: Engine, size: int = 500) -> Window | None:
    return claim(engine.runtime, engine.carrier.name, "test", size, {})


def open_chunks(engine: Engine) -> int:
    with engine.runtime.read() as tx:
        return len(tx.all(select(chunks.c.id).where(chunks.c.status == "ready", chunks.c.step == "send")))


def test_messages_of_their_own_chunks_go_in_one_window_and_leave_no_chunk_behind(engine: Engine) -> None:
    account = engine.account()
    sent = [engine.send(account, number(place)).id for place in range(9)]
    window = take(engine)
    assert window is not None
    assert sorted(attempt.reference for attempt in window.attempts) == sorted(sent)
    assert {engine.row(id_).chunk_id for id_ in sent} == {window.chunk_id}
    assert open_chunks(engine) == 1  # the one that is in flight


def test_they_are_sent_once_and_all_of_them_and_the_sums_are_right(engine: Engine) -> None:
    account = engine.account()
    for place in range(9):
        engine.send(account, number(place))
    engine.later(rounds=5, seconds=5)
    assert sorted(taken.number for taken in engine.taken()) == [FIRST + place for place in range(9)]
    assert set(engine.statuses(account).values()) == {"received"}
    assert (open_chunks(engine), engine.faults()) == (0, [])


def test_a_window_that_is_full_leaves_the_others_to_the_next(engine: Engine) -> None:
    account = engine.account()
    for place in range(9):
        engine.send(account, number(place))
    windows = [take(engine, 4) for _ in range(3)]
    assert [len(window.attempts) for window in windows if window] == [4, 4, 1]
    taken = [attempt.reference for window in windows if window for attempt in window.attempts]
    assert len(set(taken)) == 9


@pytest.mark.parametrize("other", ["account", "purpose", "campaign", "later"])
def test_only_what_waits_in_the_same_way_goes_along(engine: Engine, other: str) -> None:
    account = engine.account(kind="notification")
    engine.send(account, number(0))
    if other == "account":
        engine.send(engine.account("B", kind="notification"), number(1))
    elif other == "purpose":
        engine.send(account, number(1), purpose="marketing")
    elif other == "campaign":
        engine.campaign(account, number(1))
        job = jobs.claim(engine.runtime, engine.handlers)
        assert job is not None
        expansion.run(engine.runtime, job)
    else:
        engine.send(account, number(1), send_at=engine.clock() + 3_600_000)
    window = take(engine)
    assert window is not None
    assert len(window.attempts) == 1


def test_who_opted_out_meanwhile_is_not_sent_to(engine: Engine) -> None:
    account = engine.account()
    sent = [engine.send(account, number(place)).id for place in range(4)]
    engine.block(account, FIRST + 2)
    window = take(engine)
    assert window is not None
    assert {attempt.reference for attempt in window.attempts} == {sent[0], sent[1], sent[3]}
    assert engine.row(sent[2]).status == "blacklisted"
    assert engine.faults() == []


def test_what_came_along_and_did_not_fit_keeps_the_end_of_its_validity(engine: Engine) -> None:
    account = engine.account()
    engine.send(account, number(0))
    engine.send(account, number(1), TWO_SEGMENTS)
    short = engine.send(account, number(2), TWO_SEGMENTS, validity_minutes=1)
    window = take(engine, 3)
    assert window is not None
    assert len(window.attempts) == 2
    assert engine.row(short.id).chunk_id == window.chunk_id
    answers.record(engine.runtime, window, [accepts(attempt) for attempt in window.attempts], last=True)
    with engine.runtime.begin() as tx:
        pause(tx, "carrier", engine.carrier.name, "test")
    engine.clock.forward(seconds=59)
    assert (steps.sweep_overdue(engine.runtime), engine.row(short.id).status) == (0, "queued")
    engine.clock.forward(seconds=1)
    assert (steps.sweep_overdue(engine.runtime), engine.row(short.id).status) == (1, "expired")
    assert engine.faults() == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer, who holds all
def test_a_message_that_somebody_holds_stays_where_it_is(engine: Engine) -> None:
    account = engine.account()
    sent = [engine.send(account, number(place)).id for place in range(3)]
    with engine.runtime.begin() as holder:
        holder.one(select(messages.c.id).where(messages.c.id == sent[1]).with_for_update())
        window = take(engine)
        assert window is not None
        assert {attempt.reference for attempt in window.attempts} == {sent[0], sent[2]}
    again = take(engine)
    assert again is not None
    assert [attempt.reference for attempt in again.attempts] == [sent[1]]
