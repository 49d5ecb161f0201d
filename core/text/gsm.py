"""The GSM 7-bit alphabet and the sizes of SMS (3GPP TS 23.038 section 6.2.1, TS 23.040 section 9.2.3.24.1).

A text is sent in the GSM alphabet when every character is in it, else in UCS-2; one foreign character changes the
whole text. A long text is sent in segments that give up room for a header which numbers them.
"""

import codecs
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal

Encoding = Literal["gsm7", "ucs2"]

_ESCAPE = 0x1B
_UNKNOWN = "\ufffd"
_HIGHEST_SEPTET = 0x7F

# The default alphabet in the order of its codes. 0x1B is no character: it escapes to the extension table.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}

_ONE_SEPTET = re.escape(_BASIC.replace("\x1b", ""))
_EXTENDED = frozenset(_EXTENSION.values())
_TWO_SEPTETS = re.escape("".join(_EXTENSION.values()))
_foreign = re.compile(f"[^{_ONE_SEPTET}{_TWO_SEPTETS}]")

_SEPTETS: dict[int, bytes] = {ord(char): bytes([code]) for code, char in enumerate(_BASIC) if code != _ESCAPE}
_SEPTETS |= {ord(char): bytes([_ESCAPE, code]) for code, char in _EXTENSION.items()}


@dataclass(frozen=True, slots=True)
class Sizing:
    """What a text takes: `units` are septets in gsm7 and 16-bit code units in ucs2; `segments` is 0 for no text at all."""

    encoding: Encoding
    segments: int
    units: int


@dataclass(frozen=True, slots=True, eq=False)
class _Code:
    """An encoding: the units that fit one message or one segment of many, and which characters take a single unit.

    There are two of them: compared by identity, they cost a cache's key nothing.
    """

    encoding: Encoding
    alone: int
    joined: int
    narrow: re.Pattern[str]
    other: re.Pattern[str]


# Possessive (*+): a run that ends too soon is not tried again a character shorter.
_GSM7 = _Code("gsm7", 160, 153, re.compile(f"[{_ONE_SEPTET}]*+"), re.compile(f"[^{_ONE_SEPTET}]"))
_UCS2 = _Code("ucs2", 70, 67, re.compile("[\x00-\uffff]*+"), re.compile("[^\x00-\uffff]"))

# Whether each character is one septet (a match, or None): then the length of a text is all there is to know of its size.
plain: Final = _GSM7.narrow.fullmatch


def size(text: str) -> Sizing:
    """The encoding, the segments and the units that a text takes."""
    code, places = _measure(text)
    units = len(text) + len(places)
    # Without a pair that might be parted the units are all there is to know, and there are few such sizes to remember.
    return _simple_sizing(code, units) if not places or units <= code.alone else _sizing(code, units, places)


def split(text: str) -> tuple[str, ...]:
    """The segments of a text, which joined are the text. No pair of units is parted, so that one may be short by a unit."""
    code, places = _measure(text)
    units = len(text) + len(places)
    # What stands before a cut in units, less the second units of the wide characters before it, is a place in the text.
    ends = [end - bisect_left(places, end) for end in _ends(code, units, places)]
    return tuple(text[start:end] for start, end in pairwise([0, *ends]))


def foreign_characters(text: str) -> tuple[str, ...]:
    """The characters that force a text out of the GSM alphabet, each once, in the order in which they stand."""
    return tuple(dict.fromkeys(_foreign.findall(text)))


def encode_gsm7(text: str) -> bytes:
    """Septets, one a byte and unpacked, as SMPP carries them. Raises UnicodeEncodeError on a foreign character."""
    return codecs.charmap_encode(text, "strict", _SEPTETS)[0]


def decode_gsm7(data: bytes) -> str:
    """The text of unpacked septets. Never fails, since a reply that says STOP must not be lost to a byte of another.

    As the specification rules, an escape and a code without an extension is the character of the basic table, and
    an escape that escapes nothing is a space. A byte that is no septet becomes U+FFFD.
    """
    first, *escaped = data.split(bytes([_ESCAPE]))
    return _basic(first) + "".join(_after_escape(piece) for piece in escaped)


def _basic(data: bytes) -> str:
    return "".join(_BASIC[code] if code <= _HIGHEST_SEPTET else _UNKNOWN for code in data)


def _after_escape(piece: bytes) -> str:
    if not piece:
        return " "
    return _EXTENSION.get(piece[0], _basic(piece[:1])) + _basic(piece[1:])


def _measure(text: str) -> tuple[_Code, tuple[int, ...]]:
    """The encoding of a text, and where its wide characters (those of two units) begin, counted in units."""
    places = _wide_places(text, _GSM7)
    return (_UCS2, _wide_places(text, _UCS2) or ()) if places is None else (_GSM7, places)


def _wide_places(text: str, code: _Code) -> tuple[int, ...] | None:
    """As `_measure`; None when a character is not of this encoding."""
    if code.narrow.fullmatch(text):
        return ()
    places: list[int] = []
    for found in code.other.finditer(text):
        if code is _GSM7 and found[0] not in _EXTENDED:
            return None
        places.append(found.start() + len(places))
    return tuple(places)


@lru_cache(maxsize=4096)
def _simple_sizing(code: _Code, units: int) -> Sizing:
    return _sizing(code, units, ())


def _sizing(code: _Code, units: int, places: tuple[int, ...]) -> Sizing:
    return Sizing(code.encoding, sum(1 for _ in _ends(code, units, places)), units)


def _ends(code: _Code, units: int, places: tuple[int, ...]) -> Iterator[int]:
    """Where each segment ends, counted in units."""
    if units == 0:
        return
    if units <= code.alone:
        yield units
        return
    end, wide = 0, frozenset(places)
    while end < units:
        end = min(end + code.joined, units)
        if end < units and end - 1 in wide:  # an escape or a high surrogate goes with its other half
            end -= 1
        yield end
