"""Headers that everybody reads alike, or not at all.

Who verifies a signature and who reads From must see the same headers. Parsers differ about what is out of order (a lone CR that ends a
line for one and none for the other hides a whole header), so a mail with such a thing proves nothing.
"""

import re
from dataclasses import dataclass
from typing import Final

MOST_BYTES: Final = 1024 * 1024  # of all headers: 20,000 addresses
MOST_FIELDS: Final = 1000

_END: Final = re.compile(rb"(?:\A|\r?\n)\r?\n")
_LINE_END: Final = re.compile(rb"\r?\n")
# Letters that end a line for some: CR, NUL, and what Python's str.splitlines takes for line ends.
_AMBIGUOUS: Final = re.compile(rb"[\r\x00\x0b\x0c\x1c-\x1e]")
# RFC 5322 section 2.2, without the blanks of section 4.5.8. A longer one is taken for the first line of the body by some.
_NAME: Final = re.compile(rb"([!-9;-~]{1,100}):")


@dataclass(frozen=True, slots=True)
class Field:
    """A header: its name in lower case; as it was written, name and what stands behind the colon, each line ended by CRLF."""

    name: str
    written: bytes
    value: bytes

    @property
    def text(self) -> str:
        """What stands behind the colon in one line; letters that are not ASCII are lost."""
        return self.value.replace(b"\r\n", b"").decode("ascii", "replace").strip()


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in two: its headers from the top, and its body with CRLF at the ends of lines."""

    fields: tuple[Field, ...]
    body: bytes

    def named(self, name: str) -> list[Field]:
        return [field for field in self.fields if field.name == name]


def read(raw: bytes) -> Mail | None:
    """A mail in two; None where its headers may be read in more than one way, or are more than any mail has."""
    end = _END.search(raw, 0, MOST_BYTES)
    if end is None and len(raw) > MOST_BYTES:
        return None
    head, body = (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")
    fields = _fields(_LINE_END.split(head)) if head else ()
    return None if fields is None else Mail(fields, _LINE_END.sub(b"\r\n", body))


def _fields(lines: list[bytes]) -> tuple[Field, ...] | None:
    grouped: list[list[bytes]] = []
    for line in filter(None, lines):  # an empty one is the end of the last, where no body follows
        if _AMBIGUOUS.search(line):
            return None
        if not line.startswith((b" ", b"\t")):
            grouped.append([line])
        elif grouped:
            grouped[-1].append(line)
        else:
            return None
    found = [_field(group) for group in grouped[: MOST_FIELDS + 1]]
    fields = tuple(field for field in found if field is not None)
    return fields if len(fields) == len(grouped) <= MOST_FIELDS else None


def _field(lines: list[bytes]) -> Field | None:
    name = _NAME.match(lines[0])
    if name is None:
        return None
    value = b"\r\n".join([lines[0][name.end() :], *lines[1:], b""])
    return Field(name[1].decode().lower(), name[1], value)
