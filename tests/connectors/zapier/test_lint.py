"""Each publishing check finds what it is for, in the hub's own definition with one thing spoilt, and nothing without it."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from connectors.zapier import lint
from connectors.zapier.lint.wording import titled
from tests.support.zaps import defined

Json = dict[str, Any]
WHOLE = defined()


def field(definition: Json, place: str, key: str) -> Json:
    """An input field of a step (creates.send_sms)."""
    kind, name = place.split(".")
    fields = definition[kind][name]["operation"]["inputFields"]
    return next(one for one in fields if one["key"] == key)


def password_in_action(whole: Json) -> None:
    whole["creates"]["send_sms"]["operation"]["inputFields"].append({"key": "api_key", "label": "Key"})


def pasted_key(whole: Json) -> None:
    whole["authentication"]["fields"] = [{"key": "api_key", "label": "API Key", "helpText": "On the page of keys."}]


def no_label(whole: Json) -> None:
    del whole["authentication"]["connectionLabel"]


def same_label(whole: Json) -> None:
    whole["authentication"]["connectionLabel"] = "smshub"


def secret_label(whole: Json) -> None:
    whole["authentication"]["connectionLabel"] = "{{access_token}}"


def bare_id(whole: Json) -> None:
    del field(whole, "creates.add_contact_to_group", "group_id")["dynamic"]


def dropdown_of_nothing(whole: Json) -> None:
    field(whole, "creates.add_contact_to_group", "group_id")["dynamic"] = "list_of_groups.id.name"


def dropdown_without_field(whole: Json) -> None:
    field(whole, "creates.add_contact_to_group", "group_id")["dynamic"] = "list_group.id.title"


def no_list(whole: Json) -> None:
    del whole["triggers"]["new_reply"]["operation"]["performList"]


def plain_http(whole: Json) -> None:
    whole["authentication"]["test"]["url"] = "http://sms.example/"


def plain_http_in_source(whole: Json) -> None:
    whole["beforeRequest"][0]["source"] += "fetch('http://sms.example/')"


def bare_link(whole: Json) -> None:
    field(whole, "creates.send_sms", "text")["helpText"] = "See https://sms.example/docs"


def broken_link(whole: Json) -> None:
    whole["creates"]["send_sms"]["display"]["description"] = "See [the guide(https://sms.example/docs)"


def nothing_to_search_by(whole: Json) -> None:
    whole["searches"]["find_contact"]["operation"]["inputFields"] = []


def no_id(whole: Json) -> None:
    del whole["triggers"]["list_group"]["operation"]["sample"]["id"]


def repeated_label(whole: Json) -> None:
    field(whole, "creates.send_sms", "to")["helpText"] = "phone number."


def no_sample(whole: Json) -> None:
    del whole["creates"]["send_sms"]["operation"]["sample"]


def listed_sample(whole: Json) -> None:
    whole["creates"]["send_sms"]["operation"]["sample"] = [{"id": "1"}]


def search_for_nothing(whole: Json) -> None:
    field(whole, "creates.update_contact", "contact_id")["search"] = "find_person.id"


def search_without_dropdown(whole: Json) -> None:
    moved = field(whole, "creates.update_contact", "contact_id")
    moved["key"], moved["choices"] = "contact_id", {"1": "One"}
    del moved["dynamic"]


def create_of_nothing(whole: Json) -> None:
    whole["searchOrCreates"]["find_contact"]["create"] = "create_person"


def other_key(whole: Json) -> None:
    whole["searchOrCreates"]["find_contact"]["search"] = "find_message"


def handed_nowhere(whole: Json) -> None:
    whole["searchOrCreates"]["find_contact"]["updateInputFromSearchOutput"] = {"contact": "id"}


def handed_to_no_update(whole: Json) -> None:
    del whole["searchOrCreates"]["find_contact"]["update"]


def nothing_but_a_static_hook(whole: Json) -> None:
    static_hook(whole)
    for kind in ("searches", "creates", "searchOrCreates"):
        whole[kind] = {}
    whole["triggers"] = {"new_reply": whole["triggers"]["new_reply"]}


def static_hook(whole: Json) -> None:
    del whole["triggers"]["new_reply"]["operation"]["performUnsubscribe"]


def small_letters(whole: Json) -> None:
    whole["creates"]["send_sms"]["display"]["label"] = "Send text message"


def whenever(whole: Json) -> None:
    whole["triggers"]["new_reply"]["display"]["description"] = "Triggers whenever somebody answers."


def no_static_field(whole: Json) -> None:
    whole["creates"]["send_sms"]["operation"]["inputFields"] = [{"source": "return []", "args": ["z", "bundle"]}]


def time_without_zone(whole: Json) -> None:
    whole["creates"]["send_sms"]["operation"]["sample"]["note"] = "2026-09-21T12:13:20"


def spelt_date(whole: Json) -> None:
    whole["creates"]["send_sms"]["operation"]["sample"]["note"] = "01 Aug 2023 06:50:30"


def text_for_a_number(whole: Json) -> None:
    whole["creates"]["send_sms"]["operation"]["sample"]["segments"] = "1"


def text_in_a_list_of_texts(whole: Json) -> None:
    whole["creates"]["create_contact"]["operation"]["sample"]["groups"] = "one"


def required_and_lacking(whole: Json) -> None:
    lacking = {"key": "more", "label": "More", "type": "string", "required": True}
    whole["creates"]["send_sms"]["operation"]["outputFields"].append(lacking)


def dangerous(whole: Json) -> None:
    field(whole, "creates.send_sms", "text")["helpText"] = "Click [here](javascript:alert(1))."


def any_host(whole: Json) -> None:
    whole["authentication"]["fields"] = [{"key": "domain", "label": "Domain"}]
    whole["authentication"]["test"]["url"] = "https://{{bundle.authData.domain}}/me"


def other_name(whole: Json) -> None:
    whole["creates"]["send_sms"]["key"] = "send"


def same_key_twice(whole: Json) -> None:
    fields = whole["creates"]["send_sms"]["operation"]["inputFields"]
    fields.append(fields[0])


def both(whole: Json) -> None:
    field(whole, "creates.add_contact_to_group", "group_id")["choices"] = {"1": "One"}


def no_description(whole: Json) -> None:
    del whole["creates"]["send_sms"]["display"]["description"]


SPOILT: list[tuple[str, Callable[[Json], None]]] = [
    ("D001", password_in_action),
    ("D002", pasted_key),
    ("D003", no_label),
    ("D003", same_label),
    ("D003", secret_label),
    ("D004", bare_id),
    ("D005", dropdown_of_nothing),
    ("D005", dropdown_without_field),
    ("D006", no_list),
    ("D007", plain_http),
    ("D007", plain_http_in_source),
    ("D008", bare_link),
    ("D008", broken_link),
    ("D009", nothing_to_search_by),
    ("D010", no_id),
    ("D011", repeated_label),
    ("D012", no_sample),
    ("D012", listed_sample),
    ("D013", search_for_nothing),
    ("D014", search_without_dropdown),
    ("D015", create_of_nothing),
    ("D015", other_key),
    ("D015", handed_nowhere),
    ("D015", handed_to_no_update),
    ("D016", nothing_but_a_static_hook),
    ("D017", static_hook),
    ("D018", small_letters),
    ("D021", whenever),
    ("D022", no_static_field),
    ("D023", time_without_zone),
    ("D023", spelt_date),
    ("D024", text_for_a_number),
    ("D024", text_in_a_list_of_texts),
    ("D024", required_and_lacking),
    ("D025", dangerous),
    ("D026", any_host),
    ("keys", other_name),
    ("keys", same_key_twice),
    ("exclusive", both),
    ("labels", no_description),
]


def test_nothing_is_found_in_what_the_hub_exports() -> None:
    assert lint.faults(WHOLE) == []


def test_nothing_is_found_in_nothing() -> None:
    assert lint.faults({}) == []


def test_a_file_of_a_sample_may_be_anything() -> None:
    whole = deepcopy(WHOLE)
    whole["creates"]["send_sms"]["operation"]["outputFields"].append({"key": "id", "type": "file", "label": "File"})
    assert lint.faults(whole) == []


@pytest.mark.parametrize("code, spoil", SPOILT, ids=[f"{code} {spoil.__name__}" for code, spoil in SPOILT])
def test_each_check_finds_its_fault(code: str, spoil: Callable[[Json], None]) -> None:
    whole = deepcopy(WHOLE)
    spoil(whole)
    assert code in {fault.code for fault in lint.faults(whole)}


def test_every_check_has_a_definition_that_fails_it() -> None:
    assert {code for code, _ in SPOILT} == set(lint.RULES)


def test_a_host_that_is_formed_around_what_a_person_writes_is_let_through() -> None:
    whole = deepcopy(WHOLE)
    any_host(whole)
    whole["authentication"]["fields"][0]["inputFormat"] = "https://{{input}}.sms.example"
    whole["authentication"]["test"]["url"] = "{{bundle.authData.domain}}/me"
    assert lint.faults(whole) == []


@pytest.mark.parametrize(
    "label, shown",
    [
        ("send SMS", "Send SMS"),
        ("New opt-out", "New Opt-Out"),
        ("Find Or Create Contact", "Find or Create Contact"),
        ("remove number from blacklist", "Remove Number From Blacklist"),
        ("what to look For", "What to Look For"),
    ],
)
def test_title_case(label: str, shown: str) -> None:
    assert titled(label) == shown
