"""What a connector has done within a transaction of its own: with its rows it commits, and with them it is undone."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Call, Connector, Installation, Operation, Reply
from core import Account, Caller, Refused, Tx, ledger
from hub.installations.catalogue import Catalogue
from tests.support import parcels
from tests.support.meeting import waiting
from tests.support.plugged import Plugged, plugged
from tests.support.serving import wait_for

PARCELS: Connector = parcels.connector()
BODY = {"to": "0612345678", "text": "Bonjour"}
WRONG = {"to": "12", "text": "Bonjour"}


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, PARCELS) as made:
        yield made


@pytest.fixture
def account(hub: Plugged) -> Account:
    return hub.engine.account()


@pytest.fixture
def depot(hub: Plugged, account: Account) -> Installation:
    return hub.install(account.id, PARCELS, parcels.SETTINGS)


def catalogue(hub: Plugged) -> Catalogue:
    made = hub.lender.catalogue
    assert isinstance(made, Catalogue)
    return made


def caller(account: Account, *scopes: str) -> Caller:
    return Caller(account.id, frozenset(scopes or ("messages:send", "contacts:write")), "parcels", "parcels:1")


def put(tx: Tx, depot: Installation, parcel: str) -> None:
    """A row of the connector's own."""
    row = {"id": tx.new_id(), "installation_id": depot.id, "parcel": parcel, "number": "0612345678"}
    tx.execute(PARCELS.tables[0].insert().values(**row, state="arrived", at=tx.now))


def shelf(hub: Plugged) -> list[str]:
    return [row.parcel for row in hub.engine.all(PARCELS.tables[0])]


def codes(outcomes: Sequence[Reply | Refused]) -> list[Any]:
    return [one.status if isinstance(one, Reply) else one.code for one in outcomes]


def test_messages_and_the_rows_that_say_so_commit_together(hub: Plugged, account: Account, depot: Installation) -> None:
    with hub.runtime.begin() as tx:
        put(tx, depot, "6A1")
        first, second = catalogue(hub).within(tx, caller(account), "send_message", [BODY, BODY | {"text": "Deux"}])
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert (first.status, first.body["to"], first.body["source"]) == (201, "+33612345678", "parcels")
    hub.work()
    assert shelf(hub) == ["6A1"]
    assert [row.id for row in hub.engine.messages(account)] == [first.body["id"], second.body["id"]]
    assert [one.text for one in hub.engine.taken()] == ["Bonjour STOP 36034", "Deux STOP 36034"]


def test_a_reply_is_as_rest_gives_it(hub: Plugged, account: Account) -> None:
    with hub.runtime.begin() as tx:
        (made,) = catalogue(hub).within(tx, caller(account), "send_message", [BODY])
    read = catalogue(hub).perform(
        caller(account, "messages:read"), "read_message", message_id=made.body["id"] if isinstance(made, Reply) else ""
    )
    assert isinstance(made, Reply)
    assert made.body == read.body


@pytest.mark.parametrize(
    "bodies, expected",
    [
        ([BODY, WRONG, BODY], [201, "invalid_number", 201]),
        ([{"to": "0612345678"}, BODY], ["invalid_request", 201]),
        ([None, BODY], ["empty_body", 201]),
        ([{"to": {1}}, BODY], ["invalid_json", 201]),
        ([WRONG], ["invalid_number"]),
        ([], []),
    ],
)
def test_a_refusal_is_an_item_in_its_place_and_writes_nothing(
    hub: Plugged, account: Account, bodies: list[Any], expected: list[Any]
) -> None:
    with hub.runtime.begin() as tx:
        assert codes(catalogue(hub).within(tx, caller(account), "send_message", bodies)) == expected
    assert len(hub.engine.messages(account)) == expected.count(201)


def test_of_what_can_be_paid_the_first_are_sent(hub: Plugged, depot: Installation) -> None:
    poor = hub.engine.account("Poor", credits=3)
    with hub.runtime.begin() as tx:
        put(tx, depot, "6A1")
        outcomes = catalogue(hub).within(tx, caller(poor), "send_message", [BODY] * 4)
    assert codes(outcomes)[-1] == "not_enough_credits"
    assert len(hub.engine.messages(poor)) == codes(outcomes).count(201) > 0
    assert shelf(hub) == ["6A1"]


def test_a_write_that_is_refused_is_undone_alone(hub: Plugged, depot: Installation) -> None:
    """Its handler had written before it refused, and moved credits: that is taken back, and what stands around it stays."""
    poor = hub.engine.account("Poor", credits=3)

    def writes(call: Call, tx: Tx) -> Reply:
        put(tx, depot, call.body["parcel"])
        ledger.hold(tx, call.caller.account_id, 2_900, call.body["parcel"])
        if call.body["parcel"] == "wrong":
            raise Refused("conflict", "Not this one.")
        return Reply({"at": tx.now}, 201)

    wanted = {"type": "object", "properties": {"parcel": {"type": "string"}}}
    own = Operation("write", "POST", "/write", "messages:send", "Write.", writes, "write", "Tests", body=wanted)
    table = Catalogue(hub.runtime, hub.lender.performer, {})
    table.fill([own, catalogue(hub).operations["send_message"]])
    with hub.runtime.begin() as tx:
        put(tx, depot, "before")
        assert codes(table.within(tx, caller(poor), "write", [{"parcel": "wrong"}])) == ["conflict"]
        assert codes(table.within(tx, caller(poor), "send_message", [BODY])) == [201]
        outcomes = table.within(tx, caller(poor), "write", [{"parcel": "wrong"}, {"parcel": 1}])
        put(tx, depot, "after")
    assert codes(outcomes) == ["not_enough_credits", "invalid_request"]
    assert shelf(hub) == ["before", "after"]
    assert hub.engine.balance(poor).available < 3_000
    assert hub.engine.faults() == []


def test_a_campaign_is_made_within_too(hub: Plugged, account: Account, depot: Installation) -> None:
    draft = {"name": "Colis", "text": "Bonjour", "recipients": [{"to": "0612345678"}, {"to": "0612345679"}]}
    with hub.runtime.begin() as tx:
        put(tx, depot, "6A1")
        outcomes = catalogue(hub).within(tx, caller(account), "create_campaign", [draft, {"name": "Nobody"}])
    assert codes(outcomes) == [201, "invalid_request"]
    hub.work()
    assert len(hub.engine.taken()) == 2


@pytest.mark.parametrize("name, body", [("send_message", BODY), ("create_contact", {"number": "0612345678"})])
def test_whoever_wants_all_or_none_raises_and_all_is_undone(
    hub: Plugged, account: Account, depot: Installation, name: str, body: Any
) -> None:
    before = hub.engine.balance(account)

    def all_or_none() -> None:
        with hub.runtime.begin() as tx:
            put(tx, depot, "6A1")
            outcomes = catalogue(hub).within(tx, caller(account), name, [body, {}])
            raise next(one for one in outcomes if isinstance(one, Refused))

    with pytest.raises(Refused, match="invalid_request"):
        all_or_none()
    assert (shelf(hub), hub.engine.messages(account)) == ([], [])
    assert hub.engine.balance(account) == before
    with hub.runtime.begin() as tx:
        assert codes(catalogue(hub).within(tx, caller(account), name, [body])) == [201]


def test_a_scope_that_the_caller_lacks_is_refused_before_anything(hub: Plugged, account: Account) -> None:
    with hub.runtime.begin() as tx, pytest.raises(Refused, match="insufficient_scope"):
        catalogue(hub).within(tx, caller(account, "messages:read"), "send_message", [BODY])


@pytest.mark.parametrize("name", ["list_messages", "read_message", "cancel_message", "copy_message", "start_import"])
def test_what_reads_opens_its_own_transaction_or_needs_a_path_is_not_done_within(
    hub: Plugged, account: Account, name: str
) -> None:
    every = Caller(account.id, frozenset({"messages:read", "messages:send", "contacts:write"}), "parcels", "parcels:1")
    assert name in catalogue(hub).operations
    with hub.runtime.begin() as tx, pytest.raises(TypeError, match=name):
        catalogue(hub).within(tx, every, name, [BODY])


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
class TestBesideOthers:
    """On a database with many writers: whoever sends for the same account waits, and holds nothing that is still needed within."""

    def test_a_sender_that_came_meanwhile_waits_and_is_served(
        self, hub: Plugged, account: Account, depot: Installation
    ) -> None:
        with ThreadPoolExecutor(1) as other:
            with hub.runtime.begin() as tx:
                assert codes(catalogue(hub).within(tx, caller(account), "send_message", [BODY])) == [201]
                sending = other.submit(catalogue(hub).perform, caller(account), "send_message", BODY)
                wait_for(lambda: waiting(hub.runtime))
                put(tx, depot, "6A1")
                many = [BODY | {"text": f"Colis {count}"} for count in range(30)]
                assert codes(catalogue(hub).within(tx, caller(account), "send_message", many)) == [201] * 30
                assert not sending.done()
            assert sending.result(timeout=30).status == 201
        assert len(hub.engine.messages(account)) == 32
        assert shelf(hub) == ["6A1"]

    def test_what_is_within_waits_for_a_sender_that_was_first(
        self, hub: Plugged, account: Account, depot: Installation
    ) -> None:
        def carried_out() -> list[Any]:
            with hub.runtime.begin() as tx:
                put(tx, depot, "6A1")
                return codes(catalogue(hub).within(tx, caller(account), "send_message", [BODY] * 25))

        with ThreadPoolExecutor(1) as other:
            with hub.runtime.begin() as first:
                catalogue(hub).within(first, caller(account), "send_message", [BODY])
                waits = other.submit(carried_out)
                wait_for(lambda: waiting(hub.runtime))
            assert waits.result(timeout=30) == [201] * 25

    def test_many_at_once_neither_deadlock_nor_lose_any(
        self, hub: Plugged, account: Account, depot: Installation
    ) -> None:
        hub.engine.top_up(account, 10_000)
        together = threading.Barrier(4)

        def within(number: int) -> None:
            together.wait()
            for count in range(5):
                with hub.runtime.begin() as tx:
                    put(tx, depot, f"{number}/{count}")
                    for size in (1, 25, 2):
                        outcomes = catalogue(hub).within(tx, caller(account), "send_message", [BODY] * size)
                        assert codes(outcomes) == [201] * size

        def rest(_number: int) -> None:
            together.wait()
            for _ in range(10):
                assert catalogue(hub).perform(caller(account), "send_message", BODY).status == 201

        work: list[Callable[[int], None]] = [within, within, rest, rest]
        with ThreadPoolExecutor(4) as all_:
            for done in [all_.submit(one, number) for number, one in enumerate(work)]:
                done.result(timeout=60)
        assert len(hub.engine.messages(account)) == 2 * 5 * 28 + 2 * 10
        assert len(shelf(hub)) == 10
