from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from connectors.contract import Call, Listed, Operation, Page, Reply
from core import Account, Caller, Refused, Runtime, Tx, accounts, idempotency
from hub.api.paging import Cursors
from hub.api.perform import Answer, Performer, checked_key, fingerprint


class Shop:
    """Operations that make an account a time; `made` counts them."""

    def __init__(self) -> None:
        self.fails = False

    def write(self, call: Call, tx: Tx) -> Reply:
        made = accounts.create(tx, f"shop {call.body}")
        if self.fails:
            raise Refused("not_enabled", "Not today.")
        return Reply({"id": made.id}, 201)

    def group(self, calls: Sequence[Call], tx: Tx) -> list[Reply | Refused]:
        return [self.write(call, tx) for call in calls]

    def own(self, call: Call) -> Reply:
        with call.runtime.begin() as tx:
            made = accounts.create(tx, f"shop {call.body}")
            if call.keyed:
                idempotency.keep(tx, call.keyed, idempotency.Answered(201, f'{{"id":"{made.id}"}}'))
        return Reply({"id": made.id}, 201)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def account(runtime: Runtime) -> Account:
    with runtime.begin() as tx:
        return accounts.create(tx, "A")


def operation(handler: Any, transaction: Any = "write", **changes: Any) -> Operation:
    plain = {"name": "x", "method": "POST", "path": "/x", "scope": None, "summary": "x", "tag": "x"}
    return Operation(handler=handler, transaction=transaction, **(plain | changes))


def call(runtime: Runtime, account: Account, body: Any = None, key: str | None = "k") -> Call:
    return Call(runtime, Caller(account.id, frozenset(), "api", "test"), body=body, key=key)


def perform(performer: Performer, asked: Operation, call: Call, way: str, path: str = "") -> Answer:
    """Carry a call out; `later`: for a caller that does not wait."""
    if way != "later":
        return performer.perform(asked, call, path)
    answer: Future[Answer] = Future()

    def tell(outcome: Answer | Exception) -> None:
        answer.set_exception(outcome) if isinstance(outcome, Exception) else answer.set_result(outcome)

    performer.perform_later(asked, call, path, tell)
    return answer.result(60)


WAYS = {"write": "write", "own": "own", "group": "group", "later": "group"}


def made(runtime: Runtime) -> int:
    with runtime.read() as tx:
        return len([each for each in accounts.everyone(tx) if each.name.startswith("shop")])


@pytest.mark.parametrize("way", WAYS)
def test_the_same_key_and_body_get_the_same_answer_and_it_is_done_once(
    runtime: Runtime, account: Account, shop: Shop, way: str
) -> None:
    performer, asked = Performer(Cursors(["k" * 32])), operation(getattr(shop, WAYS[way]), WAYS[way], keyed=True)
    first, second = (perform(performer, asked, call(runtime, account, {"n": 1}), way) for _ in range(2))
    assert (second.status, second.body, dict(second.headers)) == (
        first.status,
        first.body,
        {"Idempotency-Replayed": "true"},
    )
    assert made(runtime) == 1


@pytest.mark.parametrize("way", WAYS)
def test_another_body_or_path_under_the_key_is_refused(
    runtime: Runtime, account: Account, shop: Shop, way: str
) -> None:
    performer, asked = Performer(Cursors(["k" * 32])), operation(getattr(shop, WAYS[way]), WAYS[way], keyed=True)
    perform(performer, asked, call(runtime, account, {"n": 1}), way, "/x")
    for body, path in (({"n": 2}, "/x"), ({"n": 1}, "/y")):
        with pytest.raises(Refused, match="idempotency_conflict"):
            perform(performer, asked, call(runtime, account, body), way, path)
    assert made(runtime) == 1


def test_a_refusal_undoes_the_work_and_leaves_the_key_free(runtime: Runtime, account: Account, shop: Shop) -> None:
    performer, asked = Performer(Cursors(["k" * 32])), operation(shop.write, keyed=True)
    shop.fails = True
    with pytest.raises(Refused, match="not_enabled"):
        performer.perform(asked, call(runtime, account, {"n": 1}))
    shop.fails = False
    assert performer.perform(asked, call(runtime, account, {"n": 2})).status == 201
    assert made(runtime) == 1


def test_a_key_is_the_accounts_own(runtime: Runtime, account: Account, shop: Shop) -> None:
    performer, asked = Performer(Cursors(["k" * 32])), operation(shop.write, keyed=True)
    with runtime.begin() as tx:
        other = accounts.create(tx, "B")
    performer.perform(asked, call(runtime, account, {"n": 1}))
    assert performer.perform(asked, call(runtime, other, {"n": 2})).headers == {}


def test_without_a_key_or_where_none_is_taken_the_work_is_done_each_time(
    runtime: Runtime, account: Account, shop: Shop
) -> None:
    performer = Performer(Cursors(["k" * 32]))
    for _ in range(2):
        performer.perform(operation(shop.write, keyed=True), call(runtime, account, key=None))
        performer.perform(operation(shop.write), call(runtime, account))
    assert made(runtime) == 4


def test_while_a_process_works_on_a_key_it_says_so(runtime: Runtime, account: Account) -> None:
    performer = Performer(Cursors(["k" * 32]))
    told: list[str] = []

    def ask_again(_: Call) -> Reply:
        with pytest.raises(Refused) as refused:
            performer.perform(asked, call(runtime, account))
        told.append(refused.value.code)
        return Reply({})

    asked = operation(ask_again, "own", keyed=True)
    performer.perform(asked, call(runtime, account))
    assert told == ["idempotency_in_progress"]


def test_of_two_processes_with_one_key_the_slower_gets_the_answer_of_the_quicker(
    runtime: Runtime, account: Account, shop: Shop
) -> None:
    here, there = Performer(Cursors(["k" * 32])), Performer(Cursors(["k" * 32]))
    quicker: list[Answer] = []

    def overtaken(asked: Call) -> Reply:
        if not quicker:
            quicker.append(there.perform(operation(shop.own, "own", keyed=True), call(runtime, account, {"n": 1})))
        return shop.own(asked)

    late = here.perform(operation(overtaken, "own", keyed=True), call(runtime, account, {"n": 1}))
    assert late.body == quicker[0].body
    assert made(runtime) == 1


def test_who_does_not_wait_is_told_that_the_key_is_at_work_and_can_use_it_afterwards(
    runtime: Runtime, account: Account
) -> None:
    performer, told = Performer(Cursors(["k" * 32])), list[str]()

    def ask_again(calls: Sequence[Call], _: Tx) -> list[Reply | Refused]:
        with pytest.raises(Refused) as refused:
            performer.perform_later(asked, call(runtime, account), "", lambda _: None)
        told.append(refused.value.code)
        return [Refused("not_enabled", "Not today.")] * len(calls)

    asked = operation(ask_again, "group", keyed=True)
    for _ in range(2):  # the second time the key is free again, and nothing was kept under it
        with pytest.raises(Refused, match="not_enabled"):
            perform(performer, asked, call(runtime, account), "later")
    assert told == ["idempotency_in_progress"] * 2


@pytest.mark.parametrize("way", ["group", "later"])
def test_a_fault_leaves_the_key_free_and_nothing_done(runtime: Runtime, account: Account, shop: Shop, way: str) -> None:
    performer, faults = Performer(Cursors(["k" * 32])), [LookupError("a bug")]

    def breaks_once(calls: Sequence[Call], tx: Tx) -> list[Reply | Refused]:
        made = shop.group(calls, tx)
        if faults:
            raise faults.pop()
        return made

    asked = operation(breaks_once, "group", keyed=True)
    with pytest.raises(LookupError):
        perform(performer, asked, call(runtime, account, {"n": 1}), way)
    again = perform(performer, asked, call(runtime, account, {"n": 2}), way)
    assert (again.status, again.headers, made(runtime)) == (201, {}, 1)


@pytest.mark.parametrize("key", ["k", None])
def test_who_does_not_wait_is_told_of_an_answer_that_cannot_be_written(
    runtime: Runtime, account: Account, key: str | None
) -> None:
    performer, bodies = Performer(Cursors(["k" * 32])), [object(), "well"]

    def answers(calls: Sequence[Call], _: Tx) -> list[Reply | Refused]:
        return [Reply(bodies.pop(0)) for _ in calls]

    asked = operation(answers, "group", keyed=True)
    with pytest.raises(TypeError):
        perform(performer, asked, call(runtime, account, key=key), "later")
    assert perform(performer, asked, call(runtime, account, key=key), "later").body == b'"well"'


def test_a_list_is_a_page_whose_cursor_leads_to_the_next(runtime: Runtime, account: Account) -> None:
    def count(asked: Call, _: Tx) -> Reply:
        first = int(asked.page.after or 0)
        return Reply(
            Listed(list(range(first, first + asked.page.limit)), str(first + asked.page.limit) if first < 4 else None)
        )

    performer, asked = Performer(Cursors(["k" * 32])), operation(count, "read", method="GET", paged=True)
    first = Call(runtime, Caller(account.id, frozenset(), "api", "test"), page=Page(2, None))
    answer = performer.perform(asked, first)
    assert isinstance(answer.body, bytes)
    assert answer.body.startswith(b'{"items":[0,1],"next_cursor":"')
    cursor = answer.body.decode().rpartition(':"')[2].rstrip('"}')
    assert performer.after(asked, first, cursor) == "2"


def test_a_file_goes_out_in_pieces(runtime: Runtime, account: Account) -> None:
    def export(_: Call) -> Reply:
        def pieces() -> Iterator[bytes]:
            yield b"a,"
            yield b"b"

        return Reply(pieces(), media_type="text/csv")

    answer = Performer(Cursors(["k" * 32])).perform(operation(export, "own", method="GET"), call(runtime, account))
    assert (answer.media_type, b"".join(answer.body)) == ("text/csv", b"a,b")  # type: ignore[arg-type]


def test_the_order_of_fields_does_not_make_another_request() -> None:
    assert fingerprint("POST", "/x", {"a": 1, "b": [2]}) == fingerprint("POST", "/x", {"b": [2], "a": 1})
    assert fingerprint("POST", "/x", {"a": 1}) != fingerprint("POST", "/x", {"a": "1"})


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\tb", "a\nb"])
def test_a_key_is_1_to_255_printable_characters(key: str) -> None:
    with pytest.raises(Refused, match="invalid_idempotency_key"):
        checked_key(key)
    assert checked_key("x" * 255)
