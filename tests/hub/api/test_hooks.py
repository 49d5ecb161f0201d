from typing import Any

import pytest

from connectors.contract import Page
from core import Refused, accounts
from hub.api.schemas import check_of
from hub.hooks.endpoints import MOST_HOOKS
from tests.support.hooked import Hub, operation
from tests.support.receivers import Receiver, answers

NOBODY = "01997b2c-1a2b-7c3d-8e4f-123456789abc"
ASKED = {"url": "http://127.0.0.1:1/hook", "events": ["reply.received", "message.status"]}


def refusal(hub: Hub, name: str, **asked: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        hub.ask(name, **asked)
    return refused.value


def test_a_new_hook_shows_its_secret_once(hub: Hub) -> None:
    made = hub.ask("hooks.create", body=ASKED | {"filters": {"status": ["received"]}, "batch": True})
    assert made["secret"].startswith("whsec_")
    assert made["events"] == ["message.status", "reply.received"]
    assert (made["filters"], made["batch"], made["source"]) == ({"status": ["received"]}, True, "api")
    shown = hub.ask("hooks.get", id_=made["id"])
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert made["secret"] not in str(hub.state(made["id"]))  # at rest it is sealed


@pytest.mark.parametrize(
    "wrong, pointer",
    [
        ({"url": ""}, "/url"),
        ({"events": []}, "/events"),
        ({"events": ["message.sent"]}, "/events/0"),
        ({"events": ["link.clicked"]}, "/events/0"),  # it waits for its feature
        ({"filters": {"sender": "x"}}, "/filters/sender"),
        ({"filters": {"status": ["late"]}}, "/filters/status/0"),
        ({"batch": "yes"}, "/batch"),
        ({"secret": "mine"}, "/secret"),
    ],
)
def test_the_schema_names_the_field_at_fault(wrong: dict[str, object], pointer: str) -> None:
    check = check_of(operation("hooks.create").body or {})
    check(ASKED)
    with pytest.raises(Refused) as refused:
        check(ASKED | wrong)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http://user:password@127.0.0.1/", "http://10.0.0.1/", "http:///", "nonsense"]
)
def test_an_address_that_cannot_be_posted_to_is_refused_and_nothing_is_made(hub: Hub, url: str) -> None:
    refused = refusal(hub, "hooks.create", body=ASKED | {"url": url})
    assert (refused.code, refused.faults[0].pointer) == ("invalid_url", "/url")
    assert hub.ask("hooks.list")["items"] == []


def test_a_filter_that_can_never_matter_is_refused(hub: Hub) -> None:
    body = {"url": ASKED["url"], "events": ["credits.low"], "filters": {"campaign_id": NOBODY}}
    refused = refusal(hub, "hooks.create", body=body)
    assert (refused.code, refused.faults[0].pointer) == ("invalid_filter", "/filters/campaign_id")


def test_an_account_has_so_many_hooks_at_most(hub: Hub) -> None:
    for _ in range(MOST_HOOKS):
        hub.hook("http://127.0.0.1:1/")
    assert refusal(hub, "hooks.create", body=ASKED).code == "too_many_hooks"
    first = hub.ask("hooks.list", page=Page(1, None))["items"][0]
    hub.ask("hooks.delete", id_=first["id"])
    assert hub.ask("hooks.create", body=ASKED)["id"]


def test_hooks_whose_receivers_are_gone_take_no_room_until_they_are_switched_on_again(hub: Hub, shop: Receiver) -> None:
    gone, _ = hub.hook(shop.url)
    shop.behaviour = answers(410)
    hub.happens()
    hub.deliver()
    for _ in range(MOST_HOOKS - 1):
        hub.hook("http://127.0.0.1:1/")
    last = hub.ask("hooks.create", body=ASKED)["id"]
    assert refusal(hub, "hooks.enable", id_=gone).code == "too_many_hooks"
    hub.ask("hooks.delete", id_=last)
    assert hub.ask("hooks.enable", id_=gone)["disabled_at"] is None
    assert refusal(hub, "hooks.create", body=ASKED).code == "too_many_hooks"


def test_hooks_are_listed_newest_first_page_by_page(hub: Hub) -> None:
    ids = [hub.hook("http://127.0.0.1:1/")[0] for _ in range(3)]
    first = hub.ask("hooks.list", page=Page(2, None))
    assert [item["id"] for item in first["items"]] == [ids[2], ids[1]]
    assert first["next_cursor"] is not None
    last = hub.ask("hooks.list", page=Page(2, ids[1]))
    assert [item["id"] for item in last["items"]] == [ids[0]]
    assert last["next_cursor"] is None


def test_a_deleted_hook_is_gone_with_what_waited_and_to_delete_it_again_is_no_error(hub: Hub, shop: Receiver) -> None:
    hook_id, _ = hub.hook(shop.url)
    hub.happens(2)
    assert hub.ask("hooks.delete", id_=hook_id) == {}
    assert hub.ask("hooks.delete", id_=hook_id) == {}
    assert hub.deliver() == 0
    hub.happens()
    assert [row.status for row in hub.rows()] == ["dead", "dead"]
    assert refusal(hub, "hooks.get", id_=hook_id).code == "not_found"
    assert refusal(hub, "hooks.enable", id_=hook_id).code == "not_found"
    assert refusal(hub, "deliveries.replay", id_=hub.rows()[0].id).code == "not_found"
    assert hub.state(hook_id).secret == ""


@pytest.mark.parametrize("name", ["get", "delete", "rotate_secret", "enable", "ping", "deliveries"])
@pytest.mark.parametrize("whose", ["nobody's", "another's", "no id"])
def test_what_is_not_this_accounts_is_not_found(hub: Hub, name: str, whose: str) -> None:
    hook_id, _ = hub.hook("http://127.0.0.1:1/")
    with hub.runtime.begin() as tx:
        stranger = accounts.create(tx, "Other")
    asked = {"nobody's": (NOBODY, None), "another's": (hook_id, stranger.id), "no id": ("x' OR 1=1", None)}[whose]
    assert refusal(hub, f"hooks.{name}", id_=asked[0], as_=asked[1]).code == "not_found"


@pytest.mark.parametrize("whose", ["nobody's", "another's", "no id"])
def test_only_an_accounts_own_deliveries_are_replayed(hub: Hub, whose: str) -> None:
    hub.hook("http://127.0.0.1:1/")
    hub.happens()
    with hub.runtime.begin() as tx:
        stranger = accounts.create(tx, "Other")
    asked = {"nobody's": (NOBODY, None), "another's": (hub.rows()[0].id, stranger.id), "no id": ("x", None)}[whose]
    assert refusal(hub, "deliveries.replay", id_=asked[0], as_=asked[1]).code == "not_found"


@pytest.mark.parametrize("batch", [False, True])
def test_a_ping_arrives_signed_and_says_what_came_of_it(hub: Hub, shop: Receiver, batch: bool) -> None:
    hook_id, secret = hub.hook(shop.url, batch=batch)
    asked = hub.ask("hooks.ping", id_=hook_id)
    assert (asked["type"], asked["status"], asked["attempts"]) == ("ping", "pending", 0)
    hub.deliver()
    payload = shop.posts[0].verified(secret)
    (event,) = payload if batch else [payload]
    assert (event["type"], event["data"]) == ("ping", {"hook_id": hook_id})
    (seen,) = hub.ask("hooks.deliveries", id_=hook_id)["items"]
    assert (seen["id"], seen["status"], seen["last_status"]) == (asked["id"], "delivered", 200)


def test_deliveries_are_listed_newest_first_all_or_of_one_status(hub: Hub, shop: Receiver) -> None:
    hook_id, _ = hub.hook(shop.url)
    hub.happens(3)
    hub.deliver(limit=1)
    ids = [row.id for row in hub.rows()]
    delivered = {row.id for row in hub.rows() if row.status == "delivered"}
    every = hub.ask("hooks.deliveries", id_=hook_id)["items"]
    assert [item["id"] for item in every] == ids[::-1]
    only = hub.ask("hooks.deliveries", id_=hook_id, query={"status": "delivered"})["items"]
    assert {item["id"] for item in only} == delivered
    page = hub.ask("hooks.deliveries", id_=hook_id, page=Page(2, None))
    assert page["next_cursor"] is not None
    rest = hub.ask("hooks.deliveries", id_=hook_id, page=Page(2, page["items"][-1]["id"]))
    assert [item["id"] for item in page["items"] + rest["items"]] == ids[::-1]


def test_a_replay_is_posted_again_under_the_same_webhook_id(hub: Hub, shop: Receiver) -> None:
    hub.hook(shop.url)
    hub.happens()
    hub.deliver()
    (row,) = hub.rows()
    again = hub.ask("deliveries.replay", id_=row.id)
    assert (again["status"], again["webhook_id"], again["delivered_at"]) == ("pending", row.webhook_id, None)
    hub.deliver()
    first, second = shop.posts
    assert (first.webhook_id, first.body) == (second.webhook_id, second.body)


def test_a_replay_begins_the_schedule_anew(hub: Hub, shop: Receiver) -> None:
    hub.hook(shop.url)
    shop.behaviour = answers(500)
    hub.happens()
    hub.deliver()
    hub.clock.forward(seconds=6)
    hub.deliver()
    hub.clock.forward(minutes=1)
    hub.ask("deliveries.replay", id_=hub.rows()[0].id)
    hub.deliver()
    assert hub.rows()[0].attempt == 3
    assert hub.rows()[0].due_at - hub.clock.now < 6000


def test_nothing_is_pinged_or_replayed_while_the_hook_is_off_and_it_can_be_switched_on(
    hub: Hub, shop: Receiver
) -> None:
    hook_id, _ = hub.hook(shop.url)
    shop.behaviour = answers(410)
    hub.happens()
    hub.deliver()
    assert refusal(hub, "hooks.ping", id_=hook_id).code == "hook_disabled"
    assert refusal(hub, "deliveries.replay", id_=hub.rows()[0].id).code == "hook_disabled"
    assert hub.ask("hooks.get", id_=hook_id)["disabled_reason"] == "gone"
    assert hub.ask("hooks.enable", id_=hook_id)["disabled_at"] is None
    shop.behaviour = answers(200)
    hub.ask("deliveries.replay", id_=hub.rows()[0].id)
    assert hub.deliver() == 1
    assert hub.rows()[0].status == "delivered"
