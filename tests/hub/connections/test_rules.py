"""The rules behind the store, by themselves: what an answer means, and what is to be done about a connection."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.connections import asking, refreshing
from hub.connections.asking import Given, Trouble
from hub.outbound import Answer

NOW = 1_790_000_000_000
HOUR = 3_600_000
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
TIMES = st.integers(NOW - 10 * HOUR, NOW + 10 * HOUR)


def answer(status: int, body: object, **headers: str) -> Answer:
    return Answer(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


@given(
    st.integers(100, 599),
    st.binary()
    | st.dictionaries(st.sampled_from(["access_token", "refresh_token", "expires_in", "token_type", "error"]), JSON),
)
def test_any_answer_is_a_token_or_trouble(status: int, body: object) -> None:
    read = asking.read(answer(status, body), NOW)
    if isinstance(read, Given):
        assert status == 200
        assert read.access_token.isascii()
        assert read.access_token.isprintable()
        assert " " not in read.access_token
        assert read.life_ms is None or 0 < read.life_ms <= asking.LONGEST_LIFE_MS
    else:
        assert len(read.why) < 120


@pytest.mark.parametrize(
    "expires_in, life_ms",
    [
        (3600, HOUR),
        ("3600", HOUR),
        (3599.5, 3_599_500),
        (None, None),
        ("soon", None),
        (0, None),
        (-1, None),
        (10**12, asking.LONGEST_LIFE_MS),
        ("inf", None),
        ("nan", None),
        ([], None),
    ],
)
def test_how_long_a_token_is_good(expires_in: object, life_ms: int | None) -> None:
    read = asking.read(answer(200, {"access_token": "a", "expires_in": expires_in}), NOW)
    assert read == Given("a", None, life_ms)


@pytest.mark.parametrize(
    "status, code, over",
    [
        (400, "invalid_grant", True),
        (401, "invalid_grant", True),
        (500, "invalid_grant", False),
        (400, "invalid_client", False),
    ],
)
def test_only_invalid_grant_is_the_end(status: int, code: str, over: bool) -> None:
    read = asking.read(answer(status, {"error": code}), NOW)
    assert read == Trouble(f"it answered {status} ({code})", over, None)


def row(**values: Any) -> Any:
    plain = {"state": "ok", "access_from": NOW - HOUR, "access_until": NOW + HOUR, "lease_until": 0, "held_until": 0}
    return SimpleNamespace(**(plain | values))


@given(
    life=st.none() | st.integers(1, 30 * HOUR),
    age=st.integers(0, 40 * HOUR),
    lease=TIMES,
    held_until=TIMES,
    held=st.booleans(),
    refused=st.booleans(),
)
def test_a_token_is_used_only_while_it_is_good_and_nobody_waits_for_nothing(
    life: int | None, age: int, lease: int, held_until: int, held: bool, refused: bool
) -> None:
    begun = NOW - age
    found = row(
        access_from=begun, access_until=None if life is None else begun + life, lease_until=lease, held_until=held_until
    )
    step = refreshing.step(found, NOW, held=held, refused=refused)
    if step == "use":
        assert held
        assert not refused
        assert found.access_until is None or found.access_until > NOW
    if step == "wait":
        assert lease > NOW
    if step == "refresh":
        assert lease <= NOW
        assert held_until <= NOW
    if step == "down":
        assert held_until > NOW or refused
    assert step != "lost"


@given(held=st.booleans(), refused=st.booleans(), lease=TIMES)
def test_what_is_lost_is_lost(held: bool, refused: bool, lease: int) -> None:
    assert refreshing.step(row(state="lost", lease_until=lease), NOW, held=held, refused=refused) == "lost"


def test_a_lease_is_twice_as_long_as_the_longest_exchange() -> None:
    assert refreshing.LEASE_MS >= 2 * 1000 * refreshing.ASK_S


@given(st.integers(1, 10_000), st.none() | st.integers(0, 10**9))
def test_a_server_is_left_alone_for_a_while_and_not_for_ever(failures: int, asked: int | None) -> None:
    hold = refreshing.hold(failures, Trouble("", wait_ms=asked))
    assert refreshing.FIRST_HOLD_MS <= hold <= refreshing.LONGEST_ASKED_MS
