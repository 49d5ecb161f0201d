"""What `q` means: digits are the beginning of a number, anything else is words to be found in the names, without case or accents.

A number's beginning becomes ranges of whole numbers (336 is 336000000..336999999, 3360000000..., and so on), which the index on
(account_id, number) answers by itself. Words are looked for within one account: `contacts.search` holds the four fields folded.
"""

import re
import unicodedata
from collections.abc import Iterable

import phonenumbers
from sqlalchemy import ColumnElement, and_, false, or_

SHORTEST_NUMBER = 7  # digits, with the country code
LONGEST_NUMBER = 15  # E.164 section 6
MOST_WORDS = 8
NARROW = 7  # digits

_NUMBER_LIKE = re.compile(r"\+?[0-9][0-9 .()/-]*")


def fold(text: str) -> str:
    """The text without case or accents: "Éloïse" and "ELOISE" are one."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))


def fold_fields(fields: Iterable[str | None]) -> str:
    """What `contacts.search` holds."""
    return fold(" ".join(field for field in fields if field))


def is_number_like(q: str) -> bool:
    return _NUMBER_LIKE.fullmatch(q.strip()) is not None


def is_narrow(q: str) -> bool:
    """Whether few numbers begin like this: then it is quicker to look them up than to walk a list until a page is full."""
    return sum(char.isdecimal() for char in q) >= NARROW


def begins_with(column: ColumnElement[int], q: str, region: str) -> ColumnElement[bool]:
    """Numbers that begin as `q` does, read as a person of `region` writes them: 0612, +33612 and 33612 find the same."""
    return or_(false(), *(column.between(first, last) for first, last in spans(q, region)))


def spans(q: str, region: str) -> list[tuple[int, int]]:
    """The first and last number of each length that begins as `q` does."""
    prefix = _prefix(q, region)
    if not prefix or prefix.startswith("0"):
        return []
    missing = range(max(SHORTEST_NUMBER - len(prefix), 0), LONGEST_NUMBER - len(prefix) + 1)
    return [(int(prefix) * 10**more, (int(prefix) + 1) * 10**more - 1) for more in missing]


def has_words(column: ColumnElement[str], q: str) -> ColumnElement[bool]:
    """Every word of `q` stands somewhere in a folded column."""
    words = fold(q).split()[:MOST_WORDS]
    return and_(*(column.contains(word, autoescape=True) for word in words))


def _prefix(q: str, region: str) -> str:
    digits = re.sub(r"[^0-9]", "", q)
    if q.strip().startswith("+"):
        return digits
    if digits.startswith("00"):
        return digits[2:]
    trunk = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True)
    if trunk and digits.startswith(trunk):
        return f"{phonenumbers.country_code_for_region(region)}{digits[len(trunk) :]}"
    return digits
