"""Rules on static samples: what later steps are built on before anything real has happened."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from connectors.zapier.lint.parts import Json, Placed, found, outputs, steps, texts

_DAY: Final = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_ISO: Final = re.compile(rf"{_DAY}(?:[Tt]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d))?")
# What people and programs write for dates; an ISO time without its zone is one of these.
_DATE_LIKE: Final = re.compile(
    r"\d{4}-\d\d?-\d\d?(?:[T ]\d\d?:\d\d.*)?|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}.*"
    r"|(?:\w{3,9},? )?\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{4}.*",
    re.ASCII,
)


def primary_key(definition: Json) -> Iterator[Placed]:
    """D010: by what doubles are known. Zapier asks it of polling triggers; here hooks and searches have it too."""
    for step in steps(definition, "triggers", "searches"):
        sample = step.operation.get("sample")
        keys = [field.value["key"] for field in outputs(step) if field.value.get("primary")] or ["id"]
        if isinstance(sample, Mapping) and not all(found(sample, key)[0] for key in keys):
            yield Placed(f"{step.at}.sample", f"lacks {', '.join(keys)}")


def there(definition: Json) -> Iterator[Placed]:
    """D012: one object with something in it."""
    for step in steps(definition):
        sample = step.operation.get("sample")
        if not step.hidden and not (isinstance(sample, Mapping) and sample):
            yield Placed(f"{step.at}.sample", "must be an object as it really comes")


def dates(definition: Json) -> Iterator[Placed]:
    """D023: ISO 8601, times with their zone."""
    for step in steps(definition):
        for at, text in texts(step.operation.get("sample", {}), f"{step.at}.sample"):
            if _DATE_LIKE.fullmatch(text) and not _ISO.fullmatch(text):
                yield Placed(at, "is a date or time, and not ISO 8601 with its zone")


def types(definition: Json) -> Iterator[Placed]:
    """D024: fields that must be there are, and values are of their types. Null is of every type: nothing is known."""
    for step in steps(definition):
        sample = step.operation.get("sample", {})
        for at, field in outputs(step):
            is_there, value = found(sample, field["key"])
            if field.get("required") and not is_there:
                yield Placed(at, "is required, and the sample lacks it")
            elif is_there and value is not None and not _fits(field, value):
                yield Placed(at, f"is a {field.get('type', 'string')}, and the sample's value is none")


def _fits(field: Mapping[str, Any], value: Any) -> bool:
    if field.get("list"):
        return isinstance(value, list) and all(_fits({**field, "list": False}, each) for each in value)
    kind = field.get("type", "string")
    return kind not in _KINDS or _KINDS[kind](value)  # a file may be anything


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_KINDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": _number,
    "boolean": lambda value: isinstance(value, bool),
    "datetime": lambda value: isinstance(value, str) and _ISO.fullmatch(value) is not None,
}
