"""JSON Schemas (2020-12): the documents beside this module by name, references put in place, and compiled checks.

A check is compiled once (fastjsonschema). Only what it refuses is read again by jsonschema, which finds every fault and says where.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import fastjsonschema
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from connectors.contract import Schema
from core import Fault, Refused
from hub import problems
from hub.api import show

MOST_FAULTS: Final = 100
_FOLDER: Final = Path(__file__).with_name("schemas")
_PREFIX: Final = "#/components/schemas/"
# Words of 2020-12 that the compiler, which speaks draft 7, does not know: it would pass over them in silence.
_UNCOMPILED: Final = frozenset(
    {"$dynamicRef", "$defs", "dependentRequired", "dependentSchemas", "maxContains", "minContains", "prefixItems"}
    | {"unevaluatedItems", "unevaluatedProperties"}
)
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

Check = Callable[[Any], None]
Fits = Callable[[Sequence[Any]], bool]


@cache
def components() -> Mapping[str, Schema]:
    """Every schema of the API by its name: schemas/Message.json is Message, and Problem is the one of `hub.problems`."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(_FOLDER.glob("*.json"))}
    return found | {"Problem": problems.SCHEMA}


def resolved(schema: Schema) -> dict[str, Any]:
    """The schema with what its references name put in their place; words beside a reference stay. Raises ValueError on a circle."""
    made = _resolved(schema, ())
    if not isinstance(made, dict):
        raise TypeError("a schema is an object")
    return made


def can_be_resolved(schema: Schema) -> bool:
    """Whether all that it refers to is there."""
    try:
        resolved(schema)
    except (KeyError, ValueError):
        return False
    return True


def check_of(schema: Schema) -> Check:
    """A compiled check: nothing when the value is right, else Refused (`invalid_request`) with every fault."""
    return _compiled(json.dumps(resolved(schema)))


@lru_cache(maxsize=1024)  # an operation may be asked in several ways, and each application of a process has them all
def _compiled(written: str) -> Check:
    whole = json.loads(written)
    slow = validator_of(whole)
    if _words(whole) & _UNCOMPILED:
        return lambda value: _explain(slow, value, None)
    quick = fastjsonschema.compile(
        whole | {"$schema": "http://json-schema.org/draft-07/schema#"}, formats=_FORMATS, use_default=False
    )

    def check(value: Any) -> None:
        try:
            quick(value)
        except fastjsonschema.JsonSchemaValueException as wrong:
            _explain(slow, value, wrong.message)

    return check


def columns_of(schema: Schema) -> Mapping[str, Fits]:
    """For each property of an object's schema: whether all values of a list fit it. No True for what the whole check would refuse.

    Raises ValueError for a word that is not known here, so that none is passed over.
    """
    return {name: _fits(each) for name, each in schema["properties"].items()}


def _fits(schema: Schema) -> Fits:
    """A list of one kind is measured at its ends, and looked at value by value only where values are few."""
    kind = {"string": str, "integer": int, "boolean": bool}[schema["type"]]
    words = {name: value for name, value in schema.items() if name not in _ANNOTATIONS}
    if unknown := words.keys() - _OF_COLUMNS.keys():
        raise ValueError(f"no columns can be checked for {', '.join(sorted(unknown))}")
    tests = [partial(_OF_COLUMNS[name], wanted) for name, wanted in words.items()]
    return lambda values: set(map(type, values)) == {kind} and all(test(values) for test in tests)


_ANNOTATIONS: Final = frozenset({"type", "description", "examples", "title", "default"})
_OF_COLUMNS: Final[Mapping[str, Callable[[Any, Sequence[Any]], bool]]] = {
    "minLength": lambda least, values: min(map(len, values)) >= least,
    "maxLength": lambda most, values: max(map(len, values)) <= most,
    "minimum": lambda least, values: min(values) >= least,
    "maximum": lambda most, values: max(values) <= most,
    "enum": lambda known, values: set(values) <= set(known),
    "format": lambda name, values: all(map(_FORMATS[name], set(values))),
}


def validator_of(schema: Schema) -> Draft202012Validator:
    """The slow check of a schema without references: it finds every fault."""
    return Draft202012Validator(schema, format_checker=_CHECKER)


def faults_of(validator: Draft202012Validator, value: Any) -> list[Fault]:
    """Everything wrong with a value, up to a hundred faults, each with a JSON pointer (RFC 6901)."""
    found: list[Fault] = []
    for error in validator.iter_errors(value):
        found.extend(_faults(error))
        if len(found) >= MOST_FAULTS:
            break
    return found[:MOST_FAULTS]


def pointer(*parts: object) -> str:
    """A JSON pointer to these keys and places."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def _explain(slow: Draft202012Validator, value: Any, otherwise: str | None) -> None:
    faults = faults_of(slow, value) or ([Fault("", otherwise)] if otherwise else [])
    if faults:
        raise refusal(faults)


def refusal(faults: Sequence[Fault]) -> Refused:
    """The refusal of a value that has these faults."""
    return Refused("invalid_request", _sentence(faults), tuple(faults))


def _sentence(faults: Sequence[Fault]) -> str:
    first = f"{faults[0].pointer} {faults[0].message}".strip()
    return f"{first}." if len(faults) == 1 else f"{first}; {len(faults) - 1} more in errors."


def _faults(error: ValidationError) -> Iterator[Fault]:
    """The faults of one error, in words that say what to do."""
    at = list(error.absolute_path)
    wanted: Any = error.validator_value
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {})  # type: ignore[union-attr]
        for name in error.instance.keys() - known.keys():
            yield Fault(pointer(*at, name), f"is not a field here; known: {', '.join(sorted(known)) or 'none'}")
    elif error.validator == "required" and isinstance(error.instance, dict):
        missing = (name for name in wanted if error.message.startswith(f"{name!r} "))  # one error a name
        yield from (Fault(pointer(*at, name), "is required") for name in missing)
    elif error.validator == "format":
        yield Fault(pointer(*at), _FORMAT_WORDS.get(str(wanted), f"must be a {wanted}"))
    else:
        yield Fault(pointer(*at), _plain(error))


def _plain(error: ValidationError) -> str:
    """The fault without the value that was sent: it may be a recipient's number or text."""
    wanted: Any = error.validator_value
    words: dict[str, Callable[[], str]] = {
        "type": lambda: f"must be {_kinds(wanted)}",
        "enum": lambda: f"must be one of {', '.join(map(str, wanted))}",
        "const": lambda: f"must be {wanted}",
        "minLength": lambda: "must not be empty" if wanted == 1 else f"must have at least {wanted} characters",
        "maxLength": lambda: f"must have at most {wanted} characters",
        "minimum": lambda: f"must be at least {wanted}",
        "maximum": lambda: f"must be at most {wanted}",
        "exclusiveMinimum": lambda: f"must be above {wanted}",
        "exclusiveMaximum": lambda: f"must be below {wanted}",
        "multipleOf": lambda: f"must be a multiple of {wanted}",
        "minItems": lambda: f"must have at least {wanted} item{'s' if wanted > 1 else ''}",
        "maxItems": lambda: f"must have at most {wanted} items",
        "uniqueItems": lambda: "must not have the same item twice",
        "minProperties": lambda: f"must have at least {wanted} field{'s' if wanted > 1 else ''}",
        "pattern": lambda: f"must look like {error.schema.get('examples', [wanted])[0]}",  # type: ignore[union-attr]
    }
    return words.get(str(error.validator), lambda: f"does not fit ({error.validator})")()


def _kinds(wanted: str | list[str]) -> str:
    kinds = [wanted] if isinstance(wanted, str) else wanted
    return " or ".join(
        {"array": "a list", "object": "an object", "integer": "a whole number", "null": "null"}.get(k, f"a {k}")
        for k in kinds
    )


def _resolved(part: Any, within: tuple[str, ...]) -> Any:
    if isinstance(part, list):
        return [_resolved(each, within) for each in part]
    if not isinstance(part, Mapping):
        return part
    rest = {key: _resolved(value, within) for key, value in part.items() if key != "$ref"}
    if not isinstance(reference := part.get("$ref"), str):
        return rest
    name = reference.removeprefix(_PREFIX)
    if name in within:
        raise ValueError(f"schemas refer to each other in a circle: {' -> '.join((*within, name))}")
    return _resolved(components()[name], (*within, name)) | rest


def _words(part: Any) -> set[str]:
    if isinstance(part, list):
        return set().union(*map(_words, part))
    if not isinstance(part, Mapping):
        return set()
    return set(part) | set().union(*map(_words, part.values()))


_CHECKER: Final = FormatChecker(formats=["email", "ipv4", "ipv6", "date"])
_CHECKER.checks("date-time")(show.is_time)
_CHECKER.checks("uri")(lambda value: not isinstance(value, str) or is_address(value))
_CHECKER.checks("uuid")(lambda value: not isinstance(value, str) or is_id(value))

_FORMAT_WORDS: Final = {
    "date-time": f"is not a time with its offset: {show.CURE}",
    "date": "must be a date, such as 2026-09-21",
    "email": "must be an e-mail address",
    "uri": "must be an address, such as https://example.com/hook",
    "uuid": "must be an id, such as 01997b2c-1a2b-7c3d-8e4f-123456789abc",
}


def is_address(text: str) -> bool:
    """Whether a text is an absolute address (RFC 3986) as far as its syntax goes; what may be called is the guard's business."""
    try:
        parts = urlsplit(text)
        return bool(parts.scheme and parts.hostname) and text.isprintable() and " " not in text
    except ValueError:
        return False


def is_id(text: str) -> bool:
    """Whether a text may be an id: what is none is not sent to the database, which would refuse to compare it."""
    return _UUID.fullmatch(text) is not None


def _conforms(name: str, value: Any) -> bool:
    return _CHECKER.conforms(value, name)


# The compiled check asks the same functions, so that both always agree.
_FORMATS: Final[Mapping[str, Callable[[Any], bool]]] = {name: partial(_conforms, name) for name in _FORMAT_WORDS}
