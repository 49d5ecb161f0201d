"""The parts of a mail (RFC 2046 section 5.1), bounded before anything is made of them.

Python's own parser follows parts to any depth, by recursion, and makes objects of all there is: 1,500 parts within each other, or a report
of a million empty blocks, are too much for it. Here a boundary is looked for within the part it belongs to, a handful of levels deep, and
no octet is copied until a part is chosen.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from connectors.mail2sms.parse import fields, media
from connectors.mail2sms.parse.fields import Head
from connectors.mail2sms.parse.media import Media

MOST_DEPTH: Final = 10
MOST_PARTS: Final = 200
MOST_HEAD: Final = 64 * 1024
MOST_BOUNDARY: Final = 200  # characters; RFC 2046 allows 70

_BLANKS: Final = b" \t\r\n"


class TooComplexError(Exception):
    """More parts, or parts within parts, than any mail has that a person wrote."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a part is, where in the mail its content stands, and which parts it has."""

    media: Media
    start: int
    end: int
    parts: tuple["Part", ...] = ()

    def leaves(self) -> Iterator["Part"]:
        """Those of which it is made in the end, itself where it has none, in order."""
        if not self.media.kind.startswith("multipart/"):
            yield self
        for part in self.parts:
            yield from part.leaves()


def read(raw: bytes, head: Head) -> Part:
    """The parts of a mail with this head. Raises TooComplexError."""
    return _Reader(raw).part(media.read(head), head.body, len(raw), 0)


def content(raw: bytes, part: Part) -> bytes | None:
    """What stands in a part, decoded; None where it is not what it says: half a text is worse than none."""
    data = raw[part.start : part.end]
    encoding = part.media.encoding
    if encoding == "base64":
        try:
            return binascii.a2b_base64(data.translate(None, _BLANKS), strict_mode=True)
        except binascii.Error:
            return None
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    return None if encoding in {"uuencode", "x-uuencode", "x-uue", "uue"} else data


class _Reader:
    """Counts the parts of one mail."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._parts = 0

    def part(self, media: Media, start: int, end: int, depth: int) -> Part:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise TooComplexError
        boundary = media.parameters.get("boundary", "").rstrip()
        if not media.kind.startswith("multipart/") or not boundary:
            return Part(media, start, end)
        if depth == MOST_DEPTH or len(boundary) > MOST_BOUNDARY:
            raise TooComplexError
        default = "message/rfc822" if media.kind == "multipart/digest" else "text/plain"
        parts = [self._child(one, until, default, depth) for one, until in self._spans(boundary, start, end)]
        return Part(media, start, end, tuple(parts))

    def _child(self, start: int, end: int, default: str, depth: int) -> Part:
        head = fields.read(self._raw, start, end, MOST_HEAD)
        if head is None:
            raise TooComplexError
        return self.part(media.read(head, default), head.body, end, depth + 1)

    def _spans(self, boundary: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        """From where to where the parts between these boundaries are; the line end before a boundary is the boundary's."""
        line = rb"\n--" + re.escape(boundary.encode("utf-8", "replace")) + rb"(--)?[ \t]*\r?(?=\n|\Z)"
        begun: int | None = None
        for found in re.compile(line).finditer(self._raw, max(start - 1, 0), end):
            if begun is not None:
                yield begun, max(begun, found.start() - (self._raw[found.start() - 1 : found.start()] == b"\r"))
            begun = None if found[1] else min(found.end() + 1, end)
            if found[1]:
                return
        if begun is not None:
            yield begun, end
