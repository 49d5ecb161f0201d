"""Mails that parsers stumble over: 20,000 line ends, and 1,500 parts within each other."""

import time
from collections.abc import Iterator
from typing import Final

from connectors.mail2sms.mail import Content, Wrong
from connectors.mail2sms.parse import parse
from tests.bench.figure import Bench, Figure, Measured
from tests.bench.place import Place

NEWLINES: Final = 20_000
NESTED: Final = 1_500

_HEAD: Final = b"From: ann@office.example\r\nTo: 33612345678@sms.example\r\nMIME-Version: 1.0\r\n"


def newlines_s() -> float:
    """Seconds to read a text of 20,000 line ends, with a quote at its end."""
    body = b"Bonjour" + b"\r\n" * NEWLINES + b"On 26/11/2026 10:00, Ann wrote:\r\n> Bonjour\r\n"
    return _took(_HEAD + b"\r\n" + body, Content, "Bonjour")


def nested_s() -> float:
    """Seconds to refuse a mail of 1,500 parts, each within the one before."""
    levels = (
        f'Content-Type: multipart/mixed; boundary="{level}"\r\n\r\n--{level}\r\n'.encode() for level in range(NESTED)
    )
    return _took(_HEAD + b"".join(levels) + b"\r\nBonjour\r\n", Wrong, "too_complex")


def _took(raw: bytes, kind: type[Content | Wrong], said: str) -> float:
    began = time.perf_counter()
    found = parse(raw, "sms.example").content
    took = time.perf_counter() - began
    if not isinstance(found, kind) or said not in {getattr(found, "text", ""), getattr(found, "code", "")}:
        raise AssertionError(f"not {said}: {str(found)[:200]}")
    return took


def _measure(place: Place) -> Iterator[Measured]:
    for _ in range(place.runs):
        yield {"newlines_s": newlines_s(), "nested_s": nested_s()}


PARSING: Final = Bench(
    "parsing",
    (
        Figure(
            "newlines_s", f"a mail of {NEWLINES:,} line ends, read", "s", 0.1, higher_is_better=False, database="none"
        ),
        Figure(
            "nested_s", f"a mail of {NESTED:,} nested parts, refused", "s", 1, higher_is_better=False, database="none"
        ),
    ),
    _measure,
)
