"""Separated text (RFC 4180 and what passes for it): which encoding, which separator, which records.

csv.Sniffer is not used: for a column of numbers it finds that the separator is "6". Here the four usual ones are tried, and the one
wins that gives rows of one width with numbers in them.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import BinaryIO, Final, TextIO

from core.errors import Refused

SEPARATORS: Final = (";", "\t", ",", "|")
NO_SEPARATOR: Final = "\x1f"  # what csv is told when there is one column: it needs one, and nobody writes this
PIECE: Final = 1 << 20
SAMPLE_CHARS: Final = 64 << 10
SAMPLE_ROWS: Final = 200

_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NUMBER_LIKE: Final = re.compile(r"""\s*=?["']*\+?\d[\d .()/-]{4,24}(?:[.,]0+)?["']*\s*""", re.ASCII)
_ROUNDED: Final = re.compile(r"\s*\d(?:[.,]\d+)?[eE]\+?\d{1,2}\s*", re.ASCII)


def is_number_like(cell: object) -> bool:
    """Whether a cell is written like a phone number, valid or not; one that a spreadsheet rounded is one too."""
    if isinstance(cell, str):
        digits = sum(char.isdecimal() for char in cell)
        return bool((digits >= 6 and _NUMBER_LIKE.fullmatch(cell)) or _ROUNDED.fullmatch(cell))
    return isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) >= 100_000


def encoding_of(pieces: Iterable[bytes]) -> str:
    """A byte order mark decides; else UTF-8 if all of the file is, else cp1252, which is what Windows writes. Reads to the end.

    Refuses (`unreadable_file`) what is no text, and lines without end.
    """
    decoder, marked = codecs.getincrementaldecoder("utf-8")(), ""
    utf8 = True
    for place, piece in enumerate(pieces):
        marked = marked or (_mark(piece) if place == 0 else "")
        _check_text(piece, marked)
        utf8 = utf8 and not marked and _decodes(decoder, piece)
    return marked or ("utf-8" if utf8 and _decodes(decoder, b"", final=True) else "cp1252")


def separator_of(sample: str) -> str | None:
    """Which of SEPARATORS parts the rows of a file's beginning; None where there is one column.

    Rows may be of different widths: people leave out what stands empty at the end.
    """
    tables = {separator: _sample_rows(sample, separator) for separator in SEPARATORS}
    parting = [separator for separator, rows in tables.items() if _parts(rows)]
    best = max(parting, key=lambda separator: _score(tables[separator]), default=None)
    whole = _score(_sample_rows(sample, None))
    return best if best and _score(tables[best])[0] >= whole[0] else None


def sample_of(file: BinaryIO, encoding: str) -> str:
    """The beginning of the text, cut at the end of a line where it is longer."""
    with _text(file, encoding) as text:
        beginning = text.read(SAMPLE_CHARS)
        if not text.read(1):
            return beginning
    cut = max(beginning.rfind("\n"), beginning.rfind("\r"))
    return beginning[: cut + 1] if cut > 0 else beginning


def records(file: BinaryIO, encoding: str, separator: str | None) -> Iterator[list[str]]:
    """Every record from the first, empty ones too. Refuses (`unreadable_file`) a quotation mark that is never closed."""
    with _text(file, encoding) as text:
        yield from _parse(text, separator)


def _parse(lines: Iterable[str], separator: str | None) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=separator or NO_SEPARATOR)
    try:
        yield from reader
    except csv.Error:
        raise Refused(
            "unreadable_file",
            f"Near line {reader.line_num} a field does not end: is there a quotation mark that is never closed?",
        ) from None


def _parts(rows: Sequence[list[str]]) -> bool:
    """Whether the header, or most rows, come apart."""
    return bool(rows) and (len(rows[0]) > 1 or sum(len(row) > 1 for row in rows) > len(rows) / 2)


def _score(rows: Sequence[list[str]]) -> tuple[float, float, int]:
    """How likely a table is: the share of rows with a number in a cell of its own, of rows of the usual width, and that width."""
    if not rows:
        return 0.0, 0.0, 0
    width, usual = Counter(map(len, rows)).most_common(1)[0]
    with_number = sum(any(map(is_number_like, row)) for row in rows)
    return round(with_number / len(rows), 1), usual / len(rows), width


def _sample_rows(sample: str, separator: str | None) -> Sequence[list[str]]:
    lines = io.StringIO(sample, newline="")
    try:
        return [row for row in islice(_parse(lines, separator), SAMPLE_ROWS) if any(row)]
    except Refused:  # with another separator the quotation marks may stand where they mean nothing
        return []


def _text(file: BinaryIO, encoding: str) -> "_Lent":
    file.seek(0)
    return _Lent(file, encoding)


class _Lent:
    """The file as text for a while; it stays open when the text is closed."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._text = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")

    def __enter__(self) -> TextIO:
        return self._text

    def __exit__(self, *_error: object) -> None:
        with suppress(ValueError):  # a reader who was left half way is let go of when the file is closed already
            self._text.detach()


def _mark(piece: bytes) -> str:
    return next((encoding for mark, encoding in _BOMS if piece.startswith(mark)), "")


def _check_text(piece: bytes, marked: str) -> None:
    if marked != "utf-16" and b"\0" in piece:
        raise Refused("unreadable_file", "This file is not a spreadsheet: give a .csv, .xls or .xlsx file.")
    if len(piece) == PIECE and b"\n" not in piece and b"\r" not in piece:
        raise Refused("unreadable_file", "A line of this file is longer than 1 MiB: it is not a table.")


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True
