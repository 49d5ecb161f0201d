"""JSON Schema as Zapier's fields: what the editor asks of a person (input), and what later steps may map (output). Pure.

The schemas are those of the hub's operations and events. What is added here is words: labels in Title Case (checks D011, D018), and
the dropdowns that stand in for ids (D004). A field's shape: zapier-platform-schema 19.1, PlainInputFieldSchema, PlainOutputFieldSchema.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.contract import Schema

Field = dict[str, Any]
LONG: Final = 255  # characters: longer texts are written in a larger box

# Where a key alone would not do. The hub's names of a person's fields are French, as in its merge fields.
_LABELS: Final[Mapping[str, str]] = {
    "nom": "Last Name",
    "prenom": "First Name",
    "societe": "Company",
    "email": "Email",
    "number": "Phone Number",
    "e164": "Phone Number",
    "at": "Opted Out At",
}
_WORDS: Final[Mapping[str, str]] = {"id": "ID", "sms": "SMS", "url": "URL", "api": "API"}


@dataclass(frozen=True, slots=True)
class Word:
    """How one property of a schema is asked for. What is not said here is as the schema has it.

    dropdown: the trigger whose items are offered. search: the search that finds one. choices: labels of some values of an enum.
    """

    key: str
    label: str
    help: str | None = None
    required: bool | None = None
    dropdown: str | None = None
    search: str | None = None
    choices: Mapping[str, str] | None = None


def inputs(schema: Schema, words: Sequence[Word]) -> list[Field]:
    """The input fields for these properties of an object's schema, in the order of the words."""
    needed = schema.get("required", ())
    return [_input(word, schema["properties"][word.key], required=word.key in needed) for word in words]


def outputs(schema: Schema, within: str = "") -> list[Field]:
    """The output fields of an object's schema; those of an object in it are joined to its name by two underscores."""
    return [field for name, each in schema.get("properties", {}).items() for field in _output(f"{within}{name}", each)]


def label_of(key: str) -> str:
    """campaign_id is Campaign ID."""
    if key in _LABELS:
        return _LABELS[key]
    return " ".join(_WORDS.get(word, word.capitalize()) for word in key.split("_") if word)


def kind_of(schema: Schema) -> str:
    """The type of a property, null apart."""
    kind = schema.get("type", "string")
    return str(kind if isinstance(kind, str) else next(each for each in kind if each != "null"))


def _input(word: Word, schema: Schema, *, required: bool) -> Field:
    listed = kind_of(schema) == "array"
    one = schema["items"] if listed else schema
    search = f"{word.search}.id" if word.search else None
    field = {
        "key": word.key,
        "label": word.label,
        "type": _input_type(one),
        "required": required if word.required is None else word.required,
        "list": True if listed else None,
        "choices": _choices(one, word),
        "dynamic": f"{word.dropdown}.id.name" if word.dropdown else None,
        "search": search,
        "helpText": word.help or _sentence(schema.get("description", "")),
    }
    return {name: value for name, value in field.items() if value not in (None, "")}


def _input_type(schema: Schema) -> str:
    kind = kind_of(schema)
    if kind != "string":
        return kind
    if schema.get("format") == "date-time":
        return "datetime"
    return "text" if schema.get("maxLength", 0) > LONG else "string"


def _choices(schema: Schema, word: Word) -> Mapping[str, str] | None:
    if word.choices is not None:
        return dict(word.choices)
    return {value: label_of(value) for value in schema["enum"]} if "enum" in schema else None


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def _output(key: str, schema: Schema) -> Iterator[Field]:
    """Lists of objects are left out: no later step could map them field by field."""
    kind = kind_of(schema)
    if kind == "object":
        yield from outputs(schema, f"{key}__")
    elif kind != "array":
        yield {"key": key, "label": label_of(key), "type": _output_type(schema)}
    elif kind_of(schema["items"]) != "object":
        yield {"key": key, "label": label_of(key), "type": _output_type(schema["items"]), "list": True}


def _output_type(schema: Schema) -> str:
    return "datetime" if schema.get("format") == "date-time" else kind_of(schema)
