"""A table in a file, whatever its format: csv, xls or xlsx. Rows keep the places that they have on the screen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from core.audience import delimited, workbook
from core.audience.workbook import MAX_COLUMNS, Cell
from core.errors import Refused

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = bytes.fromhex("D0CF11E0A1B11AE1")


@dataclass(frozen=True, slots=True)
class Source:
    """How a file is to be read. `format` is csv, xls or xlsx; the others are None where they mean nothing."""

    format: str
    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """`place` counts from 1, the header and blank rows included."""

    place: int
    cells: Sequence[Cell]


def examine(file: BinaryIO, separator: str | None = None) -> Source:
    """What the file is, by its content. Refuses `unreadable_file` and `too_large_a_table`."""
    file.seek(0)
    beginning = file.read(8)
    if beginning.startswith(_ZIP):
        return _examine_book(file, "xlsx")
    if beginning.startswith(_OLE):
        return _examine_book(file, "xls")
    file.seek(0)
    encoding = delimited.encoding_of(iter(lambda: file.read(delimited.PIECE), b""))
    return Source("csv", encoding, separator or delimited.separator_of(delimited.sample_of(file, encoding)))


def rows(file: BinaryIO, source: Source) -> Iterator[Row]:
    """The rows that are not blank, one after the other. Refuses `unreadable_file` and `too_large_a_table`, perhaps half way."""
    for place, cells in enumerate(_cells(file, source), 1):
        if any(cell.strip() if isinstance(cell, str) else True for cell in cells):
            if place > workbook.MAX_ROWS + 1:
                raise Refused("too_large_a_table", f"More than {workbook.MAX_ROWS:,} rows: import the file in parts.")
            yield Row(place, cells)


def _examine_book(file: BinaryIO, kind: str) -> Source:
    with workbook.opened(file, kind) as sheet:
        return Source(kind, sheet=sheet.name)


def _cells(file: BinaryIO, source: Source) -> Iterator[Sequence[Cell]]:
    if source.format == "csv":
        for record in delimited.records(file, source.encoding or "utf-8", source.separator):
            yield record[:MAX_COLUMNS]
    else:
        with workbook.opened(file, source.format) as sheet:
            yield from workbook.rows(sheet)
