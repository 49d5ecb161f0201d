"""A table in a file, whatever its format: csv, xls or xlsx. Rows keep the places that they have on the screen."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from core.audience import delimited, workbook
from core.audience.sheet import Cell
from core.audience.workbook import MAX_COLUMNS

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


@dataclass(frozen=True, slots=True)
class Table:
    """An open file. `rows` begins anew whenever it is called: the rows that are not blank, one after the other."""

    source: Source
    rows: Callable[[], Iterator[Row]]


@contextmanager
def opened(file: BinaryIO, separator: str | None = None) -> Iterator[Table]:
    """The table in a file of a format not known yet. Refuses `unreadable_file` and `table_too_large`, perhaps only half way."""
    with reopened(file, _examine(file, separator)) as table:
        yield table


@contextmanager
def reopened(file: BinaryIO, source: Source) -> Iterator[Table]:
    """The table in a file that was opened before, read exactly as it was then."""
    if source.format == "csv":
        yield Table(source, lambda: _rows(_records(file, source)))
    else:
        with workbook.opened(file, source.format) as sheet:
            yield Table(replace(source, sheet=sheet.name), lambda: _rows(sheet.rows()))


def _examine(file: BinaryIO, separator: str | None) -> Source:
    """What a file is, by its content."""
    file.seek(0)
    beginning = file.read(8)
    if beginning.startswith(_ZIP):
        return Source("xlsx")
    if beginning.startswith(_OLE):
        return Source("xls")
    file.seek(0)
    encoding = delimited.encoding_of(iter(lambda: file.read(delimited.PIECE), b""))
    return Source("csv", encoding, separator or delimited.separator_of(delimited.sample_of(file, encoding)))


def _records(file: BinaryIO, source: Source) -> Iterator[Sequence[Cell]]:
    for record in delimited.records(file, source.encoding or "utf-8", source.separator):
        yield record[:MAX_COLUMNS]


def _rows(lines: Iterable[Sequence[Cell]]) -> Iterator[Row]:
    for place, cells in enumerate(lines, 1):
        if any(cell.strip() if isinstance(cell, str) else True for cell in cells):
            workbook.check_size(place, 1)
            yield Row(place, cells)
