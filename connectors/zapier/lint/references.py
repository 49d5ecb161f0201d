"""Rules on fields and on what refers to something else."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from connectors.zapier.lint.parts import KINDS, Json, Placed, found, input_fields, inputs, steps

_CREDENTIAL: Final = re.compile(
    r"\b(?:api[ _-]?key|(?:access|auth|refresh)[ _-]?token|(?:client[ _-]?)?secret|password|credentials?)\b",
    re.IGNORECASE,
)
_ID: Final = re.compile(r"(?:^|_)ids?$|(?<=[a-z])Ids?$")
# zapier-platform-schema, lib/constants.js: INCOMPATIBLE_FIELD_SCHEMA_KEYS
_EITHER: Final = (
    *(("children", other) for other in ("list", "dict", "type", "placeholder", "helpText", "default")),
    *(("dict", other) for other in ("list", "dynamic", "choices")),
    ("dynamic", "choices"),
)


def credentials(definition: Json) -> Iterator[Placed]:
    """D001: what proves who somebody is belongs to the connection."""
    for at, field in input_fields(definition):
        named = f"{field['key'].replace('_', ' ')} {field.get('label', '')}"
        if field.get("type") == "password" or _CREDENTIAL.search(named):
            yield Placed(at, "asks for a credential: ask for it when the account is connected")


def bare_ids(definition: Json) -> Iterator[Placed]:
    """D004: nobody knows an id by heart."""
    for at, field in input_fields(definition):
        if _ID.search(field["key"]) and not field.get("dynamic") and not field.get("choices"):
            yield Placed(at, "is an id without a dropdown: give it `dynamic`")


def dropdowns(definition: Json) -> Iterator[Placed]:
    """D005: the trigger of a dropdown exists, and has the fields that it names."""
    triggers = definition.get("triggers", {})
    for at, field in input_fields(definition):
        if not field.get("dynamic"):
            continue
        name, *fields = field["dynamic"].split(".")
        if name not in triggers:
            yield Placed(f"{at}.dynamic", f"names the trigger {name}, which is not there")
        else:
            sample = triggers[name].get("operation", {}).get("sample", {})
            lacking = [each for each in fields if not found(sample, each)[0]]
            yield from (Placed(f"{at}.dynamic", f"names the field {each}, which {name} lacks") for each in lacking)


def searches(definition: Json) -> Iterator[Placed]:
    """D013: the search of a field exists."""
    for at, field in input_fields(definition):
        name = field.get("search", "").split(".")[0]
        if name and name not in definition.get("searches", {}):
            yield Placed(f"{at}.search", f"names the search {name}, which is not there")


def search_without_dropdown(definition: Json) -> Iterator[Placed]:
    """D014: the editor shows the search only beside a dropdown."""
    for at, field in input_fields(definition):
        if field.get("search") and not field.get("dynamic"):
            yield Placed(at, "has a search and no dropdown: give it `dynamic` too")


def search_or_create(definition: Json) -> Iterator[Placed]:
    """D015, and what the schema package checks by code: its key is the search's, and all that it names exists."""
    for key, both in definition.get("searchOrCreates", {}).items():
        at = f"searchOrCreates.{key}"
        if not both.get("key") == key == both.get("search"):
            yield Placed(f"{at}.key", "must be the key of its search")
        for name, kind in (("search", "searches"), ("create", "creates"), ("update", "creates")):
            if name in both and both[name] not in definition.get(kind, {}):
                yield Placed(f"{at}.{name}", f"names {both[name]}, which is not among the {kind}")
        yield from _handed_on(definition, at, both)


def _handed_on(definition: Json, at: str, both: Json) -> Iterator[Placed]:
    handed = both.get("updateInputFromSearchOutput", {})
    if handed and "update" not in both:
        yield Placed(f"{at}.updateInputFromSearchOutput", "needs an `update`")
        return
    into = {step.key: {placed.value["key"] for placed in inputs(step)} for step in steps(definition, "creates")}
    sample = definition.get("searches", {}).get(both.get("search", ""), {}).get("operation", {}).get("sample", {})
    for to, out in handed.items():
        if to not in into.get(both["update"], ()) or not found(sample, out)[0]:
            yield Placed(
                f"{at}.updateInputFromSearchOutput.{to}", "must lead from a field that is found to one of the update"
            )


def no_search_field(definition: Json) -> Iterator[Placed]:
    """D009."""
    for step in steps(definition, "searches"):
        if not list(inputs(step)):
            yield Placed(f"{step.at}.inputFields", "is empty: there is nothing to search by")


def no_static_field(definition: Json) -> Iterator[Placed]:
    """D022: a template needs a field that everybody has."""
    for step in steps(definition, "creates"):
        if not step.hidden and not list(inputs(step)):
            yield Placed(f"{step.at}.inputFields", "has no field that does not come from a function")


def polling_url(definition: Json) -> Iterator[Placed]:
    """D006: a hook has a list to test with."""
    for step in steps(definition, "triggers"):
        if step.hook and "performList" not in step.operation:
            yield Placed(f"{step.at}.operation", "has no performList")


def only_static_hooks(definition: Json) -> Iterator[Placed]:
    """D016: an integration is more than one hook that people set up by hand."""
    every = [step for step in steps(definition) if not step.hidden]
    if every and all(_static(step.operation) for step in every):
        yield Placed("triggers", "are all that there is, and static hooks: add searches, actions, or a subscription")


def static_hooks(definition: Json) -> Iterator[Placed]:
    """D017."""
    for step in steps(definition, "triggers"):
        if _static(step.operation):
            yield Placed(
                f"{step.at}.operation", "lacks performSubscribe or performUnsubscribe: people would set it up by hand"
            )


def own_keys(definition: Json) -> Iterator[Placed]:
    """Schema package, matchingKeys and uniqueInputFieldKeys: a step is filed under its key, a field's key is its own."""
    for kind in KINDS:
        for step in steps(definition, kind):
            if step.whole.get("key") != step.key:
                yield Placed(f"{step.at}.key", "is not the name under which it stands")
            keys = [placed.value["key"] for placed in inputs(step)]
            for key in {key for key in keys if keys.count(key) > 1}:
                yield Placed(f"{step.at}.inputFields.{key}", "stands there twice")


def either_or(definition: Json) -> Iterator[Placed]:
    """Schema package, mutuallyExclusiveFields."""
    for at, field in input_fields(definition):
        for one, other in _EITHER:
            if field.get(one) and field.get(other):
                yield Placed(at, f"has {one} and {other}: only one of them may be")


def shown_label(definition: Json) -> Iterator[Placed]:
    """Schema package, labelWhenVisible."""
    for step in steps(definition, *KINDS, "searchOrCreates"):
        for name in ("label", "description"):
            if not step.hidden and not step.whole.get("display", {}).get(name):
                yield Placed(f"{step.at}.display.{name}", "is missing, and people would see it")


def _static(operation: Mapping[str, object]) -> bool:
    return operation.get("type") == "hook" and not {"performSubscribe", "performUnsubscribe"} <= operation.keys()
