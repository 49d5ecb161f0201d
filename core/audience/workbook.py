"""Excel's two formats: known to be harmless first, then unpacked by calamine in a process of its own (see sheet.py).

A zip directory may lie about sizes. So of an .xlsx file, what is unpacked is a copy that we wrote ourselves: each part inflated to its
declared size at most, and parsed once to find how far its cells reach.
"""

import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, BinaryIO, Final
from xml.parsers import expat

from core.audience import sheet as unpacking
from core.audience.sheet import Cell
from core.errors import Refused

MAX_ROWS: Final = 1_000_000
MAX_COLUMNS: Final = 100
MAX_CELLS: Final = 10_000_000  # of the rectangle; calamine takes 32 bytes for each
MAX_XML_BYTES: Final = 512 << 20
MAX_PARTS: Final = 2_000
MAX_DIRECTORY_BYTES: Final = 1 << 20
PIECE: Final = 256 << 10
UNPACK_SECONDS: Final = 300  # by the clock; sheet.py counts its own

_REFERENCE: Final = re.compile(r"([A-Za-z]{1,3})([1-9][0-9]{0,6})", re.ASCII)
_ROW: Final = re.compile(r"[1-9][0-9]{0,6}", re.ASCII)
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The first visible sheet of a workbook. `rows` begins anew whenever it is called: all rows from the first, empty ones too."""

    name: str
    rows: Callable[[], Iterator[Sequence[Cell]]]


@contextmanager
def opened(file: BinaryIO, kind: str) -> Iterator[Sheet]:
    """An xls or xlsx file. Refuses `unreadable_file` and `table_too_large`, in words that say what to do."""
    with tempfile.NamedTemporaryFile(suffix=f".{kind}") as book, tempfile.NamedTemporaryFile() as lines:
        (_copy_checked if kind == "xlsx" else _copy)(file, book)
        book.flush()
        _unpack(book.name, lines)
        yield _sheet(Path(lines.name))


def check_size(height: int, width: int) -> None:
    """Refuses (`table_too_large`) more rows, columns or cells than are read."""
    if height > MAX_ROWS + 1:  # one for the header
        raise Refused("table_too_large", f"More than {MAX_ROWS:,} rows: import the file in parts.")
    if width > MAX_COLUMNS:
        raise Refused("table_too_large", f"More than {MAX_COLUMNS} columns: delete those that are not needed.")
    if height * width > MAX_CELLS:
        raise Refused("table_too_large", f"More than {MAX_CELLS:,} cells: delete the columns that are not needed.")


def _copy(file: BinaryIO, book: IO[bytes]) -> None:
    file.seek(0)
    shutil.copyfileobj(file, book)


def _unpack(path: str, lines: IO[bytes]) -> None:
    limits = [str(limit) for limit in (MAX_ROWS + 1, MAX_COLUMNS, MAX_CELLS)]
    command = [sys.executable, "-I", unpacking.__file__, path, *limits]
    try:
        done = subprocess.run(  # noqa: S603 - our own program, on a file of our own
            command,
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=UNPACK_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise _unreadable() from None
    if done.returncode == unpacking.PROTECTED:
        raise Refused("unreadable_file", "This workbook is protected by a password: save it without one.")
    if done.returncode == unpacking.EMPTY:
        raise Refused("unreadable_file", "This workbook has no visible sheet.")
    if done.returncode:
        raise _unreadable()


def _sheet(lines: Path) -> Sheet:
    with lines.open(encoding="utf-8") as text:
        told = json.loads(text.readline())
    check_size(told["height"], told["width"])
    return Sheet(told["sheet"], lambda: _rows(lines))


def _rows(lines: Path) -> Iterator[Sequence[Cell]]:
    with lines.open(encoding="utf-8", newline="\n") as text:
        text.readline()
        for line in text:
            yield json.loads(line)


def _unreadable() -> Refused:
    return Refused("unreadable_file", "This workbook cannot be read: open it, and save it again as .xlsx or as .csv.")


def _copy_checked(file: BinaryIO, book: IO[bytes]) -> None:
    """What calamine needs of an .xlsx file, every byte of it seen."""
    try:
        _check_directory(file)
        with zipfile.ZipFile(file) as archive, zipfile.ZipFile(book, "w") as checked:
            for part in _parts(archive):
                _copy_part(archive, part, checked)
    except (*_BROKEN, expat.ExpatError):
        raise _unreadable() from None


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
        raise Refused(
            "unreadable_file", "This is not an Excel workbook of a kind that is read: save it as .xlsx or as .csv."
        )
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
