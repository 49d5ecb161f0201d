"""A form out of a JSON Schema, and JSON out of what was typed into it. Pure.

A field is called by the JSON pointer to where its value stands, so that what is wrong is told at its field. Texts, whole and decimal
numbers, true or false, choices, lists of texts or numbers (one a line), times, and objects within objects have fields of their own;
anything else is typed as JSON. What is writeOnly is never shown: an empty field leaves what is set.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Literal

from connectors.contract import Schema
from core import Fault, Refused
from hub.api.schemas import pointer
from hub.api.show import read_time

Kind = Literal["text", "secret", "whole", "decimal", "switch", "choice", "lines", "moment", "json", "group"]
REMOVE: Final = "remove-"  # before the name of a field: the box that takes away what is set
ON: Final = "on"
_WHOLE: Final = re.compile(r"-?[0-9]{1,15}")
_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?")
_OF_TYPES: Final[Mapping[str, Kind]] = {
    "string": "text",
    "integer": "whole",
    "number": "decimal",
    "boolean": "switch",
    "array": "lines",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into the form of a schema: texts by the names of fields, which begin with `prefix`. zone: of its times."""

    prefix: str
    texts: Mapping[str, str]
    zone: tzinfo = UTC

    def of(self, at: str) -> str:
        """The text of the field at a pointer."""
        return self.texts.get(name_of(self.prefix, at), "")

    def removes(self, at: str) -> bool:
        """Whether what stands there is to be taken away."""
        return REMOVE + name_of(self.prefix, at) in self.texts


@dataclass(frozen=True, slots=True)
class Known:
    """What is set: values that may be shown, and the pointers of secrets."""

    values: Mapping[str, Any]
    secrets: Collection[str] = ()

    def holds_secrets(self, at: str) -> bool:
        """Whether a secret is set there, or below."""
        return any(one == at or one.startswith(f"{at}/") for one in self.secrets)


@dataclass(frozen=True, slots=True)
class Field:
    """A field as a page shows it: `name` in the form and on the page, what it is called, and what stands in it.

    is_set: of secrets and groups, whether there is something; can_go: it may be taken away, and goes: it is to be. again: a secret was
    typed, and is to be typed again. depth: of groups within groups.
    """

    name: str
    kind: Kind
    title: str
    hint: str
    example: str
    required: bool
    value: str = ""
    options: Sequence[tuple[str, str]] = ()
    is_set: bool = False
    can_go: bool = False
    goes: bool = False
    again: bool = False
    fields: Sequence["Field"] = ()
    depth: int = 0
    fault: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether a group's fields are to be seen at once."""
        return self.is_set or self.required or self.depth == 0 or any(one.fault for one in _within(self.fields))


def name_of(prefix: str, at: str) -> str:
    """What the field at a pointer is called: settings-mailbox-host. Two pointers never have one name."""
    escaped = re.sub(r"[^A-Za-z0-9_/]", lambda found: f".{ord(found[0]):x}.", at)
    return prefix + escaped.replace("/", "-")


def kind_of(schema: Schema) -> Kind:
    """What kind of field a value of this schema is typed into."""
    if schema.get("writeOnly"):
        return "secret"
    if "enum" in schema:
        return "choice"
    kind = _type(schema)
    if kind == "object" and schema.get("properties"):
        return "group"
    if kind == "array" and (_type(schema.get("items", {})) not in ("string", "integer") or "enum" in schema["items"]):
        return "json"
    if kind == "string" and schema.get("format") == "date-time":
        return "moment"
    return _OF_TYPES.get(kind, "json")


# From a schema to fields


def fields(schema: Schema, known: Known, typed: Typed, faults: Mapping[str, str], *, fresh: bool) -> list[Field]:
    """The fields of an object's schema. fresh: nothing was typed yet, so they hold what is set. faults: sentences by pointers."""
    return list(_fields(schema, known, typed, _Drawing(faults, fresh)))


@dataclass(frozen=True, slots=True)
class _Drawing:
    faults: Mapping[str, str]
    fresh: bool


def _fields(
    schema: Schema, known: Known, typed: Typed, drawing: _Drawing, at: str = "", depth: int = 0
) -> Iterator[Field]:
    for name, inner in schema.get("properties", {}).items():
        here = at + pointer(name)
        kind, required = kind_of(inner), name in schema.get("required", ())
        told: dict[str, Any] = {
            "name": name_of(typed.prefix, here),
            "kind": kind,
            "title": inner.get("title") or name,
            "hint": inner.get("description", ""),
            "example": _example(inner, kind),
            "required": required,
            "fault": drawing.faults.get(here),
            "goes": typed.removes(here),
        }
        if kind == "group":
            is_set = name in known.values or known.holds_secrets(here)
            lower = Known(_mapping(known.values.get(name)), known.secrets)
            below = tuple(_fields(inner, lower, typed, drawing, here, depth + 1))
            yield Field(**told, is_set=is_set, can_go=is_set and not required, fields=below, depth=depth)
        elif kind == "secret":
            is_set = known.holds_secrets(here)
            again = not drawing.fresh and bool(typed.of(here))
            yield Field(**told, is_set=is_set, can_go=is_set and not required, again=again)
        else:
            value = _text(inner, known.values.get(name), typed.zone) if drawing.fresh else typed.of(here)
            yield Field(**told, value=value, options=_options(inner) if kind == "choice" else ())


def _text(schema: Schema, value: Any, zone: tzinfo) -> str:
    """A value as it stands in its field."""
    kind = kind_of(schema)
    if kind == "switch":
        return ON if (schema.get("default", False) if value is None else value) else ""
    if value is None:
        return ""
    if kind == "choice":
        return next((place for place, word in _options(schema) if word == _word(value)), "")
    if kind == "lines" and isinstance(value, list):
        return "\n".join(map(str, value))
    if kind == "moment":
        return _local(value, zone)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _local(value: Any, zone: tzinfo) -> str:
    """A time as a browser's field for times has it (HTML section 2.3.5.5)."""
    try:
        return datetime.fromtimestamp(read_time(value) / 1000, zone).strftime("%Y-%m-%dT%H:%M")
    except (Refused, TypeError):
        return str(value)


def _example(schema: Schema, kind: Kind) -> str:
    """What one would type, of texts: of numbers and choices the field says enough."""
    found = next(iter(schema.get("examples", ())), None)
    if kind == "text" and isinstance(found, str):
        return found
    return ", ".join(map(str, found)) if kind == "lines" and isinstance(found, list) else ""


def _options(schema: Schema) -> list[tuple[str, str]]:
    return [(str(place), _word(value)) for place, value in enumerate(schema["enum"])]


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


# From what was typed to JSON


def values(schema: Schema, typed: Typed) -> dict[str, Any]:
    """What was typed, whole: for what is made anew."""
    return changes(schema, Known({}), typed)


def changes(schema: Schema, known: Known, typed: Typed, at: str = "") -> dict[str, Any]:
    """What was typed, as a merge patch (RFC 7396) of what is set. What does not fit its type stays as it was typed: the check says so."""
    properties = schema.get("properties", {})
    closed = schema.get("additionalProperties") is False
    found: dict[str, Any] = {name: None for name in known.values if closed and name not in properties}
    for name, inner in properties.items():
        here = at + pointer(name)
        kind = kind_of(inner)
        if kind == "secret":
            found |= _secret(name, inner, typed, here)
        elif kind == "group":
            found |= _group(name, inner, known, typed, here, required=name in schema.get("required", ()))
        else:
            found |= _leaf(name, inner, known.values.get(name), typed, here)
    return found


def _secret(name: str, schema: Schema, typed: Typed, here: str) -> dict[str, Any]:
    if text := typed.of(here):
        return {name: text if _type(schema) == "string" else _of_type(schema, text)}
    return {name: None} if typed.removes(here) else {}


def _group(name: str, schema: Schema, known: Known, typed: Typed, here: str, *, required: bool) -> dict[str, Any]:
    """One of which nothing is left, and no secret is kept, goes as a whole."""
    is_set = name in known.values or known.holds_secrets(here)
    if is_set and typed.removes(here):
        return {name: None}
    if not required and not _is_filled(schema, typed, here) and not known.holds_secrets(here):
        return {name: None} if is_set else {}
    inner = changes(schema, Known(_mapping(known.values.get(name)), known.secrets), typed, here)
    return {name: inner} if inner or not is_set else {}


def _leaf(name: str, schema: Schema, before: Any, typed: Typed, here: str) -> dict[str, Any]:
    """Nothing, where the field still holds what is set."""
    text = typed.of(here).replace("\r\n", "\n").strip()
    if text == _text(schema, before, typed.zone).strip():
        return {}
    off = kind_of(schema) == "switch" and not text
    return {name: False if off else _value(schema, text, typed.zone)}


def _value(schema: Schema, text: str, zone: tzinfo) -> Any:
    """The value of a text; None where nothing was typed."""
    kind = kind_of(schema)
    if not text:
        return None
    if kind == "switch":
        return True
    if kind == "choice":
        known = dict(enumerate(schema["enum"]))
        return known.get(int(text), text) if text.isdecimal() and text.isascii() else text
    if kind == "lines":
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return [_of_type(schema.get("items", {}), line) for line in lines] or None
    if kind == "moment":
        return _moment(text, zone)
    return _of_type(schema, text)


def _moment(text: str, zone: tzinfo) -> str:
    """A local time of the account with its offset."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return text
    return local.replace(tzinfo=local.tzinfo or zone).isoformat()


def _of_type(schema: Schema, text: str) -> Any:
    kind = _type(schema)
    if kind == "string":
        return text
    if kind == "integer":
        return int(text) if _WHOLE.fullmatch(text) else text
    if kind == "number":
        return json.loads(text) if _DECIMAL.fullmatch(text) else text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _is_filled(schema: Schema, typed: Typed, at: str) -> bool:
    """Whether anything was typed into a group."""
    inner = schema.get("properties", {}).items()
    return any(
        _is_filled(each, typed, at + pointer(name))
        if kind_of(each) == "group"
        else typed.of(at + pointer(name)).strip()
        for name, each in inner
    )


# What is wrong, at its field


def sentences(schema: Schema, faults: Sequence[Fault]) -> dict[str, str]:
    """Faults as sentences by the pointers of their fields; "" is the form as a whole. The first of a field is told."""
    found: dict[str, str] = {}
    for fault in faults:
        at, title, place = _nearest(schema, fault.pointer)
        found.setdefault(at, _sentence(title, place, fault.message))
    return found


def _nearest(schema: Schema, wanted: str) -> tuple[str, str, int | None]:
    """The field in which a pointer ends: its pointer, its title, and which line of it is meant. "" where it ends in none."""
    at, title, rest = "", "", wanted.split("/")[1:]
    while rest:
        inner = schema.get("properties", {}).get(rest[0].replace("~1", "/").replace("~0", "~"))
        if inner is None:
            return (at, title, None) if at else ("", "/".join(rest), None)
        at, title, schema, rest = f"{at}/{rest[0]}", inner.get("title") or rest[0], inner, rest[1:]
        if kind_of(schema) != "group":
            break
    line = int(rest[0]) + 1 if rest and rest[0].isdecimal() and kind_of(schema) == "lines" else None
    return at, title, line


def _sentence(title: str, line: int | None, message: str) -> str:
    """The words of the schema's checks go on behind the title; whoever refuses in a sentence is let speak."""
    if not message[:1].islower():
        return message
    return f"{title}{f' (line {line})' if line else ''} {message.removesuffix('.')}.".strip()


def told(fields_: Sequence[Field]) -> list[tuple[str, str]]:
    """The names of fields at fault, and what is wrong with each, in the order of the page."""
    return [(one.name, one.fault) for one in _within(fields_) if one.fault]


def _within(fields_: Sequence[Field]) -> Iterator[Field]:
    for one in fields_:
        yield one
        yield from _within(one.fields)


def _type(schema: Schema) -> str:
    """The one type of a schema, null aside; "" where there are several."""
    kind = schema.get("type", "")
    kinds = [kind] if isinstance(kind, str) else [one for one in kind if one != "null"]
    return kinds[0] if len(kinds) == 1 else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
