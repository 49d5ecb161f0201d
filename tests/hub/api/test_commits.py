"""Group commit: what comes at the same time is carried out together and answered apart."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from sqlalchemy import func, select

from connectors.contract import Call, Reply
from core import Account, Caller, Refused, Runtime, Tx, accounts, ledger, schema
from hub.api import commits
from hub.api.commits import Commits
from tests.support.serving import wait_for


class Shop:
    """Makes an account of each call's body. The first batch waits for `go`, so that others come meanwhile; `batches` are the bodies."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.go = threading.Event()
        self.end = threading.Event()  # who exits waits for this
        self.ended: list[threading.Thread] = []

    def work(self, calls: Sequence[Call], tx: Tx) -> list[Reply | Refused]:
        self.batches.append([call.body for call in calls])
        if len(self.batches) == 1:
            assert self.go.wait(60)
        free = ledger.lock(tx, {call.caller.account_id for call in calls})
        return [self.made(call, tx) if call.caller.account_id in free else ledger.OCCUPIED for call in calls]

    def made(self, call: Call, tx: Tx) -> Reply | Refused:
        if call.body == "bug":
            raise LookupError(call.body)
        if call.body == "exit":
            assert self.end.wait(60)
            self.ended.append(threading.current_thread())
            raise SystemExit
        if call.body == "refused":
            return Refused("not_enabled", "Not today.")
        accounts.create(tx, f"shop {call.body}")
        return Reply(call.body, 201)


class Crowd:
    """Callers with a thread each, which nobody waits for: one that is never answered fails its test and does not hold up the run."""

    def submit(self, ask: Callable[..., Any], *given: Any) -> "Future[Any]":
        answer: Future[Any] = Future()

        def work() -> None:
            try:
                answer.set_result(ask(*given))
            except BaseException as error:  # noqa: BLE001 - the caller's own, an exit too
                answer.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        return answer


class BrokenBell:
    def ring(self, topic: str) -> None:
        raise ConnectionError(topic)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


@pytest.fixture
def account(runtime: Runtime) -> Account:
    return opened(runtime, "A")


def opened(runtime: Runtime, name: str) -> Account:
    with runtime.begin() as tx:
        return accounts.create(tx, name)


def call(runtime: Runtime, account: Account, body: Any) -> Call:
    return Call(runtime, Caller(account.id, frozenset(), "api", "test"), body=body)


def made(runtime: Runtime) -> int:
    with runtime.read() as tx:
        wanted = schema.accounts.c.name.startswith("shop")
        return int(tx.scalar(select(func.count()).where(wanted)))


Ask = Callable[[Any], "Future[Reply]"]


def together(group: Commits[Reply], shop: Shop, ask: Ask, bodies: Sequence[Any]) -> list["Future[Reply]"]:
    """One call that is under way, and the others that wait for it, until they are all there."""
    first = ask("first")
    wait_for(lambda: shop.batches)
    asked = [ask(body) for body in bodies]
    wait_for(lambda: group.waiting == len(bodies))
    shop.go.set()
    return [first, *asked]


@pytest.fixture
def group(shop: Shop) -> Commits[Reply]:
    return Commits(shop.work)


def later(group: Commits[Reply], asked: Call) -> "Future[Reply]":
    """A caller that does not wait: its future is filled by whoever has the answer."""
    answer: Future[Reply] = Future()

    def tell(outcome: Reply | Exception) -> None:
        answer.set_exception(outcome) if isinstance(outcome, Exception) else answer.set_result(outcome)

    group.accept_later(asked, tell)
    return answer


@pytest.fixture(params=["waits", "is told later"])
def ask(
    request: pytest.FixtureRequest,
    runtime: Runtime,
    account: Account,
    group: Commits[Reply],
    crowd: Crowd,
) -> Ask:
    """Both ways to ask; of those who do not wait the first leads, so it needs a thread too."""
    if request.param == "waits":
        return lambda body: crowd.submit(group.accept, call(runtime, account, body))

    def told(body: Any) -> "Future[Reply]":
        chained: Future[Reply] = Future()

        def enter() -> None:
            try:
                inner = later(group, call(runtime, account, body))
            except Refused as refusal:
                chained.set_exception(refusal)
                return
            inner.add_done_callback(lambda done: _copy(done, chained))

        crowd.submit(enter)
        return chained

    return told


def _copy(done: "Future[Reply]", into: "Future[Reply]") -> None:
    error = done.exception()
    into.set_exception(error) if error else into.set_result(done.result())


def test_those_who_wait_and_those_who_do_not_go_together(
    runtime: Runtime, account: Account, shop: Shop, group: Commits[Reply], crowd: Crowd
) -> None:
    first = crowd.submit(group.accept, call(runtime, account, "first"))
    wait_for(lambda: shop.batches)
    told = [later(group, call(runtime, account, place)) for place in range(5)]
    waiting = [crowd.submit(group.accept, call(runtime, account, place)) for place in range(5, 10)]
    wait_for(lambda: group.waiting == 10)
    shop.go.set()
    assert [each.result(30).body for each in (first, *told, *waiting)] == ["first", *range(10)]
    assert [len(batch) for batch in shop.batches] == [1, 10]


def test_an_answer_that_cannot_be_told_fails_nobody_else(
    runtime: Runtime, account: Account, shop: Shop, group: Commits[Reply], crowd: Crowd
) -> None:
    def broken(_outcome: Reply | Exception) -> None:
        raise ConnectionError

    first = crowd.submit(group.accept, call(runtime, account, "first"))
    wait_for(lambda: shop.batches)
    group.accept_later(call(runtime, account, "gone"), broken)
    other = later(group, call(runtime, account, "other"))
    shop.go.set()
    assert (first.result(30).body, other.result(30).body) == ("first", "other")
    assert made(runtime) == 3


def test_what_comes_while_one_is_carried_out_goes_together(
    runtime: Runtime, shop: Shop, group: Commits[Reply], ask: Ask
) -> None:
    answers = together(group, shop, ask, range(20))
    assert [answer.result().body for answer in answers] == ["first", *range(20)]
    assert [len(batch) for batch in shop.batches] == [1, 20]
    assert made(runtime) == 21


def test_a_refusal_is_one_callers(runtime: Runtime, shop: Shop, group: Commits[Reply], ask: Ask) -> None:
    first, good, refused, other = together(group, shop, ask, ["good", "refused", "other"])
    with pytest.raises(Refused, match="not_enabled"):
        refused.result()
    assert [each.result().status for each in (first, good, other)] == [201] * 3
    assert [len(batch) for batch in shop.batches] == [1, 3]


def test_a_bug_fails_only_the_call_that_has_it_and_nothing_is_done_twice(
    runtime: Runtime, shop: Shop, group: Commits[Reply], ask: Ask
) -> None:
    first, good, bug, other = together(group, shop, ask, ["good", "bug", "other"])
    with pytest.raises(LookupError):
        bug.result()
    assert [each.result().status for each in (first, good, other)] == [201] * 3
    assert made(runtime) == 3


def test_what_may_be_committed_is_not_done_again(
    runtime: Runtime, account: Account, shop: Shop, group: Commits[Reply], crowd: Crowd
) -> None:
    """The bell breaks after the commit: the callers are told of a fault, and nothing is tried a second time."""
    shop.go.set()
    deaf = runtime.as_of(doorbell=BrokenBell())

    def ringing(calls: Sequence[Call], tx: Tx) -> list[Reply | Refused]:
        tx.ring("dispatch")
        return shop.work(calls, tx)

    owners = {"a": account, "b": opened(runtime, "B")}
    answers = [crowd.submit(Commits(ringing).accept, call(deaf, owner, body)) for body, owner in owners.items()]
    for answer in answers:
        with pytest.raises(ConnectionError):
            answer.result()
    assert made(runtime) == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the thread that is ended here
def test_a_leader_that_is_stopped_in_the_middle_leaves_nobody_waiting(
    runtime: Runtime, shop: Shop, group: Commits[Reply], ask: Ask
) -> None:
    first, *batch = together(group, shop, ask, ["a", "exit", "b"])
    wait_for(lambda: len(shop.batches) == 2)
    after = [ask(place) for place in range(3)]
    wait_for(lambda: group.waiting == 3)
    shop.end.set()
    assert [each.result(30).body for each in (first, *after)] == ["first", 0, 1, 2]
    stopped = [each.exception(30) for each in batch]
    refused = [error.code for error in stopped if isinstance(error, Refused)]
    exits = [
        error for error in stopped if isinstance(error, SystemExit)
    ]  # of the thread that led them, where one waits
    assert (set(refused), len(refused) + len(exits)) == ({"unavailable"}, 3)
    assert len(exits) <= 1
    assert made(runtime) == 4
    assert ask("last").result(30).body == "last"
    shop.ended[0].join(60)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the thread that is ended here
def test_a_leader_that_is_stopped_while_it_tells_answers_the_others_with_what_became_of_them(
    runtime: Runtime, account: Account, shop: Shop, group: Commits[Reply], crowd: Crowd
) -> None:
    def exits(_outcome: Reply | Exception) -> None:
        shop.ended.append(threading.current_thread())
        raise SystemExit

    first = crowd.submit(group.accept, call(runtime, account, "first"))
    wait_for(lambda: shop.batches)
    group.accept_later(call(runtime, account, "gone"), exits)
    others = [later(group, call(runtime, account, place)) for place in range(2)]
    others += [crowd.submit(group.accept, call(runtime, account, 2))]
    wait_for(lambda: group.waiting == 4)
    shop.go.set()
    assert [each.result(30).body for each in (first, *others)] == ["first", 0, 1, 2]
    assert later(group, call(runtime, account, "last")).result(30).body == "last"
    assert made(runtime) == 6
    shop.ended[0].join(60)


def test_more_than_can_wait_are_refused(runtime: Runtime, account: Account, shop: Shop, crowd: Crowd) -> None:
    group: Commits[Reply] = Commits(shop.work, most_waiting=2)
    first = crowd.submit(group.accept, call(runtime, account, "first"))
    wait_for(lambda: shop.batches)
    others = [crowd.submit(group.accept, call(runtime, account, body)) for body in ("a", "b")]
    wait_for(lambda: group.waiting == 2)
    with pytest.raises(Refused, match="unavailable"):
        group.accept(call(runtime, account, "c"))
    shop.go.set()
    assert [each.result().body for each in (first, *others)] == ["first", "a", "b"]


@pytest.mark.parametrize(
    "database_url", ["postgresql"], indirect=True
)  # SQLite has one writer, and no lock of one account
def test_an_account_whose_ledger_is_locked_waits_apart_and_holds_up_no_other(
    runtime: Runtime, account: Account, shop: Shop, group: Commits[Reply], ask: Ask
) -> None:
    shop.go.set()
    other = opened(runtime, "B")
    with runtime.begin() as long:
        ledger.lock(long, [account.id])
        locked = [ask(place) for place in range(3)]
        wait_for(lambda: group.apart == {account.id})
        assert group.accept(call(runtime, other, "free")).body == "free"
        assert not any(each.done() for each in locked)
    assert [each.result().body for each in locked] == [0, 1, 2]
    assert group.accept(call(runtime, account, "after")).body == "after"
    assert made(runtime) == 5
    assert group.apart == set()


@pytest.mark.parametrize(
    "database_url", ["postgresql"], indirect=True
)  # SQLite has one writer, and no lock of one account
def test_where_the_lock_is_not_to_be_had_a_few_wait_on_and_the_others_are_refused(
    runtime: Runtime, account: Account, shop: Shop, group: Commits[Reply], ask: Ask
) -> None:
    shop.go.set()
    with runtime.begin() as long:
        ledger.lock(long, [account.id])
        asked = [ask(place) for place in range(commits.KEPT + 10)]
        wait_for(lambda: sum(each.done() for each in asked) >= 10)
    outcomes = [each.exception() for each in asked]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert {refusal.code for refusal in refused} == {"unavailable"}
    assert len(refused) == 10
    assert made(runtime) == commits.KEPT


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_leader_that_is_set_apart_leaves_nobody_behind(
    runtime: Runtime, account: Account, shop: Shop, group: Commits[Reply], crowd: Crowd
) -> None:
    """It led for all, and must now wait for its own account: those that came meanwhile have no thread to lead with."""
    other = opened(runtime, "B")
    with runtime.begin() as long:
        ledger.lock(long, [account.id])
        first = crowd.submit(group.accept, call(runtime, account, "first"))
        wait_for(lambda: shop.batches)
        told = [later(group, call(runtime, other, place)) for place in range(3)]
        shop.go.set()
        assert [each.result(30).body for each in told] == [0, 1, 2]
    assert first.result(30).body == "first"
    assert later(group, call(runtime, other, "after")).result(30).body == "after"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_lanes_that_are_stuck_give_way_to_others(
    runtime: Runtime, account: Account, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "LANES_AT_ONCE", 1)
    shop.go.set()
    group, other = Commits(shop.work), opened(runtime, "B")
    with runtime.begin() as long:
        ledger.lock(long, [account.id])
        with runtime.begin() as short:
            ledger.lock(short, [other.id])
            stuck = later(group, call(runtime, account, "stuck"))
            wait_for(lambda: group.apart == {account.id})
            free = later(group, call(runtime, other, "free"))
            wait_for(lambda: group.apart == {account.id, other.id})
        assert free.result(60).body == "free"
        assert not stuck.done()
    assert stuck.result(60).body == "stuck"
