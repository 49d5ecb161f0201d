"""/messages over REST: what a caller sees of the rules, and of bad input."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import Engine
from tests.support.rest import RestClient
from tests.support.world import NOON

TOMORROW = "2026-09-22T14:30:00+02:00"


@pytest.fixture
def engine(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    made = Engine(database_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> RestClient:
    return RestClient(engine, engine.account(), tmp_path)


def test_a_message_answers_201_and_becomes_received(engine: Engine, client: RestClient) -> None:
    made = client.send("06 12 34 56 20", reference="order 7")
    assert made.status_code == 201
    assert made.json["to"] == "+33612345620"
    assert made.json["status"] == "queued"
    assert made.json["text"] == "Bonjour STOP 36034"
    assert (made.json["credits"], made.json["segments"], made.json["source"]) == (1, 1, "api")
    engine.settle()
    engine.later(seconds=5)
    assert client("GET", f"/messages/{made.json['id']}").json["status"] == "received"


@pytest.mark.parametrize(
    "fields, status, code, pointer",
    [
        ({"to": "0696123456"}, 422, "invalid_number", "/to"),
        ({"to": "0142685300"}, 422, "fixed_line_number", "/to"),
        ({"to": "+8613812345678"}, 422, "unpriced_country", "/to"),
        ({"text": "   "}, 422, "text_empty", "/text"),
        ({"text": "x" * 1600}, 422, "text_too_long", "/text"),
        ({"sender": "+33612345678"}, 422, "sender_forbidden", "/sender"),
        ({"stop": False}, 403, "stop_required", "/stop"),
        ({"purpose": "otp"}, 403, "otp_not_granted", "/purpose"),
        ({"shorten_links": True}, 422, "not_enabled", "/shorten_links"),
        ({"send_at": "2026-09-22T14:30:00"}, 422, None, "/send_at"),
        ({"send_at": "9999-12-31T23:59:59-12:00"}, 422, None, "/send_at"),
        ({"send_at": "0001-01-01T00:00:00+14:00"}, 422, None, "/send_at"),
        ({"colour": "red"}, 422, "invalid_request", "/colour"),
        ({"text": 7}, 422, "invalid_request", "/text"),
    ],
)
def test_what_is_wrong_is_named_with_its_field(
    client: RestClient, fields: dict[str, Any], status: int, code: str | None, pointer: str
) -> None:
    answer = client.send(**({"to": "+33612345620"} | fields))
    assert answer.status_code == status, answer.json
    assert answer.mimetype == "application/problem+json"
    assert answer.json["errors"][0]["pointer"] == pointer
    assert code in {None, answer.json["code"]}
    assert client("GET", "/messages").json["items"] == []


def test_no_credits_is_402_before_anything_leaves(engine: Engine, tmp_path: Path) -> None:
    poor = RestClient(engine, engine.account("Poor", 0), tmp_path)
    assert poor.send("+33612345620").status_code == 402
    engine.settle()
    assert engine.simulator.sent() == []


def test_an_empty_optional_field_is_an_absent_one(client: RestClient) -> None:
    made = client.send("+33612345620", sender="", reference="", purpose="", send_at="")
    assert made.status_code == 201
    assert made.json["reference"] is None


def test_in_a_batch_the_right_ones_are_sent(engine: Engine, client: RestClient) -> None:
    given = [
        {"to": "+33612345620", "text": "un"},
        {"to": "12", "text": "deux"},
        {"to": "+33612345621"},
        {"to": "+33612345622", "text": "trois", "sender": ""},
    ]
    items = client("POST", "/messages/batch", json={"messages": given}).json["items"]
    assert [item["index"] for item in items] == [0, 1, 2, 3]
    assert [("message" in item) for item in items] == [True, False, False, True]
    assert items[1]["problem"]["errors"][0]["pointer"] == "/messages/1/to"
    assert items[2]["problem"]["errors"][0]["pointer"] == "/messages/2/text"
    engine.settle()
    assert [one.number for one in engine.simulator.sent()] == [33612345620, 33612345622]


def test_a_batch_that_the_balance_does_not_cover_sends_its_beginning(engine: Engine, tmp_path: Path) -> None:
    client = RestClient(engine, engine.account("Small", 2), tmp_path)
    given = [{"to": f"+3361234562{n}", "text": "x"} for n in range(4)]
    items = client("POST", "/messages/batch", json={"messages": given}).json["items"]
    assert [item["problem"]["code"] if "problem" in item else "sent" for item in items] == [
        "sent",
        "sent",
        "not_enough_credits",
        "not_enough_credits",
    ]
    assert client("GET", "/credits").json["available"] == 0


def test_scheduled_edited_copied_and_called_off(engine: Engine, client: RestClient) -> None:
    made = client.send("+33612345620", "Un", send_at=TOMORROW).json
    assert (made["status"], made["send_at"]) == ("scheduled", "2026-09-22T12:30:00.000Z")
    changed = client("PATCH", f"/messages/{made['id']}", json={"text": "Deux", "to": "+33612345621"}).json
    assert (changed["id"], changed["text"], changed["to"]) == (made["id"], "Deux STOP 36034", "+33612345621")
    copy = client("POST", f"/messages/{made['id']}/copy").json
    assert (copy["text"], copy["send_at"], copy["id"] == made["id"]) == ("Deux STOP 36034", made["send_at"], False)
    assert client("DELETE", f"/messages/{copy['id']}").json["status"] == "cancelled"
    assert client("GET", "/credits").json == {"available": 1000, "held": 0, "alert_threshold": 0}
    engine.later(days=1, hours=1)
    assert [one.text for one in engine.simulator.sent()] == ["Deux STOP 36034"]
    assert client("PATCH", f"/messages/{made['id']}", json={"text": "Trois"}).status_code == 409


def test_lists_are_filtered_and_paged_newest_first(engine: Engine, client: RestClient) -> None:
    for n in range(5):
        engine.clock.forward(seconds=10)
        client.send(f"+3361234562{n}", reference="even" if n % 2 == 0 else "odd")
    first = client("GET", "/messages?limit=2").json
    rest = client("GET", f"/messages?limit=200&cursor={first['next_cursor']}").json
    assert [item["to"][-1] for item in first["items"] + rest["items"]] == list("43210")
    assert rest["next_cursor"] is None
    assert [item["to"][-1] for item in client("GET", "/messages?reference=odd").json["items"]] == ["3", "1"]
    assert [item["to"][-1] for item in client("GET", "/messages?to=0612345622").json["items"]] == ["2"]
    after = "2026-09-21T14:13:40Z"
    found = client("GET", f"/messages?created_after={after}").json["items"]
    assert [item["to"][-1] for item in found] == ["4", "3", "2", "1", "0"][: len(found)]
    assert all(item["created_at"] > "2026-09-21T14:13:40" for item in found)
    assert len(found) == sum(NOON + 10_000 * n > 1_790_000_020_000 for n in range(1, 6))


def test_one_account_never_sees_another(engine: Engine, client: RestClient, tmp_path: Path) -> None:
    other = RestClient(engine, engine.account("Other"), tmp_path)
    mine = client.send("+33612345620").json["id"]
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/copy")):
        assert other(method, f"/messages/{mine}{path}").status_code == 404
    assert other("PATCH", f"/messages/{mine}", json={"text": "x"}).status_code == 404
    assert other("GET", "/messages").json["items"] == []
    engine.settle()
    assert other("GET", "/simulator/sent").json["items"] == []
    assert len(client("GET", "/simulator/sent").json["items"]) == 1


def test_what_is_over_is_hidden_by_delete_and_kept_in_reports(engine: Engine, client: RestClient) -> None:
    made = client(
        "POST", "/campaigns", json={"name": "x", "text": "Salut", "recipients": [{"to": "+33612345620"}]}
    ).json
    engine.settle()
    engine.later(seconds=5)
    (message,) = client("GET", f"/messages?campaign_id={made['id']}").json["items"]
    assert client("DELETE", f"/messages/{message['id']}").status_code == 200
    assert client("GET", "/messages").json["items"] == []
    assert client("GET", f"/messages/{message['id']}").status_code == 200
    assert client("GET", f"/campaigns/{made['id']}/report").json["statistics"]["success"]["count"] == 1


def test_a_batch_may_spell_one_time_in_many_ways(client: RestClient) -> None:
    times = ["2030-01-01T00:00:00Z", "2030-01-01T01:00:00+01:00", "2030-01-01T00:00:00.000Z", "2030-01-02T00:00:00Z"]
    drafts = [{"to": f"+3361234567{place}", "text": "Hi", "send_at": at} for place, at in enumerate(times)]
    items = client("POST", "/messages/batch", json={"messages": drafts}).json["items"]
    assert [(item["index"], item["message"]["to"]) for item in items] == [
        (place, draft["to"]) for place, draft in enumerate(drafts)
    ]
    assert [item["message"]["send_at"] for item in items] == [
        *[items[0]["message"]["send_at"]] * 3,
        items[3]["message"]["send_at"],
    ]
