"""Tables as files: CSV and Excel, in pieces, whatever their length.

Every text is written as text, so a number keeps its plus and its digits. A cell that a spreadsheet would take for a formula gets an
apostrophe before it (OWASP, "CSV Injection"): names and replies were typed by strangers. A plus and digits, and nothing else, is no
more than a number, and stays as it is.
"""

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PIECE_ROWS: Final = 1000
PIECE_BYTES: Final = 256 << 10
SHEET_ROWS: Final = 1_048_576  # what Excel takes; the rest goes to another sheet
CELL_CHARS: Final = 32_767

Cell = str | int | float | None
_DANGEROUS: Final = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")  # the wide ones too: Excel reads them alike
_NUMBER: Final = re.compile(r"\+[0-9]+", re.ASCII)


def neutral(value: Cell) -> Cell:
    """A cell that no spreadsheet computes; texts only, as a number of ours is one already."""
    if isinstance(value, str) and _DANGEROUS.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def csv_pieces(columns: Sequence[str], rows: Iterable[Sequence[Cell]], separator: str = ",") -> Iterator[bytes]:
    """RFC 4180 in UTF-8, with the byte order mark without which Excel reads it as cp1252.

    A comma, as the RFC and every program but a French Excel expects; who wants `;` asks for it.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    text.write("\ufeff")
    writer.writerow(map(neutral, columns))
    for count, row in enumerate(rows, 1):
        writer.writerow(map(neutral, row))
        if count % PIECE_ROWS == 0:
            yield _taken(text)
    yield _taken(text)


def xlsx_pieces(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], sheet_rows: int = SHEET_ROWS
) -> Iterator[bytes]:
    """An Excel workbook, made in a temporary file: rows pass through one by one. Beyond a sheet's rows there is another sheet."""
    left = iter(rows)
    with tempfile.TemporaryFile() as file:
        book = Workbook(write_only=True)
        while _fill(book.create_sheet(), columns, islice(left, sheet_rows - 1)) == sheet_rows - 1:
            pass
        book.save(file)
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            yield piece


def _fill(sheet: WriteOnlyWorksheet, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    """A header and these rows; how many they were. No text begins with `=` any more, of which openpyxl would make a formula."""
    count = 0
    for row in chain([columns], rows):
        sheet.append([_writable(value) for value in row])
        count += 1
    return count - 1


def _writable(value: Cell) -> Cell:
    """Without control characters, which XML cannot hold, and no longer than a cell."""
    return str(neutral(ILLEGAL_CHARACTERS_RE.sub(" ", value)))[:CELL_CHARS] if isinstance(value, str) else value


def _taken(text: io.StringIO) -> bytes:
    written = text.getvalue().encode("utf-8", "replace")
    text.seek(0)
    text.truncate()
    return written
