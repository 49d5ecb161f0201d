"""A value that fits a schema, for documents and samples: the first of its examples, else made of its parts. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from connectors.contract.operations import Schema

_TEXTS: Final[Mapping[str, str]] = {
    "uuid": "01997b2c-1a2b-7c3d-8e4f-123456789abc",
    "date-time": "2026-09-21T12:13:20.000Z",
    "date": "2026-09-21",
    "email": "ada@example.com",
    "uri": "https://example.com/hook",
}


def example_of(schema: Schema) -> Any:
    """A value that fits a schema without references."""
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        return {name: example_of(each) for name, each in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(schema.get("items", {}))]
    text = _TEXTS.get(schema.get("format", ""), "text"[: schema.get("maxLength", 4)])
    number = schema.get("default", max(1, schema.get("minimum", 1)))
    return {"integer": number, "number": number, "boolean": True, "string": text}.get(str(kind))
