"""The addresses of a header (RFC 5322 section 3.4), in linear time and with no recursion: comments may be nested, so it is counted."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MOST_COMMENTS: Final = 20  # within each other
_PIECE: Final = re.compile(
    r'(?P<text>"(?:[^"\\]|\\.)*"|[^"()<>,:;\\]+|\\.)|(?P<mark>[()<>,:;])|(?P<stray>.)', re.DOTALL
)
_COMMENT: Final = re.compile(r"(?P<text>[^()\\]+|\\.)|(?P<mark>[()])|(?P<stray>.)", re.DOTALL)  # no quotes within
_ADDRESS: Final = re.compile(r'("(?:[^"\\]|\\.){0,64}"|[^\s"@]{1,256})@([^\s"@]{1,253})')
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_ATOM: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """name: what stands before the brackets, as it is written. address: what stands in them, or all there is."""

    name: str
    address: str


def read(text: str) -> tuple[Mailbox, ...] | None:
    """The mailboxes of a header, those of groups too; None where it can't be taken apart (a bracket, quote or comment that never ends)."""
    entries = _entries(text)
    return None if entries is None else tuple(mailbox for entry in entries if (mailbox := entry.mailbox()))


def bare(address: str) -> str | None:
    """local@domain as it is compared and written to, its domain in ASCII and lower case; None where it is no such thing."""
    found = _ADDRESS.fullmatch(address.strip())
    host = domain(found[2]) if found else None
    return f"{found[1]}@{host}" if found and host else None


def sender(address: str) -> str | None:
    """`bare` of somebody who writes: what looks like another (full-width letters, ligatures), or needs quotation marks, is none."""
    if unicodedata.normalize("NFKC", address[:400]) != address:
        return None
    name, _, host = address.strip().rpartition("@")
    found = domain(host)
    return f"{name}@{found}" if found and _ATOM.fullmatch(name) else None


def unquoted(name: str) -> str:
    """A name without what stands in quotation marks: there an @ means nothing."""
    return _QUOTED.sub("", name).strip()


def domain(host: str) -> str | None:
    """A domain in ASCII. Letters of other alphabets are written in Punycode, and never replaced by ones that look alike (RFC 5890)."""
    host = host.rstrip(".")
    if not 0 < len(host) <= 253 or unicodedata.normalize("NFKC", host) != host:
        return None
    labels = [_label(label) for label in host.lower().split(".")]
    known = [label for label in labels if label and _LABEL.fullmatch(label)]
    joined = ".".join(known)
    return joined if len(known) == len(labels) and len(joined) <= 253 else None


def _label(label: str) -> str | None:
    if label.isascii():
        return label
    letters = all(char == "-" or unicodedata.category(char)[0] in "LMN" for char in label)
    return f"xn--{label.encode('punycode').decode('ascii')}" if letters and len(label) <= 63 else None


@dataclass(slots=True)
class _Entry:
    """An entry as far as it was read: what stands outside of its brackets, and in them (None: there are none yet)."""

    name: list[str] = field(default_factory=list)
    address: list[str] | None = None
    inside: bool = False

    def mailbox(self) -> Mailbox | None:
        """None where nothing is written."""
        name = "".join(self.name).strip()
        if self.address is not None:
            return Mailbox(name, "".join(self.address).strip())
        return Mailbox("", name) if name else None

    def add(self, written: str) -> None:
        (self.address if self.inside and self.address is not None else self.name).append(written)

    def take(self, mark: str) -> bool:
        """One of < > : , ; whether it may stand here."""
        if mark == "<" and self.address is None:
            self.inside, self.address = True, []
        elif mark == ">" and self.inside:
            self.inside = False
        elif mark == ":" and self.inside:
            self.address = []  # a route before the address (RFC 5322 section 4.4)
        elif mark == ":" and self.address is None:
            self.name = []  # the name of a group
        else:
            return mark == "," and self.inside  # between the hops of a route
        return True


def _entries(text: str) -> list[_Entry] | None:
    """What stands between the commas of a header; None where it makes no sense."""
    entries, comments = [_Entry()], 0
    for piece in _pieces(text):
        mark, entry = piece["mark"], entries[-1]
        if mark in {"(", ")"}:
            comments += 1 if mark == "(" else -1
            if not 0 <= comments <= MOST_COMMENTS:
                return None
        elif comments:
            continue
        elif mark in {",", ";"} and not entry.inside:
            entries.append(_Entry())
        elif piece["stray"] or (mark and not entry.take(mark)):
            return None
        elif not mark:
            entry.add(piece[0])
    return None if entries[-1].inside or comments else entries


def _pieces(text: str) -> Iterator[re.Match[str]]:
    """What a header is made of; within a comment a quotation mark is a letter like others."""
    place, comments = 0, 0
    while found := (_COMMENT if comments > 0 else _PIECE).match(text, place):
        comments += (found["mark"] == "(") - (found["mark"] == ")")
        place = found.end()
        yield found
