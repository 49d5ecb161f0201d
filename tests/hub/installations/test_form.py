"""A form out of a schema, and JSON out of what was typed: what is shown can be sent, and what is sent is what was meant."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import Fault
from hub.installations import form, secret_fields
from hub.installations.form import Field, Known, Typed
from tests.support.gadgets import SETTINGS

PARIS = ZoneInfo("Europe/Paris")
LINES = {"type": "array", "title": "Senders", "items": {"type": "string"}}
PLAIN = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
LEAVES: list[tuple[dict[str, Any], st.SearchStrategy[Any]]] = [
    ({"type": "string"}, PLAIN),
    ({"type": "integer"}, st.integers(-(10**14), 10**14)),
    ({"type": "number"}, st.integers(0, 1000).map(lambda whole: whole + 0.5)),
    ({"type": "boolean"}, st.just(value=True)),
    ({"enum": ["tls", "none", 3, False]}, st.sampled_from(["tls", "none", 3])),
    (LINES, st.lists(PLAIN, min_size=1, max_size=3)),
    ({"type": "array", "items": {"type": "integer"}}, st.lists(st.integers(0, 10**9), min_size=1, max_size=3)),
    ({"type": "array", "items": {"type": "object"}}, st.lists(st.dictionaries(PLAIN, st.integers()), min_size=1)),
    ({"type": ["string", "null"]}, PLAIN),
]


@st.composite
def groups(draw: st.DrawFn, depth: int = 2) -> tuple[dict[str, Any], st.SearchStrategy[dict[str, Any]]]:
    """An object's schema, and settings that may stand in it: never an empty object, which a form can't tell from none."""
    properties, values = {}, {}
    for name in draw(st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True)):
        deeper = depth > 0 and draw(st.booleans())
        properties[name], values[name] = draw(groups(depth - 1)) if deeper else draw(st.sampled_from(LEAVES))
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return schema, st.fixed_dictionaries({}, optional=values).filter(bool)


@st.composite
def twice(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    schema, values = draw(groups())
    return schema, draw(values), draw(values)


def drawn(schema: Mapping[str, Any], known: Known, typed: Typed | None = None, **faults: str) -> list[Field]:
    return form.fields(schema, known, typed or Typed("settings", {}), faults, fresh=typed is None)


def every(fields: Sequence[Field]) -> Iterator[Field]:
    for one in fields:
        yield one
        yield from every(one.fields)


def sent(fields: Sequence[Field], **more: str) -> Typed:
    """What a browser sends of fields that are left as they are: lines end as HTML says, and boxes that are not ticked are not there."""
    leaves = [one for one in every(fields) if one.kind != "group" and (one.kind != "switch" or one.value)]
    return Typed("settings", {one.name: one.value.replace("\n", "\r\n") for one in leaves} | more)


@given(twice())
def test_a_form_that_is_sent_as_it_was_shown_changes_nothing(case: Any) -> None:
    schema, known, _ = case
    assert form.changes(schema, Known(known), sent(drawn(schema, Known(known)))) == {}


@given(twice())
def test_what_is_shown_and_sent_is_what_is_kept(case: Any) -> None:
    schema, before, after = case
    typed = sent(drawn(schema, Known(after)))
    assert form.values(schema, typed) == after
    patched = secret_fields.patched(before, form.changes(schema, Known(before), typed))
    assert without_off(patched) == after


def without_off(value: Any) -> Any:
    """A switch that was on and is off says so."""
    if not isinstance(value, dict):
        return value
    return {name: without_off(inner) for name, inner in value.items() if inner is not False}


@given(twice())
def test_no_two_fields_have_one_name_and_all_can_stand_in_a_page(case: Any) -> None:
    names = [one.name for one in every(drawn(case[0], Known({})))]
    assert len(set(names)) == len(names)
    assert all(name.isascii() and name.isprintable() and not set(name) & set(" \"'<>&#") for name in names)


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=20)), twice())
def test_whatever_is_sent_is_read(texts: Mapping[str, str], case: Any) -> None:
    fields = [one.name for one in every(drawn(case[0], Known(case[1])))]
    typed = Typed("settings", dict(zip(fields, texts.values(), strict=False)) | dict(texts))
    form.changes(case[0], Known(case[1]), typed)
    drawn(case[0], Known(case[1]), typed)


@pytest.mark.parametrize(
    "schema, text, value",
    [
        ({"type": "integer"}, "many", "many"),
        ({"type": "integer"}, "1" * 30, "1" * 30),
        ({"type": "integer"}, " 25 ", 25),
        ({"type": "number"}, "1.5", 1.5),
        ({"type": "number"}, "007", "007"),
        ({"type": "number"}, "1e999", "1e999"),
        ({"enum": ["a", "b"]}, "1", "b"),
        ({"enum": ["a", "b"]}, "7", "7"),
        ({"enum": ["a", "b"]}, "²", "²"),
        (LINES, " a@b \r\n\r\n c \r\n", ["a@b", "c"]),
        ({"type": "array", "items": {"type": "integer"}}, "1\ntwo", [1, "two"]),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
        ({"type": "object"}, "[" * 100_000, "[" * 100_000),
        ({"type": "string", "format": "date-time"}, "2026-12-24T08:00", "2026-12-24T08:00:00+01:00"),
        ({"type": "string", "format": "date-time"}, "2026-07-14T08:00", "2026-07-14T08:00:00+02:00"),
        ({"type": "string", "format": "date-time"}, "Christmas", "Christmas"),
        ({"type": "string", "writeOnly": True}, " a b ", " a b "),
        ({"type": "integer", "writeOnly": True}, "1234", 1234),
    ],
)
def test_a_text_is_read_as_its_schema_wants_or_left_for_the_check(schema: Any, text: str, value: Any) -> None:
    whole = {"type": "object", "properties": {"it": schema}}
    assert form.values(whole, Typed("settings", {"settings-it": text}, PARIS)) == {"it": value}


def test_a_time_stands_in_its_field_as_the_accounts_clocks_show_it() -> None:
    schema = {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}}
    known = Known({"at": "2026-12-24T07:00:00.000Z"})
    (shown,) = form.fields(schema, known, Typed("settings", {}, PARIS), {}, fresh=True)
    assert (shown.kind, shown.value) == ("moment", "2026-12-24T08:00")
    assert form.changes(schema, known, Typed("settings", {shown.name: shown.value}, PARIS)) == {}


def test_a_switch_that_is_on_by_itself_is_on_until_it_is_switched_off() -> None:
    schema = {"type": "object", "properties": {"on": {"type": "boolean", "default": True}}}
    (shown,) = drawn(schema, Known({}))
    assert shown.value == "on"
    assert form.values(schema, Typed("settings", {})) == {"on": False}
    assert form.changes(schema, Known({"on": False}), Typed("settings", {"settings-on": "on"})) == {"on": True}


MAIL = Known({"host": "h", "mailbox": {"user": "ann"}}, ["/mailbox/password"])


@pytest.mark.parametrize(
    "typed, changes",
    [
        ({}, {}),
        ({"settings-mailbox-password": "new"}, {"mailbox": {"password": "new"}}),
        ({"remove-settings-mailbox-password": "on"}, {"mailbox": {"password": None}}),
        ({"settings-mailbox-user": ""}, {"mailbox": {"user": None}}),
        ({"settings-host": ""}, {"host": None}),
        ({"remove-settings-mailbox": "on"}, {"mailbox": None}),
        ({"settings-keys": "{}"}, {"keys": {}}),
    ],
)
def test_secrets_are_left_unless_they_are_named(typed: dict[str, str], changes: dict[str, Any]) -> None:
    whole = sent(drawn(SETTINGS, MAIL))
    assert form.changes(SETTINGS, MAIL, Typed("settings", {**whole.texts, **typed})) == changes


def test_a_group_that_was_emptied_and_keeps_no_secret_goes() -> None:
    schema = {**SETTINGS, "required": ["host"]}
    known = Known({"host": "h", "mailbox": {"user": "ann"}})
    empty = Typed("settings", {"settings-host": "h"})
    assert form.changes(schema, known, empty) == {"mailbox": None}
    assert form.changes(schema, Known(known.values, ["/mailbox/password"]), empty) == {"mailbox": {"user": None}}
    assert form.values(schema, empty) == {"host": "h"}


def test_what_the_schema_does_not_know_any_more_goes_with_the_next_change() -> None:
    typed = Typed("settings", {"settings-host": "h"})
    assert form.changes(SETTINGS, Known({"host": "h", "old": 1}), typed)["old"] is None


def test_no_secret_stands_in_a_field_and_one_that_was_typed_is_asked_for_again() -> None:
    known = Known({"host": "h", "mailbox": {"password": "must not be seen"}}, ["/mailbox/password"])
    typed = Typed("settings", {"settings-mailbox-password": "nor this"})
    for fields in (drawn(SETTINGS, known), drawn(SETTINGS, known, typed)):
        assert "must not be seen" not in repr(fields)
        assert "nor this" not in repr(fields)
    (secret,) = [one for one in every(drawn(SETTINGS, known, typed)) if one.name.endswith("password")]
    assert (secret.kind, secret.is_set, secret.again) == ("secret", True, True)


@pytest.mark.parametrize(
    "at, message, told",
    [
        ("/port", "must be at most 65535", {"/port": "Port must be at most 65535."}),
        ("/mailbox/user", "is required", {"/mailbox/user": "User is required."}),
        ("/mailbox", "is required", {"/mailbox": "Mailbox is required."}),
        ("/mailbox/colour", "is not a field here", {"/mailbox": "Mailbox is not a field here."}),
        ("/colour", "is not a field here", {"": "colour is not a field here."}),
        ("/keys/a/b", "must be a text", {"/keys": "Keys must be a text."}),
        ("/senders/3", "must look like a@b", {"/senders": "Senders (line 4) must look like a@b."}),
        ("/host", "Another account has it.", {"/host": "Another account has it."}),
        ("", "must be an object", {"": "must be an object."}),
    ],
)
def test_a_fault_is_a_sentence_at_the_nearest_field(at: str, message: str, told: dict[str, str]) -> None:
    schema = {**SETTINGS, "properties": {**SETTINGS["properties"], "senders": LINES}}
    assert form.sentences(schema, [Fault(at, message), Fault(at, "is told after the first")]) == told


def test_a_group_within_a_group_is_open_where_something_is_set_or_wrong() -> None:
    inner = {"type": "object", "properties": {"user": {"type": "string"}}}
    outer = {"type": "object", "properties": {"oauth": inner}}
    schema = {"type": "object", "properties": {"mailbox": outer}}

    def is_open(known: Mapping[str, Any], faults: Mapping[str, str]) -> bool:
        (group,) = form.fields(schema, Known(known), Typed("settings", {}), faults, fresh=True)
        assert group.is_open
        return group.fields[0].is_open

    assert is_open({}, {}) is False
    assert is_open({"mailbox": {"oauth": {"user": "ann"}}}, {}) is True
    assert is_open({}, {"/mailbox/oauth/user": "is required"}) is True
