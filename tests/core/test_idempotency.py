from collections.abc import Iterator

import pytest
from sqlalchemy.exc import IntegrityError

from core import Database, Refused, Runtime
from core.idempotency import Answered, Keyed, find, find_many, keep, prune
from core.schema import idempotency
from tests.support.world import ManualClock, runtime_on

HERS = Keyed("01997b2c-1a2b-7c3d-8e4f-123456789abc", "k", "f")
OTHERS = Keyed("01997b2c-1a2b-7c3d-8e4f-123456789abd", "k", "f")
DONE = Answered(201, '{"id": 1}')


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def runtime(database_url: str, clock: ManualClock) -> Iterator[Runtime]:
    database = Database(database_url)
    yield runtime_on(database, clock=clock)
    database.close()


def test_the_first_time_there_is_no_answer_and_then_it_is_the_same(runtime: Runtime) -> None:
    with runtime.begin() as tx:
        assert find(tx, HERS) is None
        keep(tx, HERS, DONE)
    with runtime.begin() as tx:
        assert find(tx, HERS) == DONE
        assert find(tx, OTHERS) is None


def test_another_request_under_the_key_is_a_conflict(runtime: Runtime) -> None:
    with runtime.begin() as tx:
        keep(tx, HERS, DONE)
    with pytest.raises(Refused, match="idempotency_conflict"), runtime.read() as tx:
        find(tx, Keyed(HERS.account_id, HERS.key, "other"))


def test_work_that_fails_keeps_nothing(runtime: Runtime) -> None:
    def fail() -> None:
        with runtime.begin() as tx:
            keep(tx, HERS, DONE)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with runtime.begin() as tx:
        assert find(tx, HERS) is None


def test_of_many_at_once_each_has_its_own_answer(runtime: Runtime) -> None:
    new, other = Keyed(HERS.account_id, "new", "f"), Keyed(HERS.account_id, "k", "other")
    with runtime.begin() as tx:
        keep(tx, HERS, DONE)
    with runtime.begin() as tx:
        first, fresh, foreign, again = find_many(tx, [HERS, new, OTHERS, new])
        (conflict,) = find_many(tx, [other])
    assert (first, fresh, foreign) == (DONE, None, None)
    assert isinstance(again, Refused)
    assert again.code == "idempotency_in_progress"
    assert isinstance(conflict, Refused)


def test_while_another_transaction_is_at_it_postgresql_says_so(runtime: Runtime) -> None:
    if runtime.database.dialect != "postgresql":
        pytest.skip("SQLite has one writer: the second waits for the first, and finds its answer")
    with runtime.begin() as first:
        assert find(first, HERS) is None
        with pytest.raises(Refused, match="idempotency_in_progress"), runtime.begin() as second:
            find(second, HERS)


def test_the_primary_key_stands_behind_it_all(runtime: Runtime) -> None:
    with runtime.begin() as tx:
        keep(tx, HERS, DONE)
    late = idempotency.insert().values(
        account_id=HERS.account_id, key="k", fingerprint="f", status=200, body="", created_at=0
    )
    with pytest.raises(IntegrityError), runtime.begin() as tx:
        tx.execute(late)


def test_answers_are_forgotten_after_seven_days(runtime: Runtime, clock: ManualClock) -> None:
    with runtime.begin() as tx:
        keep(tx, HERS, DONE)
    clock.forward(days=3)
    with runtime.begin() as tx:
        keep(tx, OTHERS, DONE)
    clock.forward(days=4, ms=1)
    with runtime.begin() as tx:
        assert prune(tx) == 1
        assert find(tx, HERS) is None
        assert find(tx, OTHERS) == DONE
        assert prune(tx) == 0


def test_forgetting_goes_by_pieces(runtime: Runtime, clock: ManualClock) -> None:
    for number in range(3):
        with runtime.begin() as tx:
            keep(tx, Keyed(HERS.account_id, str(number), "f"), DONE)
        clock.forward(ms=1)
    clock.forward(days=7)
    with runtime.begin() as tx:
        assert [prune(tx, 2), prune(tx, 2), prune(tx, 2)] == [2, 1, 0]
