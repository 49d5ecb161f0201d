"""The head of a mail, or of a part of one, as its fields (RFC 5322 section 2.2): linear, and bounded.

Only a line feed ends a line. A lone CR, which other parsers take for one, can't bring in a header: in a value it is a blank, as every
control character is, so that no value has a line break in it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MOST_FIELDS: Final = 1000
MOST_LINES: Final = 20_000

_NAME: Final = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")  # a blank before the colon is of RFC 822
CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Head:
    """The fields from the top, their names in lower case, their values decoded as far as they are bytes; and where the body begins."""

    fields: tuple[tuple[str, str], ...]
    body: int

    def all(self, name: str) -> tuple[str, ...]:
        """Every value under this name, in order."""
        return tuple(value for other, value in self.fields if other == name)

    def first(self, name: str) -> str:
        """Its first value, or "" where there is none."""
        return next((value for other, value in self.fields if other == name), "")

    def counts(self) -> Mapping[str, int]:
        """How many fields have each name."""
        counts: dict[str, int] = {}
        for name, _ in self.fields:
            counts[name] = counts.get(name, 0) + 1
        return counts


def read(raw: bytes, start: int, end: int, most: int) -> Head | None:
    """The head that begins at `start`, of `most` octets; None where it is longer, or has more fields or lines than any mail has.

    A line that is none of a head's ends it, and begins the body, as if an empty one stood between.
    """
    found: list[tuple[str, list[bytes]]] = []
    limit, place = min(end, start + most), start
    for _ in range(MOST_LINES):
        if place >= end:
            return _head(found, end)
        stop = raw.find(b"\n", place, limit)
        if stop < 0 and limit < end:
            return None
        after = end if stop < 0 else stop + 1
        line = raw[place : after - (stop >= 0)].removesuffix(b"\r")
        if not line:
            return _head(found, after)
        if line[:1] in {b" ", b"\t"}:
            if found:
                found[-1][1].append(line)
        elif name := _NAME.match(line):
            if len(found) == MOST_FIELDS:
                return None
            found.append((name[1].decode("ascii").lower(), [line[name.end() :]]))
        elif place > start or not line.startswith((b"From ", b">From ")):  # the first line of a file of mails
            return _head(found, place)
        place = after
    return None


def one_line(text: str) -> str:
    """The text on one line, its blanks single."""
    return " ".join(CONTROLS.sub(" ", text).split())


def _head(found: Sequence[tuple[str, list[bytes]]], body: int) -> Head:
    return Head(tuple((name, _text(b"".join(lines))) for name, lines in found), body)


def _text(value: bytes) -> str:
    """UTF-8 (RFC 6532), or what Windows wrote."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("cp1252", "replace")
    return CONTROLS.sub(" ", text).strip()
