"""Schemas as Zapier's fields, and what Zapier sends as the schemas want it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.zapier import fields, inputs
from connectors.zapier.fields import Word
from core import Refused

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["to"],
    "properties": {
        "to": {"type": "string", "maxLength": 64, "description": "The number"},
        "text": {"type": "string", "maxLength": 2000},
        "send_at": {"type": ["string", "null"], "format": "date-time"},
        "purpose": {"type": "string", "enum": ["marketing", "no_credit"]},
        "groups": {"type": "array", "items": {"type": "string"}},
        "count": {"type": "integer"},
        "price": {"type": "number"},
        "stop": {"type": "boolean"},
        "progress": {"type": "object", "properties": {"done": {"type": "integer"}}},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
        "free": {"type": "object"},
    },
}


def one(word: Word) -> dict[str, Any]:
    (field,) = fields.inputs(SCHEMA, [word])
    return field


@pytest.mark.parametrize(
    "word, shown",
    [
        (Word("to", "To"), {"type": "string", "required": True, "helpText": "The number."}),
        (Word("to", "To", "Whom.", required=False), {"type": "string", "required": False, "helpText": "Whom."}),
        (Word("text", "Text"), {"type": "text", "required": False}),
        (Word("send_at", "At"), {"type": "datetime", "required": False}),
        (
            Word("purpose", "For"),
            {"type": "string", "required": False, "choices": {"marketing": "Marketing", "no_credit": "No Credit"}},
        ),
        (
            Word("groups", "In", dropdown="list_group", search="find_group"),
            {
                "type": "string",
                "required": False,
                "list": True,
                "dynamic": "list_group.id.name",
                "search": "find_group.id",
            },
        ),
        (Word("count", "Count"), {"type": "integer", "required": False}),
        (Word("stop", "Stop"), {"type": "boolean", "required": False}),
    ],
)
def test_a_property_is_asked_for_by_its_type(word: Word, shown: dict[str, Any]) -> None:
    assert one(word) == {"key": word.key, "label": word.label} | shown


def test_what_a_step_gives_is_named_through_its_objects_and_lists_of_objects_are_left_out() -> None:
    shown = {field["key"]: (field["label"], field["type"], field.get("list")) for field in fields.outputs(SCHEMA)}
    assert shown["send_at"] == ("Send At", "datetime", None)
    assert shown["groups"] == ("Groups", "string", True)
    assert shown["progress__done"] == ("Progress Done", "integer", None)
    assert shown["price"] == ("Price", "number", None)
    assert not shown.keys() & {"progress", "lines", "free"}


@pytest.mark.parametrize(
    "key, label",
    [("campaign_id", "Campaign ID"), ("prenom", "First Name"), ("a__b_at", "A B At"), ("e164", "Phone Number")],
)
def test_a_key_becomes_a_label(key: str, label: str) -> None:
    assert fields.label_of(key) == label


def read(**raw: Any) -> dict[str, Any]:
    return inputs.read(SCHEMA, list(SCHEMA["properties"]), raw, lambda: "Europe/Paris")


@pytest.mark.parametrize("empty", ["", None, [], {}])
def test_what_is_empty_was_not_given(empty: object) -> None:
    assert read(to="+33612345678", text=empty, groups=empty) == {"to": "+33612345678"}


@pytest.mark.parametrize(
    "raw, wanted",
    [
        ({"count": "12"}, {"count": 12}),
        ({"count": 12}, {"count": 12}),
        ({"count": "a dozen"}, {"count": "a dozen"}),
        ({"count": "٣"}, {"count": "٣"}),
        ({"price": "1.5"}, {"price": 1.5}),
        ({"price": "nan"}, {"price": "nan"}),
        ({"stop": "yes"}, {"stop": True}),
        ({"stop": "False"}, {"stop": False}),
        ({"stop": "perhaps"}, {"stop": "perhaps"}),
        ({"text": 12}, {"text": "12"}),
        ({"text": True}, {"text": "true"}),
        ({"groups": "one"}, {"groups": ["one"]}),
        ({"groups": ["one", "", 2]}, {"groups": ["one", "2"]}),
        ({"send_at": "2026-12-01T09:30:00"}, {"send_at": "2026-12-01T09:30:00+01:00"}),
        ({"send_at": "2026-07-01 09:30"}, {"send_at": "2026-07-01T09:30:00+02:00"}),
        ({"send_at": "2026-12-01T09:30:00Z"}, {"send_at": "2026-12-01T09:30:00Z"}),
        ({"send_at": "tomorrow"}, {"send_at": "tomorrow"}),
    ],
)
def test_what_comes_is_read_as_its_type_and_what_is_none_is_left_for_the_operation(
    raw: dict[str, Any], wanted: dict[str, Any]
) -> None:
    assert read(**raw) == wanted


def test_a_field_that_is_not_known_is_refused_by_its_name() -> None:
    with pytest.raises(Refused) as refused:
        read(to="1", colour="red")
    assert [fault.pointer for fault in refused.value.faults] == ["/colour"]


@given(st.one_of(st.none(), st.text(), st.integers(), st.lists(st.text()), st.booleans(), st.floats()))
def test_nothing_that_is_no_object_is_read(raw: object) -> None:
    with pytest.raises(Refused):
        inputs.read(SCHEMA, [], raw, lambda: "UTC")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(SCHEMA["properties"])), ANYTHING))
def test_whatever_comes_is_read_without_a_fault_of_ours_and_reading_again_changes_nothing(raw: dict[str, Any]) -> None:
    once = read(**raw)
    assert read(**once) == once
