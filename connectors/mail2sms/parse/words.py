"""Encoded words in headers (RFC 2047), decoded in linear time. What can't be decoded stays as it is written."""

import binascii
import re
from typing import Final

from connectors.mail2sms.parse import charset
from connectors.mail2sms.parse.fields import one_line

_WORD: Final = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,40})?\?([bq])\?([^?]*)\?=", re.IGNORECASE)


def decode(text: str) -> str:
    """The text of a header on one line, whatever its words decode to. Words of one charset side by side are decoded together,

    as a character of many octets may be split between them.
    """
    pieces: list[str] = []
    waiting: list[bytes] = []
    named, place = "", 0
    for found in _WORD.finditer(text):
        between, octets = text[place : found.start()], _octets(found[2], found[3])
        apart = bool(between.strip()) or found[1].lower() != named
        if waiting and (apart or octets is None):
            pieces.append(charset.decode(b"".join(waiting), named))
            waiting = []
        if between.strip() or not place or octets is None:
            pieces.append(between)
        if octets is None:
            pieces.append(found[0])
        else:
            waiting.append(octets)
        named, place = found[1].lower(), found.end()
    if waiting:
        pieces.append(charset.decode(b"".join(waiting), named))
    return one_line("".join(pieces) + text[place:])


def _octets(encoding: str, text: str) -> bytes | None:
    """What a word says; None where it is neither base64 nor quoted-printable."""
    try:
        data = text.encode("ascii")
        if encoding in "Qq":
            return binascii.a2b_qp(data, header=True)
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except ValueError:
        return None
