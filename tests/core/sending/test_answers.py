"""What a carrier answers, and what it leaves unsaid."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text, update
from structlog.testing import capture_logs

from core.carriers.contract import Accepted, Ambiguous, Attempt, Busy, Found, NotFound, Outcome, Rejected
from core.errors import PeerError
from core.schema import chunks, messages, windows
from core.sending import answers, lanes, steps
from core.sending.drafts import Draft
from core.sending.windows import claim
from tests.support.engine import Engine
from tests.support.scripted import Scripted, accepts, that

PARIS = "+33612345620"
ASKED = that(looks_up=True)


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def carrier() -> Scripted:
    return Scripted(traits=ASKED)


@pytest.fixture
def scripted(make_engine: Callable[..., Engine], carrier: Scripted) -> Engine:
    return make_engine(carrier=carrier)


def statuses(engine: Engine) -> list[str]:
    return [row.status for row in engine.all(messages)]


def test_accepted_is_sent_with_the_carriers_id(scripted: Engine) -> None:
    sent = scripted.send(scripted.account(), PARIS)
    scripted.settle()
    row = scripted.row(sent.id)
    assert (row.status, row.carrier_id, row.sent_at, row.charged) == (
        "sent",
        f"c-{sent.id[-8:]}-1",
        scripted.clock.now,
        True,
    )


def test_rejected_is_final_costs_nothing_and_keeps_the_code(scripted: Engine, carrier: Scripted) -> None:
    carrier.answer = lambda attempt: Rejected(attempt.reference, "E42")
    account = scripted.account(credits=10)
    sent = scripted.send(account, PARIS)
    scripted.settle()
    assert (scripted.row(sent.id).status, scripted.row(sent.id).carrier_code) == ("rejected", "E42")
    assert scripted.balance(account).available == 10_000
    assert scripted.faults() == []


def test_busy_is_tried_again_when_the_carrier_said_and_not_before(scripted: Engine, carrier: Scripted) -> None:
    carrier.answer = lambda attempt: Busy(attempt.reference, 5_000) if attempt.attempt == 1 else accepts(attempt)
    sent = scripted.send(scripted.account(), PARIS)
    scripted.settle()
    assert (scripted.row(sent.id).status, len(carrier.given)) == ("queued", 1)
    scripted.later(ms=4_999)
    assert len(carrier.given) == 1
    scripted.later(ms=1)
    assert [attempt.reference for attempt in carrier.given] == [sent.id, sent.id]
    assert scripted.row(sent.id).status == "sent"
    assert scripted.faults() == []


def test_busy_until_its_validity_is_over_expires(scripted: Engine, carrier: Scripted) -> None:
    carrier.answer = lambda attempt: Busy(attempt.reference, 40_000)
    sent = scripted.send(scripted.account(), PARIS, validity_minutes=1)
    scripted.later(rounds=4, seconds=40)
    assert scripted.row(sent.id).status == "expired"
    assert scripted.faults() == []


def test_ambiguous_is_unknown_and_looked_up_after_the_grace_delay_and_not_before(
    scripted: Engine, carrier: Scripted
) -> None:
    carrier.answer = lambda attempt: Ambiguous(attempt.reference, "timeout")
    sent = scripted.send(scripted.account(), PARIS)
    scripted.settle()
    assert (scripted.row(sent.id).status, scripted.row(sent.id).carrier_code) == ("unknown", "timeout")
    scripted.later(ms=2_999)  # submit timeout 1 s, margin 2 s
    assert carrier.asked == []
    carrier.told = {sent.id: Found(sent.id, "c-9")}
    scripted.later(ms=1)
    assert (scripted.row(sent.id).status, scripted.row(sent.id).carrier_id) == ("sent", "c-9")
    assert len(carrier.given) == 1
    assert scripted.faults() == []


def test_what_the_carrier_never_received_is_sent_again_under_the_same_reference(
    scripted: Engine, carrier: Scripted
) -> None:
    carrier.answer = lambda attempt: (
        Ambiguous(attempt.reference, "timeout") if attempt.attempt == 1 else accepts(attempt)
    )
    sent = scripted.send(scripted.account(), PARIS)
    scripted.settle()
    carrier.told = {sent.id: NotFound(sent.id)}
    scripted.later(seconds=3)
    assert [(attempt.reference, attempt.attempt) for attempt in carrier.given] == [(sent.id, 1), (sent.id, 2)]
    assert scripted.row(sent.id).status == "sent"
    assert scripted.faults() == []


def test_what_is_sent_again_after_a_look_up_obeys_a_stop(scripted: Engine, carrier: Scripted) -> None:
    carrier.answer = lambda attempt: Ambiguous(attempt.reference, "timeout")
    account = scripted.account()
    sent = scripted.send(account, PARIS)
    scripted.settle()
    scripted.block(account, 33612345620)
    carrier.told = {sent.id: NotFound(sent.id)}
    scripted.later(seconds=3)
    assert len(carrier.given) == 1
    assert scripted.row(sent.id).status == "blacklisted"
    assert scripted.faults() == []


def test_a_carrier_that_raises_in_the_middle_leaves_the_rest_unknown(scripted: Engine, carrier: Scripted) -> None:
    account = scripted.account()
    scripted.send_all(account, [Draft(f"+336123456{n}", "a") for n in range(20, 24)])
    carrier.per_yield = 1
    for broken in (OSError("+33612345622"), PeerError("unavailable", "no"), ValueError("a bug")):
        carrier.breaks_after = (2, broken)
        with capture_logs() as logged:
            assert scripted.serve()
        assert ([line["event"] for line in logged], "33612345622" in str(logged)) == (["carrier.broke"], False)
        scripted.send_all(account, [Draft(f"+336123456{n}", "a") for n in range(20, 24)])
    assert sorted(statuses(scripted)) == ["queued"] * 4 + ["sent"] * 6 + ["unknown"] * 6
    assert all(row.closed_at for row in scripted.all(windows))
    assert scripted.faults() == []


def test_a_carrier_that_omits_a_reference_leaves_it_unknown(scripted: Engine, carrier: Scripted) -> None:
    account = scripted.account()
    silent, heard = (scripted.send(account, number) for number in ("+33612345620", "+33612345621"))
    carrier.answer = lambda attempt: None if attempt.number == 33612345620 else accepts(attempt)
    scripted.serve()
    scripted.serve()
    assert (scripted.row(silent.id).status, scripted.row(silent.id).carrier_code) == ("unknown", "no_answer")
    assert scripted.row(heard.id).status == "sent"


def test_an_answer_for_a_message_that_was_not_asked_for_changes_nothing(scripted: Engine, carrier: Scripted) -> None:
    account = scripted.account()
    other = scripted.send(account, "+33612345621", send_at=scripted.clock.now + 60_000)
    carrier.answer = lambda attempt: Accepted(other.id, "c-1")
    scripted.send(account, PARIS)
    scripted.serve()
    assert scripted.row(other.id).status == "scheduled"


def test_a_late_answer_with_an_old_attempt_changes_nothing(scripted: Engine, carrier: Scripted) -> None:
    sent = scripted.send(scripted.account(), PARIS)
    old = claim(scripted.runtime, "scripted", "dead", 500, {})
    assert old is not None
    scripted.clock.forward(seconds=31)
    assert steps.sweep_abandoned(scripted.runtime) == 1
    assert scripted.row(sent.id).status == "unknown"
    carrier.told = {sent.id: NotFound(sent.id)}
    scripted.later(seconds=3)
    before = scripted.row(sent.id)
    assert (before.status, before.attempt) == ("sent", 2)
    for late in (Accepted(sent.id, "late"), Rejected(sent.id, "late"), Busy(sent.id, 1), Ambiguous(sent.id, "late")):
        assert not answers.record(scripted.runtime, old, [late])
        answers.close(scripted.runtime, old)
    assert scripted.row(sent.id) == before
    assert scripted.faults() == []


@pytest.mark.parametrize("kind", ["accepted", "rejected", "busy", "ambiguous"])
def test_a_late_answer_with_the_last_attempt_is_still_believed(scripted: Engine, kind: str) -> None:
    sent = scripted.send(scripted.account(), PARIS)
    window = claim(scripted.runtime, "scripted", "slow", 500, {})
    assert window is not None
    scripted.clock.forward(seconds=31)
    steps.sweep_abandoned(scripted.runtime)
    late: dict[str, tuple[Outcome, str]] = {
        "accepted": (Accepted(sent.id, "c-1"), "sent"),
        "rejected": (Rejected(sent.id, "E1"), "rejected"),
        "busy": (Busy(sent.id, 60_000), "queued"),
        "ambiguous": (Ambiguous(sent.id, "timeout"), "unknown"),
    }
    outcome, status = late[kind]
    answers.record(scripted.runtime, window, [outcome])
    assert scripted.row(sent.id).status == status
    assert scripted.faults() == []


def test_an_answer_to_a_message_that_was_taken_back_to_the_queue_leaves_no_trace(
    scripted: Engine, carrier: Scripted
) -> None:
    carrier.answer = lambda attempt: Busy(attempt.reference, 60_000)
    sent = scripted.send(scripted.account(), PARIS)
    window = claim(scripted.runtime, "scripted", "test", 500, {})
    assert window is not None
    answers.record(scripted.runtime, window, [Busy(sent.id, 60_000)])
    before = scripted.row(sent.id)
    answers.record(scripted.runtime, window, [Accepted(sent.id, "c-1")])
    assert scripted.row(sent.id) == before


def test_an_answer_keeps_a_window_alive(scripted: Engine, carrier: Scripted) -> None:
    account = scripted.account()
    scripted.send_all(account, [Draft(f"+336123456{n}", "a") for n in range(20, 24)])
    carrier.per_yield = 1
    carrier.answer = _slow(scripted, 29)
    scripted.serve()
    assert statuses(scripted) == ["sent"] * 4
    assert steps.sweep_abandoned(scripted.runtime) == 0


def test_a_sender_whose_window_was_taken_from_it_sends_no_more_of_it(scripted: Engine, carrier: Scripted) -> None:
    account = scripted.account()
    scripted.send_all(account, [Draft(f"+336123456{n}", "a") for n in range(20, 24)])
    carrier.per_yield = 1
    told: list[int] = []

    def frozen(attempt: Attempt) -> Outcome | None:
        told.append(attempt.number)
        if len(told) == 2:
            scripted.clock.forward(seconds=40)
            steps.sweep_abandoned(scripted.runtime)
        return accepts(attempt)

    carrier.answer = frozen
    scripted.serve()
    assert told == [33612345620, 33612345621]
    assert statuses(scripted) == ["sent", "sent", "unknown", "unknown"]
    assert scripted.faults() == []


def _slow(engine: Engine, seconds: int) -> Callable[[Attempt], Outcome | None]:
    def answer(attempt: Attempt) -> Outcome | None:
        engine.clock.forward(seconds=seconds)
        return accepts(attempt)

    return answer


@pytest.mark.parametrize("point", ["after_claim", "after_submit", "after_record"])
def test_after_a_kill_nothing_is_lost_and_nothing_is_doubled(make_engine: Callable[..., Engine], point: str) -> None:
    engine = make_engine()  # the simulator looks up
    account = engine.account()
    engine.send_all(account, [Draft(f"+336123456{n}", "a") for n in range(20, 30)])

    def killed_at(here: str) -> None:
        if here == point:
            raise Killed

    with pytest.raises(Killed):
        lanes.serve(engine.runtime.as_of(fault=killed_at), engine.lane)
    engine.clock.forward(seconds=40)
    steps.sweep_abandoned(engine.runtime)
    engine.later(rounds=5, seconds=5)
    assert sorted(taken.number for taken in engine.taken()) == list(range(33612345620, 33612345630))
    assert set(statuses(engine)) == {"received"}
    assert engine.faults() == []


def test_a_receipt_that_comes_before_the_answer_is_kept_and_so_is_the_answer(
    scripted: Engine, carrier: Scripted
) -> None:
    sent = scripted.send(scripted.account(), PARIS)
    carrier.meanwhile = lambda: scripted.receipt("received", sent.id)
    scripted.settle()
    row = scripted.row(sent.id)
    assert (row.status, row.carrier_id, row.sent_at) == ("received", f"c-{sent.id[-8:]}-1", scripted.clock.now)
    assert scripted.faults() == []


def test_a_refusal_after_a_receipt_changes_nothing(scripted: Engine, carrier: Scripted) -> None:
    sent = scripted.send(scripted.account(), PARIS)
    carrier.meanwhile = lambda: scripted.receipt("received", sent.id)
    carrier.answer = lambda attempt: Rejected(attempt.reference, "E1")
    scripted.settle()
    assert (scripted.row(sent.id).status, scripted.row(sent.id).carrier_code) == ("received", None)
    assert scripted.faults() == []


def test_a_carrier_that_gives_no_id_is_believed_all_the_same(scripted: Engine, carrier: Scripted) -> None:
    carrier.answer = lambda attempt: Accepted(attempt.reference, None)
    sent = scripted.send(scripted.account(), PARIS)
    scripted.settle()
    assert (scripted.row(sent.id).status, scripted.row(sent.id).carrier_id) == ("sent", None)


@pytest.mark.parametrize("promises, step", [(True, ("expire", "ready")), (False, ("send", "done"))])
def test_a_chunk_that_was_sent_waits_for_receipts_only_where_they_are_promised(
    make_engine: Callable[..., Engine], promises: bool, step: tuple[str, str]
) -> None:
    engine = make_engine(carrier=Scripted(traits=that(promises_receipts=promises)))
    engine.send(engine.account(), PARIS)
    engine.settle()
    assert [(row.step, row.status) for row in engine.all(chunks)] == [step]


def test_an_empty_record_keeps_the_window(scripted: Engine) -> None:
    scripted.send(scripted.account(), PARIS)
    window = claim(scripted.runtime, "scripted", "test", 500, {})
    assert window is not None
    assert answers.record(scripted.runtime, window, [])


def test_several_codes_of_ambiguity_are_kept_apart(scripted: Engine, carrier: Scripted) -> None:
    account = scripted.account()
    scripted.send_all(account, [Draft(f"+336123456{n}", "a") for n in range(20, 24)])
    carrier.answer = lambda attempt: Ambiguous(attempt.reference, f"E{attempt.number % 2}")
    scripted.serve()
    codes: list[Any] = [row.carrier_code for row in scripted.all(messages)]
    assert codes == ["E0", "E1", "E0", "E1"]
    assert replace(ASKED, looks_up=False) == that()


def test_those_that_a_busy_carrier_sends_away_share_a_chunk(make_engine: Callable[..., Engine]) -> None:
    """A window of one message at a time must not make a chunk of each."""
    waits = iter((41_000, 40_950, 40_901, 40_900))
    carrier = Scripted(answer=lambda attempt: Busy(attempt.reference, next(waits)), traits=that(window=1))
    engine = make_engine(carrier=carrier)
    account = engine.account()
    engine.send_all(account, [Draft(f"+336123456{place}", "a") for place in range(20, 24)])
    for _ in range(4):
        engine.serve()
    due = Counter(row.due_at - engine.clock.now for row in engine.all(chunks) if row.due_at > engine.clock.now)
    assert due == {41_000: 1, 40_900: 1}
    assert Counter(row.status for row in engine.messages(account)) == {"queued": 4}
    carrier.answer = accepts
    engine.later(seconds=41)
    assert Counter(row.status for row in engine.messages(account)) == {"sent": 4}
    assert engine.faults() == []


def test_a_status_on_the_usual_way_changes_no_index(make_engine: Callable[..., Engine]) -> None:
    """PostgreSQL writes the new version into the same page then, and no index knows of it."""
    engine = make_engine()
    if engine.database.dialect == "sqlite":
        return  # it has no versions
    sent = engine.send(engine.account(), "+33612345620")
    written = text("SELECT pg_stat_get_xact_tuples_hot_updated('messages'::regclass)")
    with engine.runtime.begin() as tx:
        for status in ("sending", "sent", "delivered_operator", "received"):
            tx.execute(update(messages).where(messages.c.id == sent.id).values(status=status, status_at=tx.now))
        assert tx.scalar(written) == 4
        tx.execute(update(messages).where(messages.c.id == sent.id).values(status="unknown"))
        assert tx.scalar(written) == 4
