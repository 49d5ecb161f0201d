"""Receipts in any order and multiplicity end in a legal state that was reached by legal moves only."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.carriers.contract import Accepted, Ambiguous, Attempt, Busy, Outcome, Receipt, Rejected
from core.sending.message import NEXT, RANK, RECEIPTS, STATUSES, heard, may_become
from tests.properties.conftest import Fresh
from tests.support.engine import Engine
from tests.support.examples import examples
from tests.support.scripted import Scripted, that

REPORTS = st.sampled_from([*sorted(RECEIPTS), "rejected", "enroute"])


@given(st.sampled_from(sorted(STATUSES)), st.booleans(), st.lists(REPORTS, max_size=12))
def test_every_step_is_in_the_table_and_received_beats_all(status: str, charged: bool, reports: list[str]) -> None:
    first = status
    for reported in reports:
        following = heard(status, reported, charged=charged)
        if following is not None:
            assert may_become(status, following)
            assert charged or status in {"sending", "unknown"}
            status, charged = following, True
    listens = "received" in NEXT.get(first, ()) and (charged or first in {"sending", "unknown"})
    if "received" in reports and listens:
        assert status == "received"


@given(
    st.lists(REPORTS.filter(lambda report: report != "enroute"), min_size=1).flatmap(
        lambda given: st.permutations(given * 2)
    )
)
def test_a_sent_message_ends_where_the_highest_report_says_in_whatever_order(reports: list[str]) -> None:
    status = "sent"
    for reported in reports:
        status = heard(status, reported, charged=True) or status
    named = ["failed_permanent" if reported == "rejected" else reported for reported in reports]
    assert status == max(named, key=lambda report: RANK[report])


ANSWERS = st.sampled_from(["accepted", "rejected", "busy", "ambiguous", "silent"])
EARLY_AND_LATE = st.lists(
    st.lists(REPORTS.filter(lambda report: report != "enroute"), max_size=3), min_size=2, max_size=5
)


def test_in_the_engine_every_status_follows_legally_from_the_one_before(fresh: Fresh) -> None:
    @examples(15)
    @given(ANSWERS, EARLY_AND_LATE, st.integers(min_value=0, max_value=4_000))
    def holds(answer: str, batches: list[list[str]], ms: int) -> None:
        carrier = Scripted(traits=that(promises_receipts=True), answer=lambda attempt: answered(answer, attempt))
        engine = Engine(*fresh(), carrier=carrier)
        account = engine.account()
        made = engine.campaign(account, "+33612345620")
        early, *later = batches
        carrier.meanwhile = lambda: deliver(engine, account, early)
        engine.settle()
        for batch in later:
            deliver(engine, account, batch)
            engine.later(ms=ms)
        told = ["queued", *(fact["status"] for fact in engine.facts(account, "message.status"))]
        moves = list(pairwise(told))
        assert all(may_become(before, after) for before, after in moves), moves
        (row,) = engine.messages(account)
        assert row.status == told[-1]
        if row.charged:
            assert row.sent_at is not None
        assert engine.campaign_row(made.id).status in {"sending", "finished"}
        assert engine.faults() == []
        engine.close()

    holds()


def answered(kind: str, attempt: Attempt) -> Outcome | None:
    said: dict[str, Outcome] = {
        "accepted": Accepted(attempt.reference, "c-1"),
        "rejected": Rejected(attempt.reference, "E1"),
        "busy": Busy(attempt.reference, 1_000),
        "ambiguous": Ambiguous(attempt.reference, "timeout"),
    }
    return said.get(kind)


def deliver(engine: Engine, account: Any, batch: list[Any]) -> None:
    for row in engine.messages(account):
        engine.deliver([Receipt(status, None, engine.clock.now, row.id, "c-1") for status in batch])
