"""Who waits at a carrier, and what a lane remembers of it."""

from collections.abc import Callable

import pytest

from core.schema import chunks
from core.sending import windows
from core.sending.drafts import Draft
from core.sending.heads import REMEMBERED_MS, Heads
from core.sending.windows import Window
from tests.support.engine import Engine

PARIS = "+33612345620"


@pytest.fixture
def take(engine: Engine) -> Callable[..., Window | None]:
    """The next window of a lane that remembers."""
    heads = Heads()
    return lambda size=500, **served: windows.claim(engine.runtime, "simulator", "test", size, served, heads)


def test_a_password_goes_at_once_whatever_is_remembered(engine: Engine, take: Callable[..., Window | None]) -> None:
    big, small = engine.account(), engine.account("Small", otp=True)
    for _ in range(3):
        engine.send_all(big, [Draft(PARIS, "a")])
    assert (first := take()) is not None
    assert first.account_id == big.id
    engine.send(small, PARIS, purpose="otp")
    assert (second := take()) is not None
    assert second.account_id == small.id


def test_a_newcomer_waits_no_longer_than_the_memory_lasts(engine: Engine, take: Callable[..., Window | None]) -> None:
    big, small = engine.account(), engine.account("Small")
    for _ in range(3):
        engine.send(big, PARIS)
    assert take() is not None
    engine.send(small, PARIS)
    engine.clock.forward(ms=REMEMBERED_MS)
    assert (window := take(**{big.id: 500})) is not None
    assert window.account_id == small.id


def test_what_comes_after_the_last_was_taken_is_found_though_it_is_not_remembered(
    engine: Engine, take: Callable[..., Window | None]
) -> None:
    engine.send(engine.account(), PARIS)
    assert take() is not None
    assert take() is None
    late = engine.send(engine.account("Late"), PARIS)
    assert (window := take()) is not None
    assert [attempt.reference for attempt in window.attempts] == [late.id]


def test_a_chunk_whose_last_message_left_is_retired_with_its_answers(make_engine: Callable[..., Engine]) -> None:
    engine = make_engine(receipt_ms=1_000)
    engine.send_all(engine.account(), [Draft(PARIS, "a"), Draft(PARIS, "b")])
    assert engine.serve()
    assert [(row.step, row.owner) for row in engine.all(chunks)] == [("expire", None)]
    assert not engine.serve()
