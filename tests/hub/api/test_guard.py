from typing import Any

import pytest

from connectors.contract import Operation, Reply
from core import Refused
from hub.api.guard import Guard, path_values, prepare


def guard(**changes: Any) -> Guard:
    plain = {
        "name": "x",
        "method": "POST",
        "path": "/x",
        "scope": None,
        "summary": "x",
        "tag": "x",
        "transaction": "own",
    }
    return prepare(Operation(handler=lambda _: Reply({}), **(plain | changes)))


MESSAGES = {
    "type": "object",
    "required": ["messages"],
    "additionalProperties": False,
    "properties": {
        "sender": {"type": "string", "minLength": 1},
        "messages": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["text"],
                "properties": {"text": {"type": "string"}, "reference": {"type": "string"}},
            },
        },
    },
}


def code(action: Any, *given: Any) -> str:
    with pytest.raises(Refused) as refused:
        action(*given)
    return refused.value.code


def test_an_empty_text_in_an_optional_field_is_absent_at_any_depth_and_in_a_required_one_it_stays() -> None:
    sent = b'{"sender": "", "messages": [{"text": "", "reference": ""}, {"text": "a", "reference": "r"}]}'
    assert guard(body=MESSAGES).json(sent) == {"messages": [{"text": ""}, {"text": "a", "reference": "r"}]}


def test_a_number_without_a_fraction_is_whole_however_it_is_written() -> None:
    whole = guard(body={"type": "object", "properties": {"n": {"type": "integer"}}})
    assert [repr(whole.json(b'{"n": %s}' % text)["n"]) for text in (b"60", b"60.0", b"6e1")] == ["60", "60", "60"]


def test_an_escape_of_a_backslash_is_not_a_nul() -> None:
    assert guard(body={"type": "object"}).json(rb'{"x": "\\u0000 \ud83d\ude00"}') == {"x": "\\u0000 \N{GRINNING FACE}"}


@pytest.mark.parametrize("raw", [b"", b"  \n"])
def test_a_body_that_is_needed_may_not_be_empty(raw: bytes) -> None:
    assert code(guard(body=MESSAGES).json, raw) == "empty_body"


def test_a_post_whose_fields_are_all_optional_needs_no_body() -> None:
    assert guard(body={"type": "object", "properties": {}}).json(b"") == {}
    assert code(guard(method="PATCH", body={"type": "object", "properties": {}}).json, b"") == "empty_body"


def test_a_post_that_takes_no_body_takes_an_empty_object() -> None:
    assert guard().json(b"") == {}
    assert guard().json(b"{}") == {}
    assert code(guard().json, b'{"x": 1}') == "invalid_request"


@pytest.mark.parametrize("raw", [b"[1,]", b"{", b"\xef\xbb\xbf{}", b"'x'", b"{} {}", b'{"a": "\x01"}', b"\xff"])
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    assert code(guard(body={"type": "object"}).json, raw) == "invalid_json"


QUERY = {
    "size": {"type": "integer"},
    "on": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "q": {"type": "string"},
}


def test_the_query_is_read_as_its_types() -> None:
    found = guard(method="GET", query=QUERY).query("size=40&on=true&tags=a,b&q=%C3%A9%2B")
    assert found == {"size": 40, "on": True, "tags": ["a", "b"], "q": "é+"}


def test_an_empty_parameter_is_absent() -> None:
    assert guard(method="GET", query=QUERY).query("size=&q=") == {}


@pytest.mark.parametrize(
    "raw", ["size=x", "size=1e3", "on=maybe", "colour=red", "colour=", "size=1&size=2", "size=" + "9" * 99]
)
def test_a_wrong_parameter_is_pointed_at(raw: str) -> None:
    with pytest.raises(Refused) as refused:
        guard(method="GET", query=QUERY).query(raw)
    assert refused.value.code == "invalid_request"
    assert refused.value.faults[0].pointer == f"/{raw.partition('=')[0]}"


@pytest.mark.parametrize("raw", ["q=%FF", "q=%00", "&".join(f"q{n}=1" for n in range(60))])
def test_a_query_that_can_not_be_read_is_refused(raw: str) -> None:
    assert code(guard(method="GET", query=QUERY).query, raw) == "invalid_request_line"


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "x"])
def test_a_page_has_1_to_200_items(limit: str) -> None:
    paged = guard(method="GET", paged=True)
    assert paged.query("limit=200") == {"limit": 200}
    assert code(paged.query, f"limit={limit}") == "invalid_request"


def test_a_form_is_read_as_its_types_without_its_file() -> None:
    form = {
        "type": "object",
        "required": ["file", "kind"],
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "kind": {"type": "string", "enum": ["contacts"]},
            "dry_run": {"type": "boolean"},
            "mapping": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "additionalProperties": False,
    }
    upload = guard(form=form)
    assert upload.file_field == "file"
    fields = [("kind", "contacts"), ("dry_run", "true"), ("mapping", '{"A": "number"}')]
    assert upload.form(fields) == {"kind": "contacts", "dry_run": True, "mapping": {"A": "number"}}
    assert code(upload.form, [("dry_run", "true")]) == "invalid_request"
    assert code(upload.form, [("kind", "contacts"), ("kind", "contacts")]) == "invalid_request"


@pytest.mark.parametrize(
    "text", ["x", "01997B2C-1A2B-7C3D-8E4F-123456789ABC", "", "01997b2c-1a2b-7c3d-8e4f-123456789abc\n", "\0"]
)
def test_what_can_not_be_an_id_is_not_found(text: str) -> None:
    assert code(path_values, {"id": text}) == "not_found"
    assert code(path_values, {"contact_id": text}) == "not_found"


def test_other_parts_of_a_path_are_free_but_for_nul() -> None:
    assert path_values({"number": "+33 6"}) == {"number": "+33 6"}
    assert code(path_values, {"number": "\0"}) == "not_found"
