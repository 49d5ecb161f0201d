"""The word of our mail server: Authentication-Results (RFC 8601). What is not written as the RFC says, is no result."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from connectors.mail2sms.authenticate.alignment import is_host
from connectors.mail2sms.authenticate.fields import Field, Mail

MOST_FIELDS: Final = 10  # of our server; others don't count
MOST_LETTERS: Final = 16_384

Pairs = Mapping[str, str]

# A value: a token, a quoted string, or an address of either (section 2.2, pvalue).
_WORD: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s;"\\])+')
_VERSION: Final = re.compile(r"[0-9]{1,3}")
_METHOD: Final = re.compile(r"([a-z][a-z0-9-]*)(?:/[0-9]{1,3})?")
_RESULT: Final = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Word:
    """Domains for which our server says that the mail passed: of a signature, of the envelope's sender, of From."""

    dkim: frozenset[str] = frozenset()
    spf: frozenset[str] = frozenset()
    dmarc: frozenset[str] = frozenset()


_PASSED: Final = {"dkim": "header.d", "spf": "smtp.mailfrom", "dmarc": "header.from"}


def word(mail: Mail, authserv_id: str) -> Word:
    """What the server of this name says, where nobody else can have written it."""
    known: dict[str, set[str]] = {method: set() for method in _PASSED}
    ours = [field for field in above(mail, authserv_id) if field.name == "authentication-results"]
    for field in ours[:MOST_FIELDS]:
        for method, result, said in read(field.text, authserv_id):
            domain = said.get(_PASSED.get(method, ""), "").rpartition("@")[2].lower()
            if result == "pass" and is_host(domain):
                known[method].add(domain)
    return Word(**{method: frozenset(domains) for method, domains in known.items()})


def above(mail: Mail, authserv_id: str) -> Iterator[Field]:
    """The headers that our side wrote (section 5): above the Received of the server that has this name, and got the mail from outside.

    A server may call itself otherwise in Received: then those above the first Received of all. Without any, nobody wrote them.
    """
    host = re.escape(authserv_id.lower())
    by_ours = re.compile(rf"(?:\A|\s)by\s+{host}\.?(?=[\s;(]|\Z)")
    received = [field for field in mail.fields if field.name == "received"]
    ends = next((field for field in received if by_ours.search(field.text.lower())), None) or next(iter(received), None)
    return takewhile(lambda field: field is not ends, mail.fields) if ends else iter(())


def read(text: str, authserv_id: str) -> Sequence[tuple[str, str, Pairs]]:
    """Methods, their results and properties (`header.d`); none at all where the header is another server's, or can't be read."""
    parts = _parts(text)
    if not parts or not parts[0] or not _is_of(parts[0], authserv_id.lower()):
        return ()
    found = [_result(part) for part in parts[1:] if part and part != ["none"]]
    return () if None in found else [one for one in found if one is not None]


def _is_of(part: Sequence[str], authserv_id: str) -> bool:
    """Whether these words are the name of our server, and maybe a version."""
    return part[0].lower() == authserv_id and (len(part) == 1 or bool(len(part) == 2 and _VERSION.fullmatch(part[1])))


def _result(part: Sequence[str]) -> tuple[str, str, Pairs] | None:
    """The method, its result and the rest of `dkim=pass header.d=example.org`."""
    pairs = [(name.lower(), value) for name, _, value in (each.partition("=") for each in part)]
    method, result = _METHOD.fullmatch(pairs[0][0]), pairs[0][1].lower()
    if (
        method is None
        or not _RESULT.fullmatch(result)
        or not all(name and value for name, value in pairs)
        or len(dict(pairs)) < len(pairs)
    ):
        return None
    return method[1], result, {name: _unquoted(value) for name, value in pairs[1:]}


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _parts(text: str) -> list[list[str]]:
    """Words of each part between semicolons, without comments and blanks around `=`; nothing where quotes or comments don't end."""
    bare = re.sub(" ?= ?", "=", " ".join(_without_comments(text[:MOST_LETTERS]).split()))
    parts: list[list[str]] = [[]]
    at = 0
    while at < len(bare):
        if bare[at] == ";":
            parts.append([])
        elif found := _WORD.match(bare, at):
            parts[-1].append(found[0])
            at = found.end() - 1
        elif bare[at] != " ":
            return []
        at += 1
    return parts


def _without_comments(text: str) -> str:
    """Comments may stand within comments (RFC 5322 section 3.2.2). Nothing is left where one is open at the end, or closed twice."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for letter in text:
        if escaped or letter == "\\":
            escaped = not escaped
        elif letter == '"' and not depth:
            quoted = not quoted
        elif letter in "()" and not quoted:
            depth += 1 if letter == "(" else -1
            letter = " "  # noqa: PLW2901 - a comment is a blank
        if depth < 0:
            return ""
        if not depth:
            kept.append(letter)
    return "" if depth else "".join(kept)
