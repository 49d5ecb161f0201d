"""What comes in, before a handler sees it: path, query, JSON and form, read strictly and checked by their schemas.

Everything that can be prepared is prepared once for each operation.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from connectors.contract import Operation, Schema
from core import Fault, Refused
from hub.api import paging, schemas, strict

JSON_LIMIT: Final = 8 * 1024 * 1024
FORM_LIMIT: Final = 50 * 1024 * 1024
MOST_PARAMETERS: Final = 50

PAGING: Final[Mapping[str, Schema]] = {
    "limit": {
        "type": "integer",
        "minimum": 1,
        "maximum": paging.MOST,
        "default": paging.DEFAULT_LIMIT,
        "description": "How many items at most.",
    },
    "cursor": {
        "type": "string",
        "maxLength": 1000,
        "description": "Where to go on: the `next_cursor` of the page before.",
    },
}

Prune = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Guard:
    """The prepared checks of one operation. Each raises Refused with every fault."""

    operation: Operation
    body_required: bool
    _query: Mapping[str, Schema]
    _check_query: schemas.Check
    _prune: Prune | None
    _check_body: schemas.Check | None
    _form: Mapping[str, Schema] = field(default_factory=dict)
    file_field: str | None = None

    def query(self, raw: str) -> dict[str, Any]:
        """The parameters of a query string, each as its schema's type; `""` is absent, and nothing may come twice."""
        if not raw:
            return {}
        found = _typed(pairs(raw), self._query)
        self._check_query(found)
        return found

    def json(self, raw: bytes) -> Any:
        """The body of a request."""
        value = strict.read_json(raw) if raw.strip() or self.body_required else {}
        return self._checked(value)

    def form(self, fields: list[tuple[str, str]]) -> Any:
        """The fields of a form that are not a file."""
        strict.check_text([list(pair) for pair in fields])
        return self._checked(_typed(fields, self._form))

    def _checked(self, value: Any) -> Any:
        if self._prune is not None:
            self._prune(value)
        if self._check_body is not None:
            self._check_body(value)
        return value


def prepare(operation: Operation) -> Guard:
    """The guard of an operation. Raises ValueError for a schema that can't be used."""
    query = {**operation.query, **(PAGING if operation.paged else {})}
    form = schemas.resolved(operation.form) if operation.form else {}
    fields = {name: each for name, each in form.get("properties", {}).items() if not is_file(each)}
    files = [name for name, each in form.get("properties", {}).items() if is_file(each)]
    if form:
        form = form | {"properties": fields, "required": [name for name in form.get("required", ()) if name in fields]}
    body = form or (schemas.resolved(operation.body) if operation.body is not None else NOTHING)
    return Guard(
        operation=operation,
        body_required=body_required(operation),
        _query=query,
        _check_query=schemas.check_of({"type": "object", "properties": query, "additionalProperties": False}),
        _prune=pruner(body),
        _check_body=schemas.check_of(body),
        _form=fields,
        file_field=files[0] if files else None,
    )


NOTHING: Final[Schema] = {"type": "object", "additionalProperties": False}


def body_required(operation: Operation) -> bool:
    """Whether a body must come: not for a POST all of whose fields are optional, nor where none is read."""
    if operation.body is None:
        return False
    whole = schemas.resolved(operation.body)
    return operation.method != "POST" or bool(whole.get("required")) or "minProperties" in whole


def is_file(schema: Schema) -> bool:
    return schema.get("format") == "binary"


def flask_rule(path: str) -> str:
    """/messages/{id} as Flask writes it."""
    return re.sub(r"\{(\w+)\}", r"<\1>", path)


def path_values(given: Mapping[str, str]) -> Mapping[str, str]:
    """The values of a path. What can't be an id is not found, without asking a database that would not compare it."""
    for name, value in given.items():
        if "\0" in value or ((name == "id" or name.endswith("_id")) and not schemas.is_id(value)):
            raise Refused("not_found", "There is nothing at this address.")
    return given


def pruner(schema: Schema) -> Prune | None:
    """What takes `""` out of every optional field of a value, in place; None where the schema has none."""
    properties = schema.get("properties", {})
    required = set(schema.get("required", ()))
    optional = tuple(name for name in properties if name not in required)
    inner = {name: prune for name, each in properties.items() if (prune := pruner(each))}
    each_item = pruner(schema["items"]) if isinstance(schema.get("items"), Mapping) else None
    if not optional and not inner and each_item is None:
        return None
    return lambda value: _prune(value, optional, inner, each_item)


def _prune(value: Any, optional: tuple[str, ...], inner: Mapping[str, Prune], each_item: Prune | None) -> None:
    if isinstance(value, dict):
        if "" in value.values():  # rarely: one look at all costs less than one at each
            for name in optional:
                if value.get(name) == "":
                    del value[name]
        for name, prune in inner.items():
            if name in value:
                prune(value[name])
    elif isinstance(value, list) and each_item is not None:
        for item in value:
            each_item(item)


def pairs(raw: str) -> list[tuple[str, str]]:
    """What a query string says, in order. Refuses (`invalid_request_line`) one that can't be read."""
    try:
        found = parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError:  # UnicodeDecodeError is one too
        detail = (
            f"The query can't be read: write it in UTF-8, percent-encoded, with at most {MOST_PARAMETERS} parameters."
        )
        raise Refused("invalid_request_line", detail) from None
    if "\0" in raw or any("\0" in text for pair in found for text in pair):
        raise Refused("invalid_request_line", "The query holds a NUL character.")
    return found


def _typed(pairs: list[tuple[str, str]], properties: Mapping[str, Schema]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in pairs:
        if name in found:
            raise Refused(
                "invalid_request", f"{name} is given twice.", (Fault(schemas.pointer(name), "is given twice"),)
            )
        if text != "" or name not in properties:
            found[name] = _value(text, properties.get(name, {}))
    return found


_WHOLE: Final = re.compile(r"-?[0-9]{1,15}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")
_TRUTH: Final = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


def _value(text: str, schema: Schema) -> Any:
    """A text as the type its schema wants; as it stands where it is none, and the check says what is wrong."""
    kind = schema.get("type")
    if kind == "integer" and _WHOLE.fullmatch(text):
        return int(text)
    if kind == "number" and _DECIMAL.fullmatch(text):
        return float(text)
    if kind == "boolean":
        return _TRUTH.get(text.lower(), text)
    if kind == "array":
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind == "object":
        return strict.read_json(text.encode())
    return text
