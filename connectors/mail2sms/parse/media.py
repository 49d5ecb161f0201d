"""What a part is, by Content-Type and Content-Disposition (RFC 2045 section 5, RFC 2183), their parameters in every spelling (RFC 2231)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from connectors.mail2sms.parse import charset, words
from connectors.mail2sms.parse.fields import Head

MOST: Final = 10_000  # characters of such a header

_TYPE: Final = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}")
_PARAMETER: Final = re.compile(
    r';\s*([^\s=;*"]{1,60})(?:\*([0-9]{1,2}))?(\*)?\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.DOTALL
)
_ESCAPED: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Media:
    """kind: type/subtype in lower case. parameters: by name in lower case, decoded. disposition: "" where none is said.

    filename: of either header. encoding: of the transfer, in lower case.
    """

    kind: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    disposition: str = ""
    filename: str = ""
    encoding: str = ""

    @property
    def is_attachment(self) -> bool:
        return self.disposition == "attachment" or bool(self.filename)


def read(head: Head, default: str = "text/plain") -> Media:
    """Of a part with this head. default: what it is when it says nothing, or nothing sensible (RFC 2045 section 5.2)."""
    kind, parameters = _value(head.first("content-type"))
    disposition, more = _value(head.first("content-disposition"))
    filename = more.get("filename") or parameters.get("name", "")
    return Media(
        kind if _TYPE.fullmatch(kind) else default,
        parameters,
        disposition,
        words.decode(filename),
        _value(head.first("content-transfer-encoding"))[0],
    )


def _value(text: str) -> tuple[str, dict[str, str]]:
    """A header's word and its parameters."""
    text = text[:MOST]
    word, _, _ = text.partition(";")
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, number, percent, written in _PARAMETER.findall(text):
        pieces.setdefault(name.lower(), {}).setdefault(int(number or 0), (_plain(written), bool(percent)))
    return word.partition("(")[0].strip().lower(), {name: _joined(parts) for name, parts in pieces.items()}


def _plain(written: str) -> str:
    written = written.strip()
    return _ESCAPED.sub(r"\1", written[1:-1]) if len(written) > 1 and written[0] == written[-1] == '"' else written


def _joined(parts: Mapping[int, tuple[str, bool]]) -> str:
    """The sections of a parameter in their order; the first may say in which charset."""
    declared, octets = "", b""
    for number in sorted(parts):
        text, percent = parts[number]
        if percent and number == 0 and text.count("'") >= 2:
            declared, _, text = text.split("'", 2)
        octets += unquote_to_bytes(text) if percent else text.encode("utf-8", "replace")
    return charset.decode(octets, declared)
