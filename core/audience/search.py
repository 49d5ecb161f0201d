"""What `q` means: digits are the beginning of a number, anything else is words to be found in the names (core/words).

A number's beginning becomes ranges of whole numbers (336 is 336000000..336999999, 3360000000..., and so on), which the index on
(account_id, number) answers by itself.
"""

import re
from collections.abc import Iterable

import phonenumbers
from sqlalchemy import ColumnElement, false, or_

SHORTEST_NUMBER = 7  # digits, with the country code
LONGEST_NUMBER = 15  # E.164 section 6

_NUMBER_LIKE = re.compile(r"\+?[0-9][0-9 .()/-]*")


def is_number_like(q: str) -> bool:
    return _NUMBER_LIKE.fullmatch(q.strip()) is not None


def begins_with(column: ColumnElement[int], q: str, region: str) -> ColumnElement[bool]:
    """Numbers that begin as `q` does, read as a person of `region` writes them: 0612, +33612 and 33612 find the same."""
    return within_any(column, spans(q, region))


def within_any(column: ColumnElement[int], ranges: Iterable[tuple[int, int]]) -> ColumnElement[bool]:
    """Numbers that lie in one of these ranges."""
    return or_(false(), *(column.between(first, last) for first, last in ranges))


def spans(q: str, region: str) -> list[tuple[int, int]]:
    """The first and last number of each length that begins as `q` does."""
    prefix = _prefix(q, region)
    if not prefix or prefix.startswith("0"):
        return []
    missing = range(max(SHORTEST_NUMBER - len(prefix), 0), LONGEST_NUMBER - len(prefix) + 1)
    return [(int(prefix) * 10**more, (int(prefix) + 1) * 10**more - 1) for more in missing]


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
