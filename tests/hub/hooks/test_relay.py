"""From the outbox to deliveries: rendered once, filtered, batched, and never lost or doubled on the way."""

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import func, select

from connectors.contract import Event, Trigger
from core import Tx, accounts, events, schema
from hub.hooks import batches, endpoints, queue
from hub.hooks.batches import BATCH_EVENTS, BATCH_LINGER_MS
from hub.hooks.relay import Key, Take, Turn, relay, turn
from hub.hooks.triggers import TRIGGERS
from tests.support import rows
from tests.support.hooked import KEYS, Hub
from tests.support.receivers import Receiver, answers

URL = "http://127.0.0.1:1/"


def test_each_fact_is_a_delivery_under_its_own_event_id(hub: Hub) -> None:
    hub.hook(URL)
    hub.happens(3)
    made = hub.rows()
    assert [json.loads(row.body)["data"]["number"] for row in made] == ["+33612000000", "+33612000001", "+33612000002"]
    assert [json.loads(row.body)["id"] for row in made] == [row.webhook_id for row in made]
    assert len({row.webhook_id for row in made}) == 3


def test_what_was_relayed_is_not_relayed_again(hub: Hub) -> None:
    hub.hook(URL)
    hub.happens()
    assert hub.relay() == 0
    assert len(hub.rows()) == 1


def test_facts_that_nobody_wants_are_done_with_unread(hub: Hub) -> None:
    hub.hook(URL, "optout.removed")
    hub.emit("optout.created", [{"number": 33612000000, "source": "api", "at": hub.clock.now}])
    with hub.runtime.begin() as tx:
        tx.execute(schema.outbox.update().values(payload="torn"))
    assert turn(hub.runtime, TRIGGERS, [queue.sink]) == Turn(1, full=False)
    assert hub.relay_waits() == 0


def test_a_turn_that_had_to_stop_says_so(hub: Hub) -> None:
    hub.hook(URL)
    for _ in range(3):
        hub.emit("optout.created", [{"number": 33612000000, "source": "x" * 150_000, "at": hub.clock.now}])
    said = [turn(hub.runtime, TRIGGERS, [queue.sink]) for _ in range(4)]
    assert said == [Turn(1, full=True), Turn(1, full=True), Turn(1, full=False), Turn(0, full=False)]
    hub.emit("optout.created", [{"number": 33612000000, "source": "x", "at": hub.clock.now}])
    assert turn(hub.runtime, TRIGGERS, [queue.sink], limit=1) == Turn(1, full=True)


def test_two_hooks_are_told_of_the_same_event_by_the_same_id(hub: Hub) -> None:
    hub.hook(URL)
    hub.hook(URL)
    hub.happens()
    assert len({row.webhook_id for row in hub.rows()}) == 1
    assert len(hub.rows()) == 2


def test_a_hook_gets_the_types_and_the_account_it_is_for(hub: Hub) -> None:
    hub.hook(URL, "optout.removed")
    hub.happens(kind="optout.created")
    with hub.runtime.begin() as tx:
        stranger = accounts.create(tx, "Other")
        events.emit(tx, stranger.id, "optout.removed", [{"number": 33600000000, "source": "api", "at": tx.now}])
    assert hub.relay() == 1
    assert hub.rows() == []


def test_filters_hold_back_what_does_not_match(hub: Hub) -> None:
    with hub.runtime.begin() as tx:
        ids = [rows.message(tx, hub.account_id) for _ in range(3)]
    hub.hook(URL, "message.status", status=["received"])
    facts = [
        {"message_id": id_, "status": status, "status_detail": None, "carrier_code": None, "at": hub.clock.now}
        for id_, status in zip(ids, ("sent", "received", "rejected"), strict=True)
    ]
    hub.emit("message.status", facts)
    hub.relay()
    assert [json.loads(row.body)["data"]["id"] for row in hub.rows()] == [ids[1]]


def test_without_a_listener_nothing_is_rendered(hub: Hub) -> None:
    rendered: list[int] = []

    def counts(_tx: Tx, _account_id: str, facts: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        rendered.append(len(facts))
        return [{} for _ in facts]

    hub.emit("optout.created", [{"number": 1}])
    trigger = Trigger("optout.created", "", "", {}, {}, counts)
    assert relay(hub.runtime, {"optout.created": trigger}, [queue.sink]) == 1
    assert rendered == []
    hub.hook(URL)
    hub.emit("optout.created", [{"number": 1}])
    assert relay(hub.runtime, {"optout.created": trigger}, [queue.sink]) == 1
    assert rendered == [1]


def test_a_fact_whose_row_is_gone_is_told_to_nobody(hub: Hub) -> None:
    hub.hook(URL, "contact.created")
    hub.emit("contact.created", [{"contact_id": "01997b2c-1a2b-7c3d-8e4f-123456789abc"}])
    assert hub.relay() == 1
    assert hub.rows() == []


def test_a_batch_is_an_array_that_fills_until_it_is_posted(hub: Hub, shop: Receiver) -> None:
    _, secret = hub.hook(shop.url, batch=True)
    hub.happens(2)
    assert hub.deliver() == 0  # it waits for company
    hub.happens(3)
    hub.clock.forward(ms=BATCH_LINGER_MS)
    assert hub.deliver() == 1
    (post,) = shop.posts
    payload = post.verified(secret)
    assert [event["type"] for event in payload] == ["optout.created"] * 5
    assert len({event["id"] for event in payload}) == 5
    assert [row.size for row in hub.rows()] == [5]


def test_a_batch_holds_500_at_most_and_a_full_one_goes_at_once(hub: Hub, shop: Receiver) -> None:
    hub.hook(shop.url, batch=True)
    hub.happens(10)
    hub.happens(2 * BATCH_EVENTS)
    assert sorted(row.size for row in hub.rows()) == [10, BATCH_EVENTS, BATCH_EVENTS]
    assert hub.deliver() == 2
    assert [len(post.json) for post in shop.posts] == [BATCH_EVENTS, BATCH_EVENTS]
    numbers = [event["data"]["number"] for row in hub.rows() for event in json.loads(row.body)]
    assert len(numbers) == 2 * BATCH_EVENTS + 10


def test_a_batch_is_no_larger_than_receivers_take_and_loses_nothing(
    hub: Hub, shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.hook(shop.url, batch=True)
    monkeypatch.setattr(batches, "BATCH_BYTES", 1_000)
    for count in (1, 20, 1, 1):
        hub.happens(count)
    hub.clock.forward(ms=BATCH_LINGER_MS)
    while hub.deliver():
        hub.clock.forward(seconds=1)
    assert sum(len(post.json) for post in shop.posts) == 23
    assert all(len(post.body) < 1_010 for post in shop.posts)
    assert 1 < len(shop.posts) < 12  # they were put together all the same
    monkeypatch.setattr(batches, "BATCH_BYTES", 10)
    hub.happens(2)
    assert [row.size for row in hub.rows()][-2:] == [1, 1]  # one alone is posted, whatever its size


def test_a_batch_that_was_posted_once_is_never_filled_again(hub: Hub, shop: Receiver) -> None:
    hub.hook(shop.url, batch=True)
    shop.behaviour = answers(500)
    hub.happens()
    hub.clock.forward(seconds=1)
    hub.deliver()
    hub.happens()
    hub.clock.forward(minutes=1)
    hub.deliver()
    first, *_, last = sorted(shop.posts, key=lambda post: post.webhook_id == shop.posts[0].webhook_id, reverse=True)
    assert [row.size for row in hub.rows()] == [1, 1]
    assert {post.body for post in shop.posts if post.webhook_id == first.webhook_id} == {first.body}
    assert first.webhook_id != last.webhook_id


def test_a_batch_holds_events_of_one_type(hub: Hub, shop: Receiver) -> None:
    hub.hook(shop.url, "optout.created", "optout.removed", batch=True)
    hub.happens(2, "optout.created")
    hub.happens(1, "optout.removed")
    hub.happens(1, "optout.created")
    hub.clock.forward(ms=BATCH_LINGER_MS)
    assert hub.deliver() == 2
    posted = sorted([event["type"] for event in post.json] for post in shop.posts)
    assert posted == [["optout.created"] * 3, ["optout.removed"]]
    assert sorted((row.type, row.size) for row in hub.rows()) == [("optout.created", 3), ("optout.removed", 1)]


def test_another_listener_hears_the_same_events_in_the_same_transaction(hub: Hub) -> None:
    heard: list[Event] = []

    def sink(_tx: Tx, wanted: Collection[Key]) -> Mapping[Key, Take]:
        return {key: lambda _tx, told: heard.extend(told) for key in wanted if key[1] == "optout.created"}

    hub.hook(URL)
    hub.emit("optout.created", [{"number": 33612000000, "source": "api", "at": hub.clock.now}])
    relay(hub.runtime, TRIGGERS, [queue.sink, sink])
    assert [event.id for event in heard] == [row.webhook_id for row in hub.rows()]


def test_an_event_is_dated_by_its_fact(hub: Hub) -> None:
    hub.hook(URL)
    hub.emit("optout.created", [{"number": 33612000000, "source": "api", "at": hub.clock.now - 1500}])
    hub.relay()
    assert json.loads(hub.rows()[0].body)["timestamp"] == "2026-09-21T14:13:18.500Z"


def test_a_fact_that_can_not_be_told_is_put_off_and_holds_up_nobody(hub: Hub) -> None:
    def breaks(tx: Tx, account_id: str, facts: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        if any(fact["number"] == 33600000666 for fact in facts):
            raise KeyError("a bug")
        return TRIGGERS["optout.created"].render(tx, account_id, facts)

    old = TRIGGERS["optout.created"]
    broken = Trigger(old.type, old.title, old.description, old.schema, old.sample, breaks)
    hub.hook(URL, "optout.created")
    with hub.runtime.begin() as tx:
        for number in (33600000001, 33600000666, 33600000002):
            events.emit(tx, hub.account_id, "optout.created", [{"number": number, "source": "api", "at": tx.now}])
    table = dict(TRIGGERS) | {"optout.created": broken}
    relay(hub.runtime, table, [queue.sink])
    assert [json.loads(row.body)["data"]["number"] for row in hub.rows()] == ["+33600000001", "+33600000002"]
    assert relay(hub.runtime, TRIGGERS, [queue.sink]) == 0  # it waits
    hub.clock.forward(minutes=5)
    assert relay(hub.runtime, TRIGGERS, [queue.sink]) == 1  # mended meanwhile
    assert len(hub.rows()) == 3


def test_a_fact_of_one_account_does_not_wait_for_a_backlog_of_another(hub: Hub) -> None:
    with hub.runtime.begin() as tx:
        busy = accounts.create(tx, "Busy")
        wanted = endpoints.Wanted(URL, ["optout.created"], {}, batch=False)
        endpoints.create(hub.runtime, tx, KEYS, busy.id, wanted, "api")
        for _ in range(300):
            events.emit(tx, busy.id, "optout.created", [{"number": 33600000000, "source": "x" * 20_000, "at": tx.now}])
    hub.clock.forward(minutes=1)
    hub.hook(URL)
    hub.emit("optout.created", [{"number": 33612000000, "source": "api", "at": hub.clock.now}])
    turns = [hub.relay() for _ in range(2)]
    assert [row.account_id for row in hub.rows()].count(hub.account_id) == 1
    assert sum(turns) < 40
    while hub.relay():
        pass
    assert hub.relay_waits() == 0


def test_a_turn_serves_every_account_that_waits(hub: Hub) -> None:
    with hub.runtime.begin() as tx:
        for name in range(30):
            account = accounts.create(tx, f"Account {name}")
            for _ in range(10):
                events.emit(tx, account.id, "optout.created", [{"number": 33600000000, "source": "api", "at": tx.now}])
    assert relay(hub.runtime, TRIGGERS, [queue.sink], limit=30) == 30
    with hub.runtime.read() as tx:
        outbox = schema.outbox
        told = tx.all(select(func.count()).where(outbox.c.relayed_at.is_not(None)).group_by(outbox.c.account_id))
    assert [row[0] for row in told] == [1] * 30


def test_one_account_whose_facts_can_not_be_told_holds_up_no_other(hub: Hub) -> None:
    def breaks(tx: Tx, account_id: str, facts: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        if account_id != hub.account_id:
            raise KeyError("a bug")
        return TRIGGERS["optout.created"].render(tx, account_id, facts)

    old = TRIGGERS["optout.created"]
    table = dict(TRIGGERS) | {old.type: Trigger(old.type, "", "", {}, {}, breaks)}
    hub.hook(URL)
    with hub.runtime.begin() as tx:
        broken = accounts.create(tx, "Broken")
        wanted = endpoints.Wanted(URL, ["optout.created"], {}, batch=False)
        endpoints.create(hub.runtime, tx, KEYS, broken.id, wanted, "api")
        for _ in range(20):
            events.emit(tx, broken.id, "optout.created", [{"number": 33600000000, "source": "api", "at": tx.now}])
    hub.emit("optout.created", [{"number": 33612000000, "source": "api", "at": hub.clock.now}])
    relay(hub.runtime, table, [queue.sink])
    assert [row.account_id for row in hub.rows()] == [hub.account_id]


def test_small_batches_that_wait_are_posted_as_one(hub: Hub, shop: Receiver) -> None:
    hub.hook(shop.url, batch=True)
    for _ in range(30):
        hub.happens(20)
    hub.clock.forward(ms=BATCH_LINGER_MS)
    assert hub.deliver() == 2
    assert [len(post.json) for post in shop.posts] == [BATCH_EVENTS, 100]
    assert [row.size for row in hub.rows()] == [BATCH_EVENTS, 100]
    assert len({event["id"] for post in shop.posts for event in post.json}) == 600


def test_two_batches_that_do_not_fit_into_one_are_posted_apart(hub: Hub, shop: Receiver) -> None:
    hub.hook(shop.url, batch=True)
    hub.happens(300)
    hub.happens(300)
    hub.clock.forward(ms=BATCH_LINGER_MS)
    assert hub.deliver() == 2
    assert [len(post.json) for post in shop.posts] == [300, 300]


def test_a_ping_and_a_replayed_batch_stay_as_they_are(hub: Hub, shop: Receiver) -> None:
    hook_id, _ = hub.hook(shop.url, batch=True)
    hub.happens(2)
    hub.clock.forward(ms=BATCH_LINGER_MS)
    hub.deliver()
    hub.ask("hooks.ping", id_=hook_id)
    hub.ask("hooks.ping", id_=hook_id)
    hub.ask("deliveries.replay", id_=hub.rows()[0].id)
    hub.happens(3)
    hub.clock.forward(ms=BATCH_LINGER_MS)
    assert hub.deliver() == 4
    assert sorted(len(post.json) for post in shop.posts) == [1, 1, 2, 2, 3]


def test_an_event_id_is_the_uuid5_of_its_place_in_its_row() -> None:
    row = "01997b2c-1a2b-7c3d-8e4f-123456789abc"
    for place in range(1000):
        assert events.event_id(row, place) == str(uuid.uuid5(uuid.UUID(row), str(place)))
