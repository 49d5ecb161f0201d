"""/installations/{id}/tokens, as REST answers them; what connectors promise of theirs is in tests/connectors/suite_desk.py."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from sqlalchemy import select
from werkzeug.test import Client

from connectors.contract import Connector, TokenDesk
from core import schema
from hub.api.schemas import check_of
from tests.support import parcels
from tests.support.gadgets import GIVEN, gadget
from tests.support.meeting import waiting
from tests.support.plugged import Plugged, plugged
from tests.support.serving import wait_for
from tests.support.web import Visitor

PARCELS: Connector = parcels.connector()
NOBODY = "01997b2c-1a2b-7c3d-8e4f-123456789abc"


def leaves(*_: Any) -> Sequence[Mapping[str, Any]]:
    raise SystemExit


TOLD = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}, "additionalProperties": False}
BROKEN = TokenDesk({"type": "object", "additionalProperties": False}, TOLD, leaves, leaves, leaves)  # type: ignore[arg-type]


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, PARCELS, gadget(), gadget(name="broken", tokens=BROKEN)) as made:
        yield made


@pytest.fixture
def alice(hub: Plugged) -> Visitor:
    return hub.visitor("alice")


@pytest.fixture
def depot(hub: Plugged, alice: Visitor) -> str:
    """Where the tokens of a depot are."""
    return f"/installations/{hub.install(alice.account_id, PARCELS, parcels.SETTINGS).id}/tokens"


def refused(answer: Any) -> tuple[int, str, list[str]]:
    body = answer.get_json()
    return answer.status_code, body["code"], [fault["pointer"] for fault in body["errors"]]


def trail(hub: Plugged) -> list[tuple[str, Mapping[str, Any]]]:
    with hub.runtime.read() as tx:
        rows = tx.all(select(schema.audit).order_by(schema.audit.c.id))
    return [(row.action, json.loads(row.detail)) for row in rows if row.action.startswith("installation.token")]


def test_a_token_is_made_listed_used_and_revoked(hub: Plugged, alice: Visitor, depot: str) -> None:
    answer = alice.ask("POST", depot, {"name": "Gate 2"})
    made = answer.get_json()
    assert (answer.status_code, answer.headers["Cache-Control"], made["name"]) == (201, "no-store", "Gate 2")
    check_of({"$ref": "#/components/schemas/InstallationToken"})(made)
    secret = made.pop("secret")
    assert alice.ask("GET", depot).get_json() == {"items": [made], "next_cursor": None}
    assert scanned(hub, depot, secret) == 200
    assert scanned(hub, depot, "another") == 401
    gone = alice.ask("DELETE", f"{depot}/{made['id']}")
    assert (gone.status_code, gone.get_json()) == (200, {})
    assert scanned(hub, depot, secret) == 401
    assert alice.ask("GET", depot).get_json()["items"] == []
    facts = {"installation_id": depot.split("/")[2], "connector": "parcels", "token_id": made["id"]}
    assert trail(hub) == [("installation.token_created", facts), ("installation.token_revoked", facts)]


def scanned(hub: Plugged, depot: str, secret: str) -> int:
    path = f"/parcels/depots/{depot.split('/')[2]}/scans"
    body = {"to": "0612345678", "parcel": "6A1", "state": "collected"}
    return hub.ask("POST", path, json=body, headers={"x-parcels-scanner": secret}).status_code


@pytest.mark.parametrize(
    "body, code, places",
    [
        ({}, "invalid_request", ["/name"]),
        ({"name": ""}, "invalid_request", ["/name"]),
        ({"name": "x" * 41, "colour": "red"}, "invalid_request", ["/colour", "/name"]),
        ([], "invalid_request", [""]),
        (None, "invalid_request", ["/name"]),
    ],
)
def test_what_is_asked_for_is_judged_by_the_connectors_own_schema(
    hub: Plugged, alice: Visitor, depot: str, body: Any, code: str, places: list[str]
) -> None:
    status, told, found = refused(alice.ask("POST", depot, body))
    assert (status, told, sorted(found)) == (422, code, places)
    assert trail(hub) == []


def test_a_connector_that_hands_out_none_says_so(hub: Plugged, alice: Visitor) -> None:
    path = f"/installations/{hub.install(alice.account_id, gadget(), GIVEN).id}/tokens"
    for method, at, body in (("GET", path, None), ("POST", path, {}), ("DELETE", f"{path}/{NOBODY}", None)):
        answer = alice.ask(method, at, body)
        assert refused(answer)[:2] == (404, "not_found")
        assert answer.get_json()["detail"] == "Gadget hands out no tokens."


def test_tokens_are_listed_in_pages_newest_first(alice: Visitor, depot: str) -> None:
    made = [alice.ask("POST", depot, {"name": f"Gate {place}"}).get_json()["id"] for place in range(5)]
    first = alice.ask("GET", f"{depot}?limit=3").get_json()
    rest = alice.ask("GET", f"{depot}?limit=3&cursor={first['next_cursor']}").get_json()
    assert [one["id"] for one in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None


def test_tokens_are_for_who_may_change_the_account(hub: Plugged, depot: str) -> None:
    weak = hub.visitor("weak", scopes=["messages:send", "messages:read"])
    for method, path, body in (("GET", depot, None), ("POST", depot, {}), ("DELETE", f"{depot}/{NOBODY}", None)):
        assert refused(weak.ask(method, path, body))[:2] == (403, "insufficient_scope")


def test_a_desk_that_wants_to_end_the_process_ends_its_request_alone(hub: Plugged, alice: Visitor) -> None:
    path = f"/installations/{hub.install(alice.account_id, hub.registry.get('broken'), GIVEN).id}/tokens"
    answers = [alice.ask("GET", path), alice.ask("POST", path, {}), alice.ask("DELETE", f"{path}/{NOBODY}")]
    assert [answer.status_code for answer in answers] == [500, 500, 500]


def test_what_a_token_takes_is_told_with_its_connector(alice: Visitor) -> None:
    told = {one["name"]: one["tokens"] for one in alice.ask("GET", "/connectors").get_json()["items"]}
    assert PARCELS.tokens is not None
    assert told == {"parcels": PARCELS.tokens.fields, "gadget": None, "broken": BROKEN.fields}


def test_the_document_tells_of_them_and_is_valid(hub: Plugged) -> None:
    document = Client(hub.app).get("/api/v1/openapi.json").get_json()
    validate(document)
    told = document["paths"]["/installations/{id}/tokens"]
    assert told["post"]["operationId"] == "create_token"
    assert {"201", "404", "409", "422"} <= told["post"]["responses"].keys()
    assert set(document["paths"]["/installations/{id}/tokens/{token_id}"]) == {"delete"}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_token_that_is_made_while_its_installation_is_removed_is_refused(
    hub: Plugged, alice: Visitor, depot: str
) -> None:
    with ThreadPoolExecutor(1) as other:
        with hub.runtime.begin() as tx:
            hub.book.remove(tx, alice.account_id, depot.split("/")[2], "test")
            making = other.submit(alice.ask, "POST", depot, {"name": "Gate 2"})
            wait_for(lambda: waiting(hub.runtime))
        assert making.result(timeout=30).status_code == 404
    assert [hub.engine.all(table) for table in PARCELS.tables] == [[], []]
