"""The definition is drawn from the hub's own tables, and fits Zapier's form as far as that can be told without Zapier."""

import json
import re
from pathlib import Path

import pytest

from connectors.zapier import CONNECTOR, triggers
from connectors.zapier.commands import EXPORT
from connectors.zapier.creates import CREATES
from connectors.zapier.dropdowns import DROPDOWNS
from connectors.zapier.searches import SEARCHES
from connectors.zapier.triggers import TRIGGERS
from tests.support.zaps import ADDRESS, Zaps, catalogue, defined

WHOLE = defined()
STEPS = {**CREATES, **SEARCHES}


def test_what_a_person_is_asked_to_allow_is_what_is_used_and_no_more() -> None:
    operations = catalogue().operations
    routed = {route.scope for route in CONNECTOR.routes}
    asked = {operations[step.operation].scope for step in STEPS.values()}
    listed = {operations[dropdown.operation].scope for dropdown in DROPDOWNS.values()}
    inner = {"list_contacts", "put_group_member", "remove_group_member", "read_template", "read_report", "read_message"}
    assert CONNECTOR.scopes == (routed | asked | listed | {operations[name].scope for name in inner}) - {None}
    assert WHOLE["authentication"]["oauth2Config"]["scope"].split() == sorted(CONNECTOR.scopes)


def test_every_address_is_the_hubs_and_every_key_is_there() -> None:
    for key in TRIGGERS:
        operation = WHOLE["triggers"][key]["operation"]
        assert operation["performSubscribe"]["url"] == f"{ADDRESS}/connectors/zapier/hooks/{key}"
        assert f"{ADDRESS}/connectors/zapier/samples/{key}" in operation["performList"]["source"]
    for kind, path, table in (("creates", "actions", CREATES), ("searches", "searches", SEARCHES)):
        assert list(WHOLE[kind]) == list(table)
        for key, step in WHOLE[kind].items():
            assert f'"{ADDRESS}/connectors/zapier/{path}/{key}"' in step["operation"]["perform"]["source"]


def test_everything_that_was_chosen_goes_into_the_subscription() -> None:
    for trigger in (WHOLE["triggers"][key] for key in TRIGGERS):
        keys = [field["key"] for field in trigger["operation"]["inputFields"]]
        chosen = {key: f"{{{{bundle.inputData.{key}}}}}" for key in keys}
        assert trigger["operation"]["performSubscribe"]["body"] == {"target_url": "{{bundle.targetUrl}}"} | chosen


def test_fields_that_are_needed_come_first() -> None:
    for kind in ("creates", "searches"):
        for step in WHOLE[kind].values():
            needed = [field["required"] for field in step["operation"]["inputFields"]]
            assert needed == sorted(needed, reverse=True), step["key"]


@pytest.mark.parametrize("key", TRIGGERS)
def test_a_sample_has_every_field_and_no_other(key: str) -> None:
    operation = WHOLE["triggers"][key]["operation"]
    fields = [field["key"].split("__")[0] for field in operation["outputFields"]]
    assert list(dict.fromkeys(fields)) == list(operation["sample"])


@pytest.mark.parametrize("kind, key", [("creates", key) for key in CREATES] + [("searches", key) for key in SEARCHES])
def test_a_step_gives_back_every_field_of_its_sample(kind: str, key: str) -> None:
    operation = WHOLE[kind][key]["operation"]
    fields = {field["key"].split("__")[0] for field in operation["outputFields"]}
    assert fields == set(operation["sample"])
    assert operation["sample"]["id"]


def test_an_events_own_id_gives_way_to_the_event() -> None:
    posted = {"id": "e", "type": "x", "timestamp": "t", "data": {"id": "m", "status": "sent"}}
    assert triggers.item("message", posted) == {"id": "e", "occurred_at": "t", "message_id": "m", "status": "sent"}
    assert triggers.item("balance", posted | {"data": {"available": 1}}) == {
        "id": "e",
        "occurred_at": "t",
        "available": 1,
    }


def test_the_export_is_printed_or_written_with_what_would_not_be_published(zaps: Zaps, tmp_path: Path) -> None:
    visit = zaps.visit()
    assert json.loads("\n".join(EXPORT.run(visit, {}))) == WHOLE
    told = list(EXPORT.run(visit, {"out": str(tmp_path / "app.json"), "version": "1.2.3"}))
    assert json.loads((tmp_path / "app.json").read_text(encoding="utf-8")) == defined("1.2.3")
    assert told[0].endswith("app.json: version 1.2.3 for the hub at https://sms.example")
    assert told[1:] == ["The publishing checks that can be made here find nothing."]
    told = list(EXPORT.run(visit, {"out": str(tmp_path / "app.json"), "url": "http://127.0.0.1:8080/"}))
    assert told[1].startswith("not publishable: D007 ")


def test_the_guide_names_everything_that_there_is() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "zapier.md").read_text(encoding="utf-8")
    steps = [step for kind in ("triggers", "creates", "searches", "searchOrCreates") for step in WHOLE[kind].values()]
    shown = [step["display"]["label"] for step in steps if not step["display"].get("hidden")]
    assert [label for label in shown if label not in guide] == []
    (asked,) = re.findall(r"--scope (\S+)", guide)
    assert set(asked.split(",")) == CONNECTOR.scopes
