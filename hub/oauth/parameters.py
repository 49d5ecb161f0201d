"""The parameters of a request, from a query, a form or JSON, read strictly: what comes twice is known, and what is empty is absent."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from core import Refused
from hub.api import strict

MOST: Final = 30
LONGEST: Final = 16 * 1024  # bytes of a body

Pairs = Sequence[tuple[str, str]]


def of_form(raw: bytes) -> Pairs:
    """Of a query or a form (application/x-www-form-urlencoded). Raises ValueError where it can't be read."""
    if len(raw) > 2 * LONGEST:
        raise ValueError("it is too long")
    pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST)
    if any(not character.isprintable() for pair in pairs for text in pair for character in text):
        raise ValueError("it holds a character that does not print")
    return pairs


def of_json(raw: bytes) -> Pairs:
    """Of a JSON object of texts. Raises ValueError where it is none."""
    try:
        found: Any = strict.read_json(raw)
    except Refused as refusal:
        raise ValueError(refusal.detail) from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError("it must be a JSON object of texts")
    if any(not value.isprintable() for value in found.values()):
        raise ValueError("it holds a character that does not print")
    return list(found.items())


def given(pairs: Pairs) -> Mapping[str, str]:
    """Each with its first value; without one it is the same as absent (RFC 6749 section 3.1)."""
    return {name: value for name, value in reversed(pairs) if value}


def repeated(pairs: Pairs) -> frozenset[str]:
    """The names that come more than once."""
    return frozenset(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
