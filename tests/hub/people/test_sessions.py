"""Sessions: known by a secret that is not kept, kept alive by use, ended by time and by what happens to their user."""

import pytest

from core import Runtime
from hub.people import members, sessions, tables, tidy
from hub.people.sessions import IDLE_MS, LONGEST_MS
from tests.hub.people.conftest import SignedIn
from tests.support.world import ManualClock

HOUR_MS = 3_600_000


def test_a_session_knows_its_person_and_keeps_no_secret(runtime: Runtime, signed_in: SignedIn) -> None:
    person, secret = signed_in(role="sender")
    assert (person.email, person.role) == ("ann@example.com", "sender")
    assert sessions.whose(runtime, secret) == person
    with runtime.read() as tx:
        (row,) = tx.all(tables.sessions.select())
    assert secret not in str(tuple(row))
    assert len(secret) == 43  # 256 bits


@pytest.mark.parametrize("secret", [None, "", "x", "é" * 40])
def test_what_is_no_secret_is_nobodys(runtime: Runtime, signed_in: SignedIn, secret: str | None) -> None:
    signed_in()
    assert sessions.whose(runtime, secret) is None


def test_one_that_is_not_used_for_a_working_day_is_over(
    runtime: Runtime, clock: ManualClock, signed_in: SignedIn
) -> None:
    _, secret = signed_in()
    clock.forward(ms=IDLE_MS - 1)
    assert sessions.whose(runtime, secret)
    clock.forward(ms=IDLE_MS - 1)
    assert sessions.whose(runtime, secret)
    clock.forward(ms=IDLE_MS)
    assert sessions.whose(runtime, secret) is None


def test_one_that_is_always_used_is_over_after_a_week(
    runtime: Runtime, clock: ManualClock, signed_in: SignedIn
) -> None:
    _, secret = signed_in()
    for _ in range(LONGEST_MS // HOUR_MS - 1):
        clock.forward(hours=1)
        assert sessions.whose(runtime, secret)
    clock.forward(hours=1)
    assert sessions.whose(runtime, secret) is None


def test_reading_writes_at_most_once_a_minute(runtime: Runtime, clock: ManualClock, signed_in: SignedIn) -> None:
    _, secret = signed_in()
    seen = []
    for _ in range(4):
        clock.forward(seconds=20)
        sessions.whose(runtime, secret)
        with runtime.read() as tx:
            seen.append(tx.scalar(tables.sessions.select().with_only_columns(tables.sessions.c.seen_at)))
    start = clock.now - 80_000
    assert [at - start for at in seen] == [0, 0, 60_000, 60_000]


def test_what_happens_to_a_user_ends_their_sessions_and_nobody_elses(runtime: Runtime, signed_in: SignedIn) -> None:
    owner, kept = signed_in()
    bob, of_bob = signed_in("bob@example.com", "viewer", owner.account_id)
    eve, of_eve = signed_in("eve@example.com", "viewer", owner.account_id)
    with runtime.begin() as tx:
        members.change_role(tx, owner, bob.user_id, "sender")
        members.change_role(tx, owner, eve.user_id, "viewer")  # what she is already
    assert [bool(sessions.whose(runtime, one)) for one in (kept, of_bob, of_eve)] == [True, False, True]
    with runtime.begin() as tx:
        members.remove(tx, owner, eve.user_id)
    assert [bool(sessions.whose(runtime, one)) for one in (kept, of_bob, of_eve)] == [True, False, False]


def test_what_is_over_is_taken_away(runtime: Runtime, clock: ManualClock, signed_in: SignedIn) -> None:
    signed_in()
    assert tidy.tidy(runtime) == 0
    clock.forward(days=3)
    assert tidy.tidy(runtime) == 1
    with runtime.read() as tx:
        assert tx.all(tables.sessions.select()) == []
