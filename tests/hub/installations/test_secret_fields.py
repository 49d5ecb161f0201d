"""Settings and secrets kept apart, and put together again; changes as RFC 7396 has them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.installations.secret_fields import can_be_kept_apart, merged, patched, pointers, split
from tests.support.gadgets import GIVEN, SECRET, SETTINGS

WORD = "secret-word"
NAMES = st.sampled_from(["a", "b", "c"])
PLAIN = st.sampled_from([{"type": "string"}, {"type": "integer"}, {"type": "array"}])
HIDDEN = st.sampled_from([{"type": "string", "writeOnly": True}, {"type": "object", "writeOnly": True}])
SCHEMAS = st.recursive(
    st.dictionaries(NAMES, PLAIN | HIDDEN, max_size=3),
    lambda inner: st.dictionaries(NAMES, PLAIN | HIDDEN | inner.map(lambda part: {"properties": part}), max_size=3),
    max_leaves=8,
).map(lambda properties: {"type": "object", "properties": properties})


@st.composite
def settings(draw: st.DrawFn, schema: dict[str, Any]) -> dict[str, Any]:
    """Settings of a schema, in which every secret is WORD and nothing else is."""
    made: dict[str, Any] = {}
    for name, inner in schema.get("properties", {}).items():
        if not draw(st.booleans()):
            continue
        if inner.get("writeOnly"):
            made[name] = {"within": WORD} if inner["type"] == "object" else WORD
        elif "properties" in inner:
            made[name] = draw(settings(inner))
        else:
            made[name] = draw(st.sampled_from(["plain", 1, ["x"], {}, {"free": "form"}]))
    return made


@given(data=st.data(), schema=SCHEMAS)
def test_what_was_split_is_the_same_when_merged_and_no_secret_is_left_behind(
    data: st.DataObject, schema: dict[str, Any]
) -> None:
    whole = data.draw(settings(schema))
    plain, secret = split(schema, whole)
    assert merged(plain, secret) == whole
    assert WORD not in json.dumps(plain)
    assert len(pointers(schema, secret)) == json.dumps(whole).count(WORD)
    assert can_be_kept_apart(schema)


def test_a_secret_within_is_found_and_told_by_its_place() -> None:
    plain, secret = split(SETTINGS, {**GIVEN, "keys": {"mine": "k", "yours": "k"}})
    assert plain == {"host": "mail.example", "mailbox": {"user": "ann"}}
    assert secret == {"mailbox": {"password": SECRET}, "keys": {"mine": "k", "yours": "k"}}
    assert pointers(SETTINGS, secret) == ["/keys", "/mailbox/password"]


def test_a_name_with_a_slash_is_escaped_in_its_pointer() -> None:
    schema = {"properties": {"a/b~c": {"writeOnly": True}}}
    assert pointers(schema, {"a/b~c": "x"}) == ["/a~1b~0c"]


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"many": {"items": {"properties": {"key": {"writeOnly": True}}}}}},
        {"oneOf": [{"properties": {"key": {"writeOnly": True}}}]},
        {"properties": {}, "patternProperties": {"^k": {"writeOnly": True}}},
    ],
)
def test_a_secret_in_a_list_or_behind_a_condition_cannot_be_kept_apart(schema: dict[str, Any]) -> None:
    assert not can_be_kept_apart(schema)


# RFC 7396, appendix A; the last are of documents that are no objects, which settings never are.
@pytest.mark.parametrize(
    "target, patch, result",
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_change_is_a_merge_patch(target: Any, patch: Any, result: Any) -> None:
    before = json.dumps(target)
    assert patched(target, patch) == result
    assert json.dumps(target) == before
