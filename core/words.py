"""Searching by words: texts as they are compared (no case, no accents, no punctuation), and an index of the words they hold.

A word of a question is found at the beginning of a word of a text: `dup` finds Dupont, `anne@ex` finds anne@example.com. The index keeps
the first KEY_BYTES bytes of each word as a whole number, so the words that begin alike are one range of numbers, in the same order on
every database whatever its collation; the text itself settles what those bytes leave open.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, Table, and_, delete, func, select, true, tuple_

from core.runtime import Tx
from core.schema.types import Id

KEY_BYTES: Final = 7  # a positive 64-bit number
MOST_WORDS: Final = 8  # of a question
TRIED: Final = 3  # words of a question that are counted, the longest first
FEW: Final = (
    20_000  # rows that are looked up one by one; of a million more than that are met on the way from the newest
)

_WORD: Final = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """The text without case or accents: "Éloïse" and "ELOISE" are one."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))


def spaced(*texts: str | None) -> str:
    """The words of these texts, each after a space: what is stored, and compared with."""
    words = _WORD.findall(fold(" ".join(text for text in texts if text)))
    return f" {' '.join(words)}" if words else ""


def asked(q: str) -> list[str]:
    """What `q` asks for, each as `spaced`: `anne@ex dup` is " anne ex" and " dup". Empty where it has no word."""
    return [found for part in q.split() if (found := spaced(part))][:MOST_WORDS]


def hold(column: ColumnElement[str], parts: Sequence[str]) -> ColumnElement[bool]:
    """All that is asked for stands in a column of `spaced` texts."""
    return and_(true(), *(column.contains(part) for part in parts))


def put(tx: Tx, index: Table, account_id: str, rows: Iterable[tuple[str, str, str]]) -> None:
    """Index rows: (id, `spaced` before, `spaced` now); "" is a row that is new, or that goes."""
    fresh: list[tuple[str, int, str]] = []
    stale: list[tuple[str, int, str]] = []
    for row_id, before, now in rows:
        was, will = _keys(before), _keys(now)
        fresh += [(account_id, key, row_id) for key in will - was]
        stale += [(account_id, key, row_id) for key in was - will]
    names = [column.name for column in index.c]
    if stale:
        gone = tx.values("gone", dict(zip(names, (Id, BigInteger, Id), strict=True)), stale)
        tx.execute(delete(index).where(tuple_(*index.c).in_(select(*gone.c))))
    tx.insert(index, names, sorted(fresh))


def few(tx: Tx, index: Table, account_id: str, parts: Sequence[str], most: int = FEW) -> Select[Any] | None:
    """The ids of rows that may hold all of these, by the first of their longest words that at most `most` rows have; else None."""
    words = sorted({word for part in parts for word in part.split()}, key=lambda word: (-len(word), word))
    account, key, row_id = index.c
    for word in words[:TRIED]:
        found = select(row_id).where(account == account_id, key.between(*_span(word)))
        some = select(func.count()).select_from(found.limit(most + 1).subquery())
        if tx.scalar(some) <= most:
            return found
    return None


def _keys(text: str) -> set[int]:
    return {_span(word)[0] for word in text.split()}


def _span(word: str) -> tuple[int, int]:
    """The first and the last key of words that begin so."""
    begins = word.encode()[:KEY_BYTES]
    return int.from_bytes(begins.ljust(KEY_BYTES, b"\x00")), int.from_bytes(begins.ljust(KEY_BYTES, b"\xff"))
