"""JSON pointers (RFC 6901): where in a foreign document something stands. Forms and queries are documents of one level. Pure."""

from typing import Any, Final

MISSING: Final = object()


def look(document: object, pointer: str) -> Any:
    """What stands there, or MISSING."""
    found: Any = document
    for step in (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]):
        if isinstance(found, dict) and step in found:
            found = found[step]
        elif isinstance(found, list) and step.isdecimal() and step.isascii() and int(step) < len(found):
            found = found[int(step)]
        else:
            return MISSING
    return found


def text_at(document: object, pointer: str | None) -> str | None:
    """The text, number or truth that stands there, as text. None if there is none that could be stored.

    Neither database takes half a surrogate pair, and PostgreSQL takes no NUL.
    """
    found = MISSING if pointer is None else look(document, pointer)
    if isinstance(found, bool):
        return str(found).lower()
    if not isinstance(found, str | int | float):
        return None
    text = str(found)
    return text if text and storable(text) else None


def storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
