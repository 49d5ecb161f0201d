"""Pages for people: what is running here, and the documents of the API. Drawn on the server, no script, nothing from elsewhere."""

import hashlib
import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final

import orjson
from flask import Flask, Response, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from connectors.contract import Operation, Schema
from hub import health, problems
from hub.api import openapi, schemas
from hub.settings import Settings

POLICY: Final = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_FOLDER: Final = Path(__file__).with_name("html")
_TRIES: Final = frozenset({("GET", "/me"), ("POST", "/messages")})
_DEEPEST: Final = 3  # levels of a schema that a table shows


@dataclass(frozen=True, slots=True)
class Row:
    """One field in a table: its name as a path (recipients[].to), its type in words, and what is said of it."""

    name: str
    kind: str
    required: bool
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation on the page."""

    operation: Operation
    query: Sequence[Row]
    body: Sequence[Row]
    answers: Sequence[tuple[int, str | None, str | None]]
    problems: Sequence[tuple[int, str]]
    curl: str


def register(app: Flask, settings: Settings, operations: Sequence[Operation]) -> None:
    """Add /, /api/docs with its style sheet, and /api/v1/openapi.json. Each is made when it is first asked for."""
    document = cache(
        lambda: orjson.dumps(openapi.document(operations, settings.public_url), option=orjson.OPT_INDENT_2)
    )
    docs = cache(lambda: docs_page(operations, settings.public_url))
    style = (_FOLDER / "pages.css").read_bytes()
    pages: Mapping[str, Callable[[], Response]] = {
        "/": lambda: _html(home_page(settings, operations, console=_has_console(app))),
        "/api/docs": lambda: _html(docs()),
        "/api/pages.css": lambda: _kept(style, "text/css; charset=utf-8"),
        "/api/v1/openapi.json": lambda: _kept(document(), "application/json"),
    }
    for rule, view in pages.items():
        app.add_url_rule(rule, endpoint=f"page {rule}", view_func=view, methods=["GET"])


def home_page(settings: Settings, operations: Sequence[Operation], *, console: bool = False) -> str:
    """The page at /: what is running, where to read on, what to try."""
    return _template("home.html").render(
        version=health.VERSION,
        simulated=settings.simulated,
        carriers=[carrier["name"] for carrier in settings.carriers],
        database="SQLite" if settings.sqlite else "PostgreSQL",
        public_url=settings.public_url,
        console=console,
        count=len(operations),
        tries=[
            curl(operation, settings.public_url)
            for operation in operations
            if (operation.method, operation.path) in _TRIES
        ],
    )


def docs_page(operations: Sequence[Operation], public_url: str) -> str:
    """The page at /api/docs: every operation by its tag, then every schema."""
    order = list(dict.fromkeys(operation.tag for operation in operations))
    by_tag = groupby(
        sorted(operations, key=lambda operation: order.index(operation.tag)), key=lambda operation: operation.tag
    )
    return _template("docs.html").render(
        version=health.VERSION,
        public_url=public_url,
        introduction=openapi.INTRODUCTION,
        groups=[(tag, [_entry(operation, public_url) for operation in group]) for tag, group in by_tag],
        schemas=[(name, list(rows(schema))) for name, schema in sorted(schemas.components().items())],
    )


def curl(operation: Operation, public_url: str) -> str:
    """A command that does it, to be pasted."""
    path = operation.path
    for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        path = path.replace(f"{{{name}}}", "ID" if name.endswith("id") else name.upper())
    lines = [f"curl {'' if operation.method == 'GET' else f'-X {operation.method} '}{public_url}/api/v1{path}"]
    lines.append('-H "Authorization: Bearer $SMSHUB_API_KEY"')
    if operation.keyed:
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    if operation.form is not None:
        lines.append("-F file=@contacts.csv")
    elif operation.body is not None:
        shown = json.dumps(openapi.example(operation.body), ensure_ascii=False)
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(shown)}"]
    return " \\\n  ".join(lines)


def rows(schema: Schema, prefix: str = "", deep: int = 0) -> Iterator[Row]:
    """The fields of a schema, those of its parts after their own."""
    required = set(schema.get("required", ()))
    for name, part in schema.get("properties", {}).items():
        yield Row(f"{prefix}{name}", kind_of(part), name in required, part.get("description", ""))
        inner = part.get("items", part) if part.get("type") == "array" else part
        if "properties" in inner and deep < _DEEPEST:
            yield from rows(inner, f"{prefix}{name}{'[]' if part.get('type') == 'array' else ''}.", deep + 1)


def kind_of(schema: Schema) -> str:
    """A schema's type in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    named = schema.get("type", "any")
    plain = " | ".join(named) if isinstance(named, list) else str(named)
    return f"{plain} ({schema['format']})" if "format" in schema else plain


def prose(text: str) -> Markup:
    """`code` and **strong** in a description as HTML; everything else is escaped."""
    made = Markup("")
    for place, part in enumerate(text.split("`")):
        made += Markup("<code>{}</code>").format(part) if place % 2 else _strong(part)
    return made


def _strong(text: str) -> Markup:
    parts = [
        Markup("<strong>{}</strong>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(text.split("**"))
    ]
    return Markup("").join(parts)


def _entry(operation: Operation, public_url: str) -> Entry:
    told = [(problems.status_of(code), code) for code in openapi.codes(operation)]
    query = {"properties": openapi.query_of(operation)}
    sent = operation.form if operation.form is not None else operation.body
    return Entry(
        operation=operation,
        query=list(rows(query)),
        body=list(rows(_opened(sent))) if sent is not None else [],
        answers=[(status, *_shown(operation, schema)) for status, schema in sorted(operation.answers.items())],
        problems=sorted(told),
        curl=curl(operation, public_url),
    )


def _shown(operation: Operation, schema: Schema | None) -> tuple[str | None, str | None]:
    """The name of the answer's schema, if it has one, and an example."""
    if schema is None or not schema:
        return None, None
    example = openapi.example(openapi.answer_schema(operation, schema) or {})
    return (kind_of(schema) if "$ref" in schema else None), json.dumps(example, indent=2, ensure_ascii=False)


def _opened(schema: Schema) -> Schema:
    return schemas.components()[kind_of(schema)] if "$ref" in schema else schema


def _has_console(app: Flask) -> bool:
    return any(rule.rule.startswith("/console") for rule in app.url_map.iter_rules())


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = prose
    return environment.get_template(name)


def _html(page: str) -> Response:
    return Response(
        page,
        headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"},
        content_type="text/html; charset=utf-8",
    )


def _kept(body: bytes, content_type: str) -> Response:
    """Something that changes with a new version only: asked for again, it is compared by its digest."""
    response = Response(body, headers={"Cache-Control": "no-cache"}, content_type=content_type)
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    response.make_conditional(request)
    return response
