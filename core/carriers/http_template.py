"""Texts with placeholders: {to} in a body, a form field, a header or a URL. Pure.

A placeholder is a name from a fixed list, never an expression. What is filled in is never read again, and stands as a value of its
place: a JSON string, a form value, a percent-encoded piece of a URL. `{{` and `}}` are the braces themselves.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.carriers.contract import Attempt

Scalar = str | int | float | bool

# Of these nothing but digits and letters that we chose can come: they may stand anywhere.
PLAIN: Final = frozenset({"to", "to_number", "reference", "segments", "validity_minutes", "validity_seconds"})
ALL: Final = PLAIN | {"to_e164", "sender", "text", "encoding"}
_TOKEN: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place to be filled."""

    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """Fixed pieces and slots in their order."""

    parts: tuple[str | Slot, ...]


def parse(text: str) -> Template:
    """Read a text that has no faults."""
    parts: list[str | Slot] = []
    end = 0
    for token in _TOKEN.finditer(text):
        parts.append(text[end : token.start()])
        parts.append(token[0][0] if token[1] is None else Slot(token[1]))
        end = token.end()
    parts.append(text[end:])
    return Template(tuple(part for part in parts if part))


def faults(text: str, allowed: frozenset[str]) -> Iterator[str]:
    """What is wrong with a text: braces on their own, and placeholders that are unknown or may not stand here."""
    known = ", ".join(f"{{{name}}}" for name in sorted(allowed))
    for token in _TOKEN.finditer(text):
        if token[0] in ("{", "}"):
            yield f"has a single {token[0]}: write it twice to mean the character"
        elif token[1] in ALL - allowed:
            yield f"may not have {token[0]} here, only {known}"
        elif token[1] is not None and token[1] not in ALL:
            yield f"has the unknown placeholder {token[0]}: there are {known}"


def names(text: str) -> frozenset[str]:
    """The placeholders of a text."""
    return frozenset(part.name for part in parse(text).parts if isinstance(part, Slot))


def fill(template: Template, values: Mapping[str, Scalar], encode: Callable[[str], str] = str) -> str:
    """The text with its slots filled by values written as `encode` writes them."""
    return "".join(part if isinstance(part, str) else encode(written(values[part.name])) for part in template.parts)


def value(template: Template, values: Mapping[str, Scalar]) -> Scalar:
    """As `fill`, but a slot that stands alone keeps its type: {validity_minutes} is a number."""
    match template.parts:
        case (Slot(name),):
            return values[name]
        case _:
            return fill(template, values)


def shape(document: Any) -> Any:
    """A JSON value whose texts are templates."""
    match document:
        case str():
            return parse(document)
        case dict():
            return {key: shape(inner) for key, inner in document.items()}
        case list():
            return [shape(inner) for inner in document]
        case _:
            return document


def shaped(shape_of: Any, values: Mapping[str, Scalar]) -> Any:
    """The JSON value with every slot filled."""
    match shape_of:
        case Template():
            return value(shape_of, values)
        case dict():
            return {key: shaped(inner, values) for key, inner in shape_of.items()}
        case list():
            return [shaped(inner, values) for inner in shape_of]
        case _:
            return shape_of


def texts(document: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a JSON value, with where it stands."""
    if isinstance(document, str):
        yield pointer, document
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, item in inner:
        yield from texts(item, f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}")


def of_attempt(attempt: Attempt, encodings: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """What the placeholders stand for; `encodings` are the provider's own words for gsm7 and ucs2."""
    return {
        "to": str(attempt.number),
        "to_e164": f"+{attempt.number}",
        "to_number": attempt.number,
        "sender": attempt.sender,
        "text": attempt.text,
        "reference": attempt.reference,
        "encoding": encodings.get(attempt.encoding, attempt.encoding),
        "segments": attempt.segments,
        "validity_minutes": attempt.validity_minutes,
        "validity_seconds": attempt.validity_minutes * 60,
    }


def written(scalar: Scalar) -> str:
    """A scalar as text, as JSON writes it."""
    return str(scalar).lower() if isinstance(scalar, bool) else str(scalar)
