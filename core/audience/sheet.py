"""A workbook unpacked into lines of JSON, as a program of its own: `python -I sheet.py FILE MAX_HEIGHT MAX_WIDTH MAX_CELLS`.

calamine lays a sheet out as a full rectangle, and believes a file about its corners: a few damaged bytes in an .xls file, and it asks
for a hundred gigabytes. So it works in a process that may take so much memory and time and no more; its end is nobody else's. The first
line tells the sheet's name, height and width; the others are its rows, from the first of the sheet, and are left out where the sheet
is larger than asked for. Imports nothing of ours: it has to start quickly.
"""

import json
import resource
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Final

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

MEMORY_BYTES: Final = 1 << 30
CPU_SECONDS: Final = 120
BROKEN, PROTECTED, EMPTY = 3, 4, 5  # what the exit status says

Cell = str | float


def main(path: str, max_height: int, max_width: int, max_cells: int) -> int:
    _limit()
    try:
        sheet = first_sheet(CalamineWorkbook.from_path(path))
    except PasswordError:
        return PROTECTED
    except (CalamineError, OSError, ValueError, MemoryError):
        return BROKEN
    if sheet is None:
        return EMPTY
    height, width = sheet.total_height, sheet.total_width
    print(json.dumps({"sheet": sheet.name, "height": height, "width": width}))  # noqa: T201 - this is the output
    if height <= max_height and width <= max_width and height * width <= max_cells:
        sys.stdout.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows(sheet))
    return 0


def first_sheet(book: CalamineWorkbook) -> CalamineSheet | None:
    """The first one that a person sees."""
    shown = (
        place
        for place, sheet in enumerate(book.sheets_metadata)
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    )
    place = next(shown, None)
    return None if place is None else book.get_sheet_by_index(place)


def rows(sheet: CalamineSheet) -> Iterator[list[Cell]]:
    """Every row and column from the first, empty ones too. Formulas give the values that they were saved with."""
    before: list[Cell] = [""] * (sheet.start[1] if sheet.start else 0)  # calamine leaves out empty columns on the left
    for row in sheet.iter_rows():
        yield before + [cell if isinstance(cell, str | float) else _plain(cell) for cell in row]


def _plain(cell: float | bool | date | time | datetime | timedelta) -> Cell:
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int):
        return float(cell)
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
