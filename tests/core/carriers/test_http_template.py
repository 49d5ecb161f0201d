"""Placeholders: what is filled in stays a value of its place."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.carriers import http_rules, http_settings
from core.carriers import http_template as template
from tests.core.carriers.contract_cases import attempt

FREE = st.text(st.characters(exclude_categories=["Cs"]))
ENTRY: dict[str, Any] = {
    "name": "acme",
    "kind": "http",
    "url": "https://acme.example/sms?text={text}&from={sender}&end=1",
}


def filled(template_text: str, /, **values: template.Scalar) -> str:
    return template.fill(template.parse(template_text), values)


def test_doubled_braces_are_braces() -> None:
    assert filled("{{text}} {text} {{{text}}}", text="x") == "{text} x {x}"


def test_what_is_filled_in_is_not_read_again() -> None:
    assert filled("{text}", text="{sender} {text.__class__} {0}") == "{sender} {text.__class__} {0}"


@pytest.mark.parametrize(
    "text", ["{text.__class__}", "{text!r}", "{0}", "{}", "{text:>9}", "{ text }", "{Text}", "{text[0]}"]
)
def test_only_the_names_of_the_list_are_placeholders(text: str) -> None:
    (fault,) = template.faults(text, template.ALL)
    assert "unknown placeholder" in fault


@pytest.mark.parametrize("text", ["{", "}", "a { b", "{text}}", "{{text}"])
def test_a_brace_on_its_own_is_a_fault(text: str) -> None:
    assert any("single" in fault for fault in template.faults(text, template.ALL))


def test_a_placeholder_in_the_wrong_place_is_a_fault_that_tells_the_right_ones() -> None:
    (fault,) = template.faults("{text}", frozenset({"reference"}))
    assert fault == "may not have {text} here, only {reference}"


@given(text=FREE, sender=FREE)
def test_no_text_gets_out_of_its_place(text: str, sender: str) -> None:
    body = {"text": "{text}", "from": "<{sender}>", "fixed": 1}
    json_request = http_rules.request(http_settings.read(ENTRY | {"body": body}), attempt(text=text, sender=sender))
    form_request = http_rules.request(
        http_settings.read(ENTRY | {"body": body, "body_type": "form"}), attempt(text=text, sender=sender)
    )
    assert json.loads(json_request.body or b"") == {"text": text, "from": f"<{sender}>", "fixed": 1}
    form = parse_qs((form_request.body or b"").decode(), keep_blank_values=True)
    assert form == {"text": [text], "from": [f"<{sender}>"], "fixed": ["1"]}
    address = urlsplit(json_request.url)
    assert (address.netloc, address.path, address.fragment) == ("acme.example", "/sms", "")
    assert parse_qs(address.query, keep_blank_values=True) == {"text": [text], "from": [sender], "end": ["1"]}


@given(text=st.text("{}abc", max_size=12))
def test_a_text_without_faults_says_itself_with_its_braces_halved(text: str) -> None:
    if not list(template.faults(text, template.ALL)):
        assert template.fill(template.parse(text), {}) == text.replace("{{", "{").replace("}}", "}")
