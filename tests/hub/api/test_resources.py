"""The account's own resources: /me, senders, credits, tariffs, numbers, keys."""

from typing import Any

import pytest
from flask import Flask

from core import Runtime, accounts
from tests.support.web import Visitor, visitor
from tests.support.world import ManualClock


def body(answer: Any) -> Any:
    assert answer.status_code in (200, 201), answer.json
    return answer.json


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_me_is_the_account_behind_the_key(alice: Visitor) -> None:
    me = body(alice.ask("GET", "/me"))
    assert me == {
        "account_id": alice.account_id,
        "account_name": "alice",
        "kind": "marketing",
        "plan": "classic",
        "credits": 10,
        "region": "FR",
        "timezone": "Europe/Paris",
        "default_sender": "36034",
        "stop": True,
        "sending_hours": None,
        "user": None,
        "scopes": sorted(accounts.SCOPES),
    }


def test_me_is_changed_field_by_field(alice: Visitor) -> None:
    changed = body(
        alice.ask("PATCH", "/me", {"account_name": "Alice & co", "default_sender": "AliceCo", "timezone": ""})
    )
    assert (changed["account_name"], changed["default_sender"], changed["timezone"]) == (
        "Alice & co",
        "AliceCo",
        "Europe/Paris",
    )
    assert body(alice.ask("PATCH", "/me", {"default_sender": None}))["default_sender"] == "36034"


@pytest.mark.parametrize(
    "change, refused",
    [
        ({"stop": False}, (403, "stop_required")),
        ({"default_sender": "+33612345678"}, (422, "sender_forbidden")),
        ({"timezone": "Mars/Olympus"}, (422, "invalid_account")),
        ({"region": "ZZ"}, (422, "invalid_account")),
        ({"kind": "notification"}, (422, "invalid_request")),
        ({"credits": 1000}, (422, "invalid_request")),
    ],
)
def test_me_is_not_changed_against_the_rules(alice: Visitor, change: dict[str, Any], refused: tuple[int, str]) -> None:
    answer = alice.ask("PATCH", "/me", change)
    assert code(answer) == refused
    assert (answer.json or {})["errors"][0]["pointer"] == f"/{next(iter(change))}"


def test_an_account_may_send_from_its_short_code_and_the_names_it_used(runtime: Runtime, alice: Visitor) -> None:
    with runtime.begin() as tx:
        accounts.add_inbound_number(tx, "36034", "simulator", "FR")
    alice.ask("PATCH", "/me", {"default_sender": "AliceCo"})
    assert body(alice.ask("GET", "/senders"))["items"] == [
        {"sender": "AliceCo", "type": "name", "default": True, "takes_replies": False},
        {"sender": "36034", "type": "number", "default": False, "takes_replies": True},
    ]
    assert body(alice.ask("GET", "/inbound-numbers"))["items"] == [{"number": "36034", "country": "FR", "shared": True}]


def test_credits_move_from_one_account_to_another_and_both_see_it(alice: Visitor, bob: Visitor) -> None:
    made = body(
        alice.ask("POST", "/credits/transfers", {"to_account": bob.account_id, "credits": 1.5, "reference": "lunch"})
    )
    assert (made["credits"], made["other_account"], made["reference"]) == (-1.5, bob.account_id, "lunch")
    assert body(alice.ask("GET", "/credits")) == {"available": 8.5, "held": 0, "alert_threshold": 0}
    received = body(bob.ask("GET", "/credits/transfers"))["items"][0]
    assert (received["id"], received["credits"], received["other_account"]) == (made["id"], 1.5, alice.account_id)


def test_transfers_are_listed_newest_first_page_by_page(alice: Visitor, bob: Visitor, clock: ManualClock) -> None:
    for number in range(5):
        clock.forward(seconds=1)
        body(
            alice.ask(
                "POST", "/credits/transfers", {"to_account": bob.account_id, "credits": 1, "reference": str(number)}
            )
        )
    seen: list[str] = []
    page = body(alice.ask("GET", "/credits/transfers?limit=2"))
    while True:
        seen += [each["reference"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        page = body(alice.ask("GET", f"/credits/transfers?limit=2&cursor={page['next_cursor']}"))
    assert seen == ["4", "3", "2", "1", "0", "test"]


@pytest.mark.parametrize(
    "change, refused",
    [
        ({"credits": 10.001}, (402, "not_enough_credits")),
        ({"credits": 0}, (422, "invalid_request")),
        ({"credits": -1}, (422, "invalid_request")),
        ({"credits": 0.0001}, (422, "invalid_credits")),
        ({"credits": "1"}, (422, "invalid_request")),
        ({"to_account": "bob"}, (422, "invalid_request")),
        ({"to_account": "01997b2c-1a2b-7c3d-8e4f-123456789abc"}, (422, "unknown_account")),
        ({"to_account": "alice"}, (422, "same_account")),
    ],
)
def test_a_transfer_that_can_not_be_is_refused(
    alice: Visitor, bob: Visitor, change: dict[str, Any], refused: tuple[int, str]
) -> None:
    asked = {"to_account": bob.account_id, "credits": 1} | change
    if refused[1] == "same_account":
        asked["to_account"] = alice.account_id
    assert code(alice.ask("POST", "/credits/transfers", asked)) == refused
    assert body(alice.ask("GET", "/credits"))["available"] == 10


def test_the_alert_is_set_in_credits(alice: Visitor) -> None:
    assert body(alice.ask("PUT", "/credits/alert", {"threshold": 2.5}))["alert_threshold"] == 2.5
    assert body(alice.ask("PUT", "/credits/alert", {"threshold": 0}))["alert_threshold"] == 0
    assert code(alice.ask("PUT", "/credits/alert", {"threshold": -1})) == (422, "invalid_request")


def test_tariffs_are_the_price_of_a_segment(alice: Visitor) -> None:
    france = body(alice.ask("GET", "/tariffs?country=FR&purpose=marketing"))["items"]
    assert france == [{"country": "FR", "purpose": "marketing", "credits": 1}]
    england = body(alice.ask("GET", "/tariffs?country=GB&channel=otp"))["items"]
    assert england == [{"country": "GB", "purpose": "otp", "credits": 1.1}]
    assert code(alice.ask("GET", "/tariffs?purpose=otp&channel=marketing")) == (422, "invalid_request")


def test_all_tariffs_are_walked_once(alice: Visitor) -> None:
    seen: list[tuple[str, str]] = []
    page: Any = {"next_cursor": ""}
    while page["next_cursor"] is not None:
        page = body(alice.ask("GET", f"/tariffs?limit=7&cursor={page['next_cursor']}"))
        seen += [(each["country"], each["purpose"]) for each in page["items"]]
    assert seen == sorted(set(seen))
    assert ("FR", "marketing") in seen


def test_a_number_is_looked_up_in_the_accounts_region(alice: Visitor) -> None:
    found = body(alice.ask("POST", "/numbers/lookup", {"number": "06 12 34 56 78"}))
    assert found == {
        "e164": "+33612345678",
        "country": "FR",
        "type": "mobile",
        "valid": True,
        "accepted": True,
        "reason": None,
    }
    fixed = body(alice.ask("POST", "/numbers/lookup", {"number": "+33 1 42 68 53 00"}))
    assert (fixed["valid"], fixed["accepted"]) == (True, False)
    assert body(alice.ask("POST", "/numbers/lookup", {"number": "12"}))["valid"] is False


def test_a_key_is_made_used_and_revoked(app: Flask, alice: Visitor, clock: ManualClock) -> None:
    made = body(alice.ask("POST", "/keys", {"name": "till", "scopes": ["credits:read"]}))
    till = Visitor(alice.account_id, made.pop("key"), alice.client)
    assert till.secret.startswith(made["prefix"])
    assert body(till.ask("GET", "/me"))["scopes"] == ["credits:read"]
    listed = body(alice.ask("GET", "/keys"))["items"]
    assert [each["name"] for each in listed] == ["till", "test"]
    assert "key" not in listed[0]
    assert body(alice.ask("DELETE", f"/keys/{made['id']}")) == {}
    clock.forward(seconds=2)
    assert code(till.ask("GET", "/me")) == (401, "unauthenticated")


def test_a_key_does_what_its_scopes_say_and_makes_none_that_can_do_more(runtime: Runtime, app: Flask) -> None:
    clerk = visitor(runtime, app, "clerk", scopes=["account:write"])
    denied = clerk.ask("GET", "/credits")
    assert code(denied) == (403, "insufficient_scope")
    assert (
        denied.headers["WWW-Authenticate"] == 'Bearer realm="smshub", error="insufficient_scope", scope="credits:read"'
    )
    assert code(clerk.ask("POST", "/keys", {"name": "x", "scopes": ["credits:transfer"]})) == (
        403,
        "insufficient_scope",
    )
    assert body(clerk.ask("POST", "/keys", {"name": "x", "scopes": ["account:write"]}))["scopes"] == ["account:write"]


def test_two_accounts_never_see_each_other(alice: Visitor, bob: Visitor) -> None:
    hers = body(alice.ask("POST", "/keys", {"name": "secret of alice", "scopes": ["stats:read"]}))
    alice.ask("PATCH", "/me", {"default_sender": "AliceCo"})
    for path in ("/me", "/senders", "/keys", "/credits", "/credits/transfers", "/inbound-numbers"):
        seen = bob.ask("GET", path).get_data(as_text=True)
        assert not [word for word in (alice.account_id, hers["id"], "AliceCo", "alice") if word in seen], path
