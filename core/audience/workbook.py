"""Excel's two formats, read by calamine once they are known to be harmless.

calamine lays a sheet out as a full rectangle of cells: two cells in opposite corners of a file of 5 kB would take gigabytes. And a
zip directory may lie about sizes. So of an .xlsx it is given a copy that we wrote ourselves: each part inflated to its declared size
at most, parsed once to find how far its cells reach.
"""

import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import BinaryIO, Final
from xml.parsers import expat

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from core.errors import Refused

MAX_ROWS: Final = 1_000_000
MAX_COLUMNS: Final = 100
MAX_CELLS: Final = 10_000_000  # of the rectangle; calamine takes 32 bytes for each
MAX_XML_BYTES: Final = 512 << 20
MAX_PARTS: Final = 2_000
MAX_DIRECTORY_BYTES: Final = 1 << 20
PIECE: Final = 256 << 10

Cell = str | float
Opener = Callable[[], CalamineWorkbook]
_REFERENCE: Final = re.compile(r"([A-Za-z]{1,3})([1-9][0-9]{0,6})", re.ASCII)
_ROW: Final = re.compile(r"[1-9][0-9]{0,6}", re.ASCII)
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error)


@contextmanager
def opened(file: BinaryIO, kind: str) -> Iterator[CalamineSheet]:
    """The first visible sheet of an xls or xlsx file.

    Refuses `unreadable_file` and `table_too_large`, in words that say what to do.
    """
    with _trusted(file) if kind == "xlsx" else _as_it_is(file) as open_book:
        sheet = _reading(lambda: _first_sheet(open_book()))
        check_size(sheet.total_height, sheet.total_width)
        yield sheet


def rows(sheet: CalamineSheet) -> Iterator[Sequence[Cell]]:
    """Every row and column from the first of the sheet, empty ones too. Formulas give the values that they were saved with."""
    before: list[Cell] = [""] * (sheet.start[1] if sheet.start else 0)  # calamine leaves out empty columns on the left
    for row in sheet.iter_rows():
        yield before + [cell if isinstance(cell, str | float) else _plain(cell) for cell in row]


def check_size(height: int, width: int) -> None:
    """Refuses (`table_too_large`) more rows, columns or cells than are read."""
    if height > MAX_ROWS + 1:  # one for the header
        raise Refused("table_too_large", f"More than {MAX_ROWS:,} rows: import the file in parts.")
    if width > MAX_COLUMNS:
        raise Refused("table_too_large", f"More than {MAX_COLUMNS} columns: delete those that are not needed.")
    if height * width > MAX_CELLS:
        raise Refused("table_too_large", f"More than {MAX_CELLS:,} cells: delete the columns that are not needed.")


def _first_sheet(book: CalamineWorkbook) -> CalamineSheet:
    shown = [
        place
        for place, sheet in enumerate(book.sheets_metadata)
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ]
    if not shown:
        raise Refused("unreadable_file", "This workbook has no visible sheet.")
    return book.get_sheet_by_index(shown[0])


def _reading(read: Callable[[], CalamineSheet]) -> CalamineSheet:
    """calamine's own errors, and the panics of its language, as words for a person."""
    try:
        return read()
    except PasswordError:
        raise Refused("unreadable_file", "This workbook is protected by a password: save it without one.") from None
    except (CalamineError, OSError, ValueError):
        raise _unreadable() from None
    except BaseException as error:
        # A Rust panic derives from BaseException and its class cannot be imported. It says only that the file is broken.
        if type(error).__name__ != "PanicException":
            raise
        raise _unreadable() from None


def _unreadable() -> Refused:
    return Refused("unreadable_file", "This workbook cannot be read: open it, and save it again as .xlsx or as .csv.")


def _plain(cell: float | bool | date | time | datetime | timedelta) -> Cell:
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int):
        return float(cell)
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


@contextmanager
def _as_it_is(file: BinaryIO) -> Iterator[Opener]:
    """An .xls file has 65,536 rows and 256 columns at most, by its format."""
    file.seek(0)
    yield lambda: CalamineWorkbook.from_filelike(file)


@contextmanager
def _trusted(file: BinaryIO) -> Iterator[Opener]:
    """A copy of what calamine needs of an .xlsx file, every byte of it seen. By its path: a file object would be read into memory."""
    with tempfile.NamedTemporaryFile(suffix=".xlsx") as copy:
        try:
            _check_directory(file)
            with zipfile.ZipFile(file) as archive, zipfile.ZipFile(copy, "w") as checked:
                for part in _parts(archive):
                    _copy_part(archive, part, checked)
        except (*_BROKEN, expat.ExpatError):
            raise _unreadable() from None
        copy.flush()
        yield lambda: CalamineWorkbook.from_path(copy.name)


def _check_directory(file: BinaryIO) -> None:
    """The size of the zip directory, before a library reads it whole: APPNOTE.TXT 4.3.16. A file of this size needs no zip64."""
    size = file.seek(0, 2)
    file.seek(max(size - 65_557, 0))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or tail[max(end - 20, 0) :].startswith(b"PK\x06\x07"):
        raise _unreadable()
    (directory_bytes,) = struct.unpack_from("<I", tail, end + 12)
    if directory_bytes > MAX_DIRECTORY_BYTES:
        raise _unreadable()


def _parts(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Only XML: pictures and macros stay behind. By name, so that two parts of one name cannot mean different things."""
    named = {part.filename: part for part in archive.infolist() if part.filename.lower().endswith((".xml", ".rels"))}
    if not any(name.lower().endswith("workbook.xml") for name in named):
        raise Refused("unreadable_file", "This is not an Excel workbook of a kind that is read: save it as .xlsx or as .csv.")
    if len(named) > MAX_PARTS or sum(part.file_size for part in named.values()) > MAX_XML_BYTES:
        raise Refused("table_too_large", "This workbook is too large once unpacked: import it in parts, or as .csv.")
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in named.values()):
        raise _unreadable()
    return list(named.values())


def _copy_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, checked: zipfile.ZipFile) -> None:
    reach = Reach()
    with archive.open(part) as source, checked.open(part.filename, "w") as target:
        while piece := source.read(PIECE):
            reach.feed(piece)
            target.write(piece)
        reach.feed(b"", last=True)


class Reach:
    """How far the cells of a part reach that hold something; blank ones, which formatting leaves to the edges, do not count."""

    def __init__(self) -> None:
        self.height = self.width = 0
        self._row = self._column = 0
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, piece: bytes, *, last: bool = False) -> None:
        self._parser.Parse(piece, last)
        check_size(self.height, self.width)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        kind = name.rpartition(":")[2] if ":" in name else name
        if kind == "c":
            self._cell(attributes.get("r"))
        elif kind in ("v", "is", "f"):
            self.height, self.width = max(self.height, self._row), max(self.width, self._column)
        elif kind == "row":
            self._next_row(attributes.get("r"))

    def _next_row(self, place: str | None) -> None:
        if place is not None and not _ROW.fullmatch(place):
            raise _unreadable()
        self._row, self._column = int(place) if place else self._row + 1, 0

    def _cell(self, reference: str | None) -> None:
        if reference is None:
            self._column += 1
            return
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            raise _unreadable()
        self._row, self._column = int(found[2]), _column(found[1])

    def _doctype(self, *_declared: object) -> None:
        raise _unreadable()  # no office program writes one; entities could make gigabytes of a line


@cache
def _column(letters: str) -> int:
    place = 0
    for letter in letters.upper():
        place = place * 26 + ord(letter) - ord("A") + 1
    return place
