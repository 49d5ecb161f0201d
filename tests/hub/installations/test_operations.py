"""/connectors and /installations, as REST answers them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Connector, Visit
from core import accounts
from hub.api.schemas import check_of
from tests.support.databases import SqliteFiles
from tests.support.gadgets import GIVEN, SECRET, gadget
from tests.support.plugged import Plugged, plugged
from tests.support.web import Visitor


def health(visit: Visit) -> list[str]:
    return ["The host does not answer."] if visit.installed.settings["host"] == "down.example" else []


@pytest.fixture
def hub(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Plugged]:
    plain = {"title": "Other", "description": "Another.", "settings": None}
    others = [Connector(name, auth=auth, **plain) for name, auth in (("aoauth", "oauth"), ("zflow", "flow"))]  # type: ignore[arg-type]
    with plugged(sqlite_files.fresh(tmp_path), tmp_path, gadget(health=health), *others) as made:
        yield made


@pytest.fixture
def alice(hub: Plugged) -> Visitor:
    return hub.visitor("alice")


def install(visitor: Visitor, **changes: Any) -> Any:
    answer = visitor.ask("POST", "/installations", {"connector": "gadget", "settings": {**GIVEN, **changes}})
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def refused(answer: Any) -> tuple[int, str, list[str]]:
    body = answer.get_json()
    return answer.status_code, body["code"], [fault["pointer"] for fault in body["errors"]]


def test_an_installation_is_made_read_changed_listed_and_removed(alice: Visitor) -> None:
    made = install(alice, port=993)
    check_of({"$ref": "#/components/schemas/Installation"})(made)
    assert made["settings"] == {"host": "mail.example", "port": 993, "mailbox": {"user": "ann"}}
    assert (made["connector"], made["secrets"], made["status_detail"]) == ("gadget", ["/mailbox/password"], None)
    path = f"/installations/{made['id']}"
    assert alice.ask("GET", path).get_json() == made
    changed = alice.ask("PATCH", path, {"settings": {"port": None, "host": "imap.example"}}).get_json()
    assert changed["settings"] == {"host": "imap.example", "mailbox": {"user": "ann"}}
    assert changed["secrets"] == ["/mailbox/password"]
    assert alice.ask("GET", "/installations").get_json()["items"] == [changed]
    gone = alice.ask("DELETE", path)
    assert (gone.status_code, gone.get_json()) == (200, {})
    assert alice.ask("GET", path).status_code == alice.ask("DELETE", path).status_code == 404
    assert alice.ask("GET", "/installations").get_json() == {"items": [], "next_cursor": None}


def test_no_answer_holds_the_secret(alice: Visitor) -> None:
    path = f"/installations/{install(alice)['id']}"
    answers = [alice.ask("PATCH", path, {"settings": {"note": "x"}}), alice.ask("GET", path)]
    answers += [alice.ask("GET", one) for one in ("/installations", "/connectors")]
    assert all(SECRET not in answer.get_data(as_text=True) for answer in answers)


def test_what_is_wrong_is_told_by_its_place(alice: Visitor) -> None:
    wrong = {"connector": "gadget", "settings": {**GIVEN, "port": "many"}}
    assert refused(alice.ask("POST", "/installations", wrong)) == (422, "invalid_request", ["/settings/port"])
    install(alice)
    again = alice.ask("POST", "/installations", {"connector": "gadget", "settings": GIVEN})
    assert refused(again)[:2] == (409, "already_exists")
    for body, place in (
        ({}, "/settings"),
        ({"settings": 1}, "/settings"),
        ({"settings": {}, "connector": "x"}, "/connector"),
    ):
        assert refused(alice.ask("PATCH", "/installations/01997b2c-1a2b-7c3d-8e4f-123456789abc", body))[2] == [place]


@pytest.mark.parametrize(
    "name, expected, words",
    [
        ("nothing", (404, "not_found", ["/connector"]), "there are: aoauth, gadget, zflow"),
        ("aoauth", (422, "not_installable", ["/connector"]), "which asks for your consent"),
        ("zflow", (422, "not_installable", ["/connector"]), "which leads here"),
    ],
)
def test_what_is_not_installed_by_settings_says_how_it_is(
    alice: Visitor, name: str, expected: tuple[int, str, list[str]], words: str
) -> None:
    answer = alice.ask("POST", "/installations", {"connector": name})
    assert refused(answer) == expected
    assert words in answer.get_json()["detail"]


def test_installations_are_for_who_may_change_the_account(hub: Plugged) -> None:
    weak = hub.visitor("weak", scopes=["messages:send", "messages:read"])
    for method, path, body in (
        ("GET", "/installations", None),
        ("POST", "/installations", {"connector": "gadget"}),
        ("PATCH", "/installations/01997b2c-1a2b-7c3d-8e4f-123456789abc", {"settings": {}}),
    ):
        assert refused(weak.ask(method, path, body))[:2] == (403, "insufficient_scope")


def test_connectors_are_listed_in_pages_with_the_schema_of_their_settings(hub: Plugged, alice: Visitor) -> None:
    first = alice.ask("GET", "/connectors?limit=2").get_json()
    rest = alice.ask("GET", f"/connectors?limit=2&cursor={first['next_cursor']}").get_json()
    items = first["items"] + rest["items"]
    assert [one["name"] for one in items] == ["aoauth", "gadget", "zflow"]
    assert rest["next_cursor"] is None
    for one in items:
        check_of({"$ref": "#/components/schemas/Connector"})(one)
    assert items[1]["settings"] == hub.registry.get("gadget").settings
    assert [(one["installation_id"], one["health"]) for one in items] == [(None, None)] * 3


def test_the_health_of_the_accounts_own_installation_is_shown(hub: Plugged, alice: Visitor) -> None:
    well, bob = install(alice), hub.visitor("bob")
    unwell = install(bob, host="down.example")

    def shown(visitor: Visitor) -> Any:
        (one,) = [one for one in visitor.ask("GET", "/connectors").get_json()["items"] if one["name"] == "gadget"]
        return one["installation_id"], one["health"]["status"], one["health"]["reasons"]

    assert shown(alice) == (well["id"], "ok", [])
    assert shown(bob) == (unwell["id"], "failing", ["The host does not answer."])
    hub.engine.clock.forward(seconds=1)
    bob.ask("PATCH", f"/installations/{unwell['id']}", {"settings": {"host": "up.example"}})
    assert shown(bob)[1] == "ok"


def test_whoever_may_not_see_installations_sees_no_health(hub: Plugged, alice: Visitor) -> None:
    install(alice)
    secret = "smshub_weak"
    with hub.runtime.begin() as tx:
        accounts.create_key(tx, alice.account_id, "weak", ["messages:read"], secret, "test")
    weak = Visitor(alice.account_id, secret, alice.client)
    assert [one["health"] for one in weak.ask("GET", "/connectors").get_json()["items"]] == [None] * 3
