"""Sealing everything anew under the first key: whole, in the middle of work, and as often as one likes."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import update

from core import Runtime
from hub import secrets
from hub.hooks import endpoints
from hub.hooks.tables import hooks
from hub.sealing import rotation, used
from tests.support.sealed import AFTER, ALONE, BEFORE, FOREIGN, Safe, safe_on

COUNT = 25


@pytest.fixture
def safe(runtime: Runtime) -> Safe:
    return safe_on(runtime)


def test_everything_is_sealed_anew_and_opens_without_the_old_key(safe: Safe) -> None:
    made = dict(safe.hook() for _ in range(COUNT))
    first = next(iter(made))
    made[first] = safe.rotated(first)
    installation = safe.connection()
    heard: list[int] = []
    done = rotation.rotate(safe.runtime, AFTER, heard.append, rows=7)
    assert done.whole
    assert done.resealed == {
        "hooks.secret": COUNT,
        "hooks.previous_secret": 1,
        "connections.client_secret": 1,
        "connections.access_token": 1,
        "connections.refresh_token": 1,
    }
    assert sum(heard) == COUNT + 4
    assert {hook_id: safe.secret(hook_id, ALONE) for hook_id in made} == made
    assert safe.connected(installation, ALONE) == ("secret of ours", "access", "refresh")
    assert safe.sealing() == {AFTER.first: COUNT + 4}


def test_the_old_key_may_be_taken_away_then(safe: Safe) -> None:
    safe.hook()
    with safe.runtime.read() as tx:
        assert used.missing(tx, ALONE) == [BEFORE.first]
    assert rotation.rotate(safe.runtime, AFTER).retired == [BEFORE.first]
    with safe.runtime.read() as tx:
        assert used.missing(tx, ALONE) == []
        assert used.in_use(tx) == [AFTER.first]


def test_again_it_finds_nothing_to_do(safe: Safe) -> None:
    safe.hook()
    rotation.rotate(safe.runtime, AFTER)
    again = rotation.rotate(safe.runtime, AFTER)
    assert (again.whole, sum(again.resealed.values()), again.current) == (True, 0, 1)


def test_an_empty_hub_has_nothing_to_seal(safe: Safe) -> None:
    done = rotation.rotate(safe.runtime, AFTER)
    assert (done.whole, sum(done.resealed.values()), done.current) == (True, 0, 0)


def test_interrupted_after_any_page_it_goes_on_where_it_was(safe: Safe) -> None:
    made = dict(safe.hook() for _ in range(COUNT))
    for page in range(1, 5):
        with pytest.raises(InterruptedError):
            rotation.rotate(_crashing(safe.runtime), AFTER, rows=5)
        assert safe.sealing() == {AFTER.first: 5 * page, BEFORE.first: COUNT - 5 * page}
        assert {hook_id: safe.secret(hook_id, AFTER) for hook_id in made} == made
    assert rotation.rotate(safe.runtime, AFTER, rows=5).resealed["hooks.secret"] == 5
    assert {hook_id: safe.secret(hook_id, ALONE) for hook_id in made} == made


def _crashing(runtime: Runtime) -> Runtime:
    def die(_point: str) -> None:
        raise InterruptedError

    return runtime.as_of(fault=die)


def test_what_cannot_be_opened_is_told_with_the_reason_and_holds_up_nothing(safe: Safe) -> None:
    strange, _ = safe.hook(FOREIGN)
    swapped, _ = safe.hook()
    good, secret = safe.hook()
    with safe.runtime.begin() as tx:
        text = tx.scalar(hooks.select().with_only_columns(hooks.c.secret).where(hooks.c.id == good))
        tx.execute(update(hooks).where(hooks.c.id == swapped).values(secret=text))
    done = rotation.rotate(safe.runtime, AFTER)
    assert not done.whole
    assert done.closed_count == 2
    assert {(one.place, one.row_id) for one in done.closed} == {("hooks.secret", strange), ("hooks.secret", swapped)}
    why = {one.row_id: one.why for one in done.closed}
    assert FOREIGN.first in why[strange]
    assert "another row" in why[swapped]
    assert safe.secret(good, ALONE) == secret
    assert done.retired == []  # the swapped one still stands under the old key


def test_what_a_key_sealed_that_was_given_up_is_no_failure(safe: Safe) -> None:
    safe.hook(FOREIGN)
    with safe.runtime.begin() as tx:
        assert used.give_up(tx, FOREIGN.first)
    done = rotation.rotate(safe.runtime, AFTER)
    assert (done.whole, done.closed_count, done.given_up) == (True, 0, 1)


def test_what_is_sealed_with_the_old_key_meanwhile_is_sealed_anew_too(safe: Safe) -> None:
    safe.hook()
    late: list[tuple[str, str]] = []

    def meanwhile(_point: str) -> None:
        if not late:
            late.append(safe.hook())

    done = rotation.rotate(safe.runtime.as_of(fault=meanwhile), AFTER)
    assert (done.whole, done.resealed["hooks.secret"]) == (True, 2)
    assert safe.secret(late[0][0], ALONE) == late[0][1]


def test_a_process_that_goes_on_sealing_with_the_old_key_is_told_of(safe: Safe) -> None:
    safe.hook()
    done = rotation.rotate(safe.runtime.as_of(fault=lambda _point: safe.hook()), AFTER)
    assert (done.whole, done.behind, done.retired) == (False, 1, [])
    assert done.resealed["hooks.secret"] == rotation.ROUNDS
    assert rotation.rotate(safe.runtime, AFTER).whole


def test_other_writers_lose_nothing_and_are_not_lost(safe: Safe) -> None:
    """Hooks get new secrets, and tokens are refreshed, while all is sealed anew again and again, back and forth."""
    made = dict(safe.hook() for _ in range(6))
    installation = safe.connection()
    stop, failed = threading.Event(), list[BaseException]()
    back = secrets.Keys(BEFORE.first, AFTER.by_id)

    def writing() -> None:
        try:
            while not stop.is_set():
                for hook_id in made:
                    made[hook_id] = safe.rotated(hook_id, AFTER)
                    stop.wait(0.001)  # a lock of Python's is not fair: the other one has its turn too
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    writer = threading.Thread(target=writing)
    writer.start()
    try:
        for keys in (AFTER, back) * 3:
            rotation.rotate(safe.runtime, keys, rows=2)
    finally:
        stop.set()
        writer.join()
    assert failed == []
    assert rotation.rotate(safe.runtime, AFTER, rows=2).whole
    assert {hook_id: safe.secret(hook_id, ALONE) for hook_id in made} == made
    assert safe.connected(installation, ALONE) == ("secret of ours", "access", "refresh")


@pytest.mark.parametrize("used_before", [False, True])
def test_a_key_is_not_retired_while_somebody_seals_with_it(safe: Safe, used_before: bool) -> None:
    hook_id, _ = safe.hook(AFTER)
    if used_before:
        with safe.runtime.begin() as tx:
            used.note(tx, BEFORE.first)
    found: list[rotation.Rotation] = []
    with safe.runtime.begin() as tx:
        text = used.seal(tx, BEFORE, endpoints.aad(hook_id, safe.account_id), b"secret")
        rotating = _started(lambda: found.append(rotation.rotate(safe.runtime, AFTER)))
        rotating.join(0.3)
        assert rotating.is_alive()  # it waits for this transaction
        tx.execute(update(hooks).where(hooks.c.id == hook_id).values(previous_secret=text))
    rotating.join()
    with safe.runtime.read() as tx:
        missing = used.missing(tx, ALONE)
    sealing = safe.sealing().get(BEFORE.first, 0)
    assert (missing == [BEFORE.first], BEFORE.first in found[0].retired) == (sealing == 1, sealing == 0)


def _started(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread
