"""Spreadsheets to import: what people really send. Each table is a header and rows; each writer makes the bytes of a file."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import xlwt
from openpyxl import Workbook

HEADER = ("Mobile", "Nom", "Prénom", "E-mail", "Société")

# Spellings of one number; what each must be read as is +33612345678.
SAME = ("0612345678", "+33612345678", "0033612345678", "33612345678", "612345678", "06 12 34 56 78", "06.12.34.56.78")
OVERSEAS = "+596696123456"
FOREIGN = "+447400123456"
BAD = ("0123", "n/a", "0142685300", "3.36E+10")  # too short, no number, a fixed line, rounded by a spreadsheet


def people(count: int, start: int = 0) -> Iterator[list[str]]:
    """Rows with distinct mobile numbers of France, accents and euro signs."""
    for place in range(start, start + count):
        yield [f"06{10_000_000 + place}", f"Lefèvre {place}", "Zoé", f"zoe{place}@example.com", "Café à 2 €"]


def as_csv(
    rows: Iterable[Sequence[Any]], *, separator: str = ";", encoding: str = "utf-8", newline: str = "\r\n"
) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=newline).writerows(rows)
    return text.getvalue().encode(encoding)


def as_xlsx(rows: Iterable[Sequence[Any]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Feuille")
    for row in rows:
        sheet.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def as_xls(rows: Iterable[Sequence[Any]]) -> bytes:
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Feuille")
    for line, row in enumerate(rows):
        for place, cell in enumerate(row):
            sheet.write(line, place, cell)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


WRITERS = {"csv": as_csv, "xls": as_xls, "xlsx": as_xlsx}
