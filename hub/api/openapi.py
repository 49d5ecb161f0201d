"""The OpenAPI 3.1 document: a projection of the table of operations. Every answer that an operation can give is declared."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from connectors.contract import Operation, Schema, example_of
from core import accounts
from hub import health, problems
from hub.api import guard, schemas

JSON: Final = "application/json"

INTRODUCTION: Final = """\
Send text messages to one person or a million, and hear back from them.

**Authentication**: `Authorization: Bearer` with an API key or an OAuth access token, in the header and nowhere else.
**Bodies** are JSON in UTF-8. Unknown fields are refused; `""` in an optional field is the same as leaving it out.
**Times** are ISO 8601 with an offset. **Credits** are decimal numbers with at most three places.
**Errors** are problem details (RFC 9457): `code` is stable and for programs, `detail` for people, `errors` points at fields.
**Lists** answer `items` and `next_cursor`; give it back as `cursor` for the next page, until it is null.
**Idempotency-Key**: on a POST that sends or moves credits, the same key and body get the same answer for seven days, and the work is done once. The answer to a repetition carries `Idempotency-Replayed: true`. A refused request keeps nothing.
**Limits** answer 429 with `Retry-After` in seconds.
"""


def document(operations: Sequence[Operation], server: str) -> dict[str, Any]:
    """The document for these operations, served at `server` (the public address, without /api/v1)."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "smshub",
            "version": health.VERSION,
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": f"{server}/api/v1"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "paths": _paths(operations),
        "security": [{"bearer": []}],
        "components": {
            "schemas": dict(schemas.components()),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": f"An API key, or an OAuth access token. Scopes: {', '.join(accounts.SCOPES)}.",
                }
            },
            "headers": _HEADERS,
        },
    }


def statuses(operation: Operation) -> list[int]:
    """Every status it can answer, in order: its own, its refusals, and those of the way in."""
    return sorted({*operation.answers, *(problems.status_of(code) for code in codes(operation))})


def codes(operation: Operation) -> list[str]:
    """Every code of a problem that it can answer."""
    found = [
        "unauthenticated",
        "rate_limited",
        "unavailable",
        "storage_full",
        "invalid_request",
        "invalid_request_line",
        *operation.refusals,
    ]
    if operation.scope:
        found.append("insufficient_scope")
    if "{" in operation.path:
        found.append("not_found")
    if operation.paged:
        found.append("invalid_cursor")
    if operation.method in ("POST", "PUT", "PATCH"):
        found += ["body_too_large", "unsupported_media_type", "invalid_json"]
    if operation.body is not None:
        found.append("empty_body")
    if operation.keyed:
        found += ["invalid_idempotency_key", "idempotency_conflict", "idempotency_in_progress"]
    return list(dict.fromkeys(found))


def example(schema: Schema) -> Any:
    """A value that fits."""
    return example_of(schemas.resolved(schema))


def query_of(operation: Operation) -> Mapping[str, Schema]:
    return {**operation.query, **(guard.PAGING if operation.paged else {})}


def answer_schema(operation: Operation, schema: Schema | None) -> Schema | None:
    """What a success holds: of a list, one page."""
    if not operation.paged or schema is None:
        return schema
    return {
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {"items": {"type": "array", "items": schema}, "next_cursor": {"type": ["string", "null"]}},
        "additionalProperties": False,
    }


def _paths(operations: Iterable[Operation]) -> dict[str, Any]:
    in_order = sorted(operations, key=lambda operation: operation.path)
    return {
        path: {operation.method.lower(): _operation(operation) for operation in group}
        for path, group in groupby(in_order, key=lambda operation: operation.path)
    }


def _operation(operation: Operation) -> dict[str, Any]:
    told = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": _parameters(operation),
        "requestBody": _request_body(operation),
        "responses": {str(status): _response(operation, status) for status in statuses(operation)},
        "security": [{"bearer": [operation.scope] if operation.scope else []}],
    }
    return {name: value for name, value in told.items() if value not in ("", [], None)}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    in_path = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"} | ({"format": "uuid"} if name.endswith("id") else {}),
        }
        for name in in_path
    ]
    for name, schema in query_of(operation).items():
        told = {key: value for key, value in schema.items() if key != "description"}
        style = {"style": "form", "explode": False} if schema.get("type") == "array" else {}
        text = {"description": schema["description"]} if "description" in schema else {}
        found.append({"name": name, "in": "query", "required": False, "schema": told} | style | text)
    return [*found, _KEY_PARAMETER] if operation.keyed else found


_KEY_PARAMETER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and body get the same answer, and the work is done once. A UUID does well.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": "^[!-~]+$",
        "examples": ["9f0c2b1e-7f9a-4f53-9a54-0c6a2f6f6d2b"],
    },
}


def _request_body(operation: Operation) -> dict[str, Any] | None:
    if operation.form is not None:
        return {"required": True, "content": {"multipart/form-data": {"schema": dict(operation.form)}}}
    if operation.body is None:
        return None
    content = {"schema": dict(operation.body), "example": example(operation.body)}
    return {"required": guard.body_required(operation), "content": {JSON: content}}


def _response(operation: Operation, status: int) -> dict[str, Any]:
    if status in operation.answers:
        return _success(operation, status)
    told = [code for code in codes(operation) if problems.status_of(code) == status]
    headers = dict(_COMMON) | ({"Retry-After": _header("Retry-After")} if status in (429, 503) else {})
    return {
        "description": "; ".join(f"`{code}`" for code in told),
        "headers": headers | ({"WWW-Authenticate": _header("WWW-Authenticate")} if status in (401, 403) else {}),
        "content": {
            problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": _problem(told[0])}
        },
    }


def _success(operation: Operation, status: int) -> dict[str, Any]:
    schema = answer_schema(operation, operation.answers[status])
    headers = dict(_COMMON) | ({"Idempotency-Replayed": _header("Idempotency-Replayed")} if operation.keyed else {})
    told: dict[str, Any] = {"description": operation.summary, "headers": headers}
    if operation.media_type != JSON and status < 300:
        return told | {"content": {operation.media_type: {}}}
    return told if schema is None else told | {"content": {JSON: {"schema": schema, "example": example(schema)}}}


def _problem(code: str) -> Mapping[str, Any]:
    return problems.problem(code, "A sentence that says what to change.", "01997b2c-1a2b-7c3d-8e4f-123456789abc").body


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


_HEADERS: Final = {
    "X-Request-Id": {"description": "What to quote to the operator.", "schema": {"type": "string"}},
    "RateLimit": {"description": 'What is left: `"default";r=599999;t=1`.', "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": 'The limit: `"default";q=600000;w=60`.', "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "What is needed (RFC 6750).", "schema": {"type": "string"}},
    "Idempotency-Replayed": {"description": "`true` where this is the answer of before.", "schema": {"type": "string"}},
}
_COMMON: Final = {name: _header(name) for name in ("X-Request-Id", "RateLimit", "RateLimit-Policy")}
