import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies
from jsonschema import Draft202012Validator

from core import Refused
from hub.api import openapi, schemas

PERSON = {
    "type": "object",
    "required": ["name", "born"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "born": {"type": "string", "format": "date-time"},
        "id": {"type": "string", "format": "uuid"},
        "shoes": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["size"],
                "properties": {"size": {"type": "integer", "minimum": 1}},
            },
        },
    },
}


def faults(schema: dict[str, Any], value: Any) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        schemas.check_of(schema)(value)
    assert refused.value.code == "invalid_request"
    return {fault.pointer: fault.message for fault in refused.value.faults}


def test_every_fault_is_found_and_pointed_at() -> None:
    wrong = {"name": "", "born": "yesterday", "id": "x", "shoes": [{"size": 40}, {"size": 0}, {}], "a/b~": 1}
    found = faults(PERSON, wrong)
    assert set(found) == {"/name", "/born", "/id", "/shoes/1/size", "/shoes/2/size", "/a~1b~0"}
    assert "offset" in found["/born"]
    assert found["/shoes/2/size"] == "is required"
    assert found["/a~1b~0"] == "is not a field here; known: born, id, name, shoes"


def test_what_is_missing_is_named_one_by_one() -> None:
    assert faults(PERSON, {}) == {"/name": "is required", "/born": "is required"}


def test_no_fault_quotes_what_was_sent() -> None:
    private = "+33612345678"
    choice = {"type": "string", "enum": ["a"], "maxLength": 3, "pattern": "^a$", "const": "a"}
    told = faults(
        {"type": "object", "properties": {"x": choice, "y": {"type": "integer"}}}, {"x": private, "y": private}
    )
    assert private not in json.dumps(told)


def test_a_list_of_thousands_of_faults_is_cut_at_a_hundred() -> None:
    assert len(faults({"type": "array", "items": {"type": "string"}}, [1] * 5000)) == 100


def test_words_that_the_compiler_does_not_know_are_not_passed_over() -> None:
    assert faults({"type": "array", "prefixItems": [{"type": "integer"}]}, ["x"]) == {"/0": "must be a whole number"}


def test_a_right_value_passes() -> None:
    schemas.check_of(PERSON)({"name": "Ada", "born": "2026-09-21T14:13:20Z", "shoes": [{"size": 40}]})


def test_a_reference_is_put_in_its_place_and_an_unknown_one_is_a_bug() -> None:
    assert schemas.resolved({"items": {"$ref": "#/components/schemas/Credits"}})["items"]["type"] == "object"
    with pytest.raises(KeyError):
        schemas.resolved({"$ref": "#/components/schemas/Nothing"})


@pytest.mark.parametrize("name", sorted(schemas.components()))
def test_every_schema_is_one_and_its_example_fits(name: str) -> None:
    schema = schemas.resolved(schemas.components()[name])
    Draft202012Validator.check_schema(schema)
    if "properties" in schema and "format" not in str(schema.get("properties", {}).get("file")):
        schemas.check_of(schema)(openapi.example(schema))


@pytest.mark.parametrize("name", ["MeChange", "TransferDraft", "KeyDraft", "NumberQuestion"])
@given(
    value=strategies.dictionaries(
        strategies.sampled_from(
            [
                "account_name",
                "region",
                "timezone",
                "stop",
                "to_account",
                "credits",
                "reference",
                "name",
                "scopes",
                "number",
                "x",
            ]
        ),
        strategies.one_of(
            strategies.text(max_size=3),
            strategies.floats(allow_nan=False, allow_infinity=False),
            strategies.booleans(),
            strategies.none(),
        ),
        max_size=4,
    )
)
def test_the_quick_check_and_the_slow_one_agree(name: str, value: dict[str, Any]) -> None:
    schema = schemas.resolved(schemas.components()[name])
    slow = schemas.faults_of(schemas.validator_of(schema), value)
    try:
        schemas.check_of(schema)(value)
    except Refused:
        assert slow
    else:
        assert not slow


LISTS: dict[str, strategies.SearchStrategy[list[Any]]] = {
    "to": strategies.lists(strategies.one_of(strategies.text(max_size=66), strategies.none()), min_size=1),
    "purpose": strategies.lists(strategies.sampled_from(["otp", "marketing", "other", "", 1]), min_size=1),
    "send_at": strategies.lists(strategies.sampled_from(["2026-09-21T14:13:20Z", "soon", "", 7]), min_size=1),
    "stop": strategies.lists(strategies.sampled_from([True, False, 0, "no"]), min_size=1),
    "validity_minutes": strategies.lists(strategies.sampled_from([1, 10_080, 0, 10_081, True, 5.0, "5"]), min_size=1),
}


@pytest.mark.parametrize("name", LISTS)
@given(data=strategies.data())
def test_a_column_fits_only_where_each_of_its_values_would_by_itself(name: str, data: strategies.DataObject) -> None:
    values = data.draw(LISTS[name])
    whole = schemas.resolved(schemas.components()["MessageDraft"])
    slow = schemas.validator_of({"type": "object", "properties": whole["properties"]})
    right = [not schemas.faults_of(slow, {name: value}) for value in values]
    fits = schemas.columns_of(whole)[name](values)
    assert fits == (all(right) and not any(isinstance(value, float) for value in values))


def test_a_word_that_columns_are_not_checked_for_is_a_bug() -> None:
    with pytest.raises(ValueError, match="pattern"):
        schemas.columns_of({"properties": {"a": {"type": "string", "pattern": "x"}}})


def test_the_documents_are_named_as_the_api_names_them() -> None:
    assert all(path.stem[0].isupper() for path in Path(schemas.__file__).with_name("schemas").glob("*.json"))
