import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from core import Refused
from core.audience import workbook
from core.audience.workbook import MAX_COLUMNS, Reach
from tests.support.spreadsheet import HEADER, as_xls, as_xlsx, people

SHEET = "xl/worksheets/sheet1.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def rows(content: bytes, kind: str = "xlsx") -> list[Sequence[Any]]:
    with workbook.opened(io.BytesIO(content), kind) as sheet:
        return list(sheet.rows())


def refused(content: bytes, kind: str = "xlsx") -> Refused:
    with pytest.raises(Refused) as caught:
        rows(content, kind)
    return caught.value


def outcome(content: bytes, kind: str) -> str:
    try:
        rows(content, kind)
    except Refused as refusal:
        return refusal.code
    return "read"


def rezipped(content: bytes, change: Callable[[str, bytes], bytes | None], **options: Any) -> bytes:
    """The archive with its parts changed; None leaves one out."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, **options) as new,
    ):
        for name in old.namelist():
            if (part := change(name, old.read(name))) is not None:
                new.writestr(name, part)
    return made.getvalue()


def with_sheet(xml: str) -> bytes:
    return rezipped(as_xlsx([["x"]]), lambda name, part: xml.encode() if name == SHEET else part)


def cells_at(*references: str) -> str:
    cells = "".join(
        f'<row r="{ref.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}"><c r="{ref}"><v>1</v></c></row>' for ref in references
    )
    return f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>'


@pytest.mark.parametrize("kind, write", [("xlsx", as_xlsx), ("xls", as_xls)])
def test_both_formats_give_the_same_rows(kind: str, write: Callable[[list[Sequence[Any]]], bytes]) -> None:
    table: list[Sequence[Any]] = [HEADER, *people(3), [33612345678, 612345678.0, "€"]]
    assert rows(write(table), kind)[:4] == [list(row) for row in table[:4]]
    assert rows(write(table), kind)[4][:3] == [33612345678.0, 612345678.0, "€"]


def test_rows_keep_their_places_below_empty_ones() -> None:
    book = Workbook()
    book.active["B3"] = "x"  # type: ignore[index]
    file = io.BytesIO()
    book.save(file)
    assert rows(file.getvalue()) == [["", ""], ["", ""], ["", "x"]]


def test_dates_and_truth_become_text() -> None:
    assert rows(as_xlsx([[date(2026, 9, 21), True]])) == [["2026-09-21", "TRUE"]]


def test_a_formula_gives_its_saved_value_and_without_one_nothing() -> None:
    saved = f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1"><f>1+1</f><v>2</v></c><c r="B1"><f>1+1</f></c></row></sheetData></worksheet>'
    assert rows(with_sheet(saved)) == [[2.0]]


def test_a_hidden_first_sheet_is_passed_over() -> None:
    book = Workbook()
    book.active.sheet_state = "hidden"  # type: ignore[union-attr]
    book.create_sheet("Shown").append(["x"])
    file = io.BytesIO()
    book.save(file)
    assert rows(file.getvalue()) == [["x"]]


@pytest.mark.parametrize("corner", ["CV1000000", "XFD1048576", "CW1", "A1000002"])
def test_two_cells_in_far_corners_are_refused_before_a_rectangle_is_made(corner: str) -> None:
    assert refused(with_sheet(cells_at("A1", corner))).code == "table_too_large"


def test_formatting_that_reaches_the_edge_does_no_harm() -> None:
    blank = f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1"><v>7</v></c><c r="XFD1" s="1"/></row></sheetData></worksheet>'
    assert rows(with_sheet(blank)) == [[7.0]]


def test_a_part_that_inflates_beyond_the_limit_is_refused_by_the_directory() -> None:
    made = io.BytesIO(as_xlsx([["x"]]))
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/bomb.xml", "w") as part:
        for _ in range(513):
            part.write(b" " * (1 << 20))
    assert len(made.getvalue()) < 1 << 20
    assert refused(made.getvalue()).code == "table_too_large"


def test_a_directory_that_lies_about_a_size_is_found_out() -> None:
    content = with_sheet(cells_at("A1") + " " * 100_000)
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(SHEET.encode()))
    lying = bytearray(content)
    lying[entry + 24 : entry + 28] = (50).to_bytes(4, "little")  # the uncompressed size
    assert refused(bytes(lying)).code == "unreadable_file"


def test_a_directory_of_a_million_entries_is_not_read() -> None:
    content = bytearray(as_xlsx([["x"]]))
    end = content.rindex(b"PK\x05\x06")
    content[end + 12 : end + 16] = (40 << 20).to_bytes(4, "little")
    assert refused(bytes(content)).code == "unreadable_file"


@pytest.mark.parametrize(
    "xml",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>',
        "<worksheet",
        f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A99999999"><v>1</v></c></row></sheetData></worksheet>',
        f'<worksheet xmlns="{MAIN}"><sheetData><row r="-1"><c><v>1</v></c></row></sheetData></worksheet>',
    ],
)
def test_xml_that_no_office_program_writes_is_refused(xml: str) -> None:
    assert refused(with_sheet(xml)).code == "unreadable_file"


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"PK\x03\x04" + b"x" * 100])
def test_a_broken_archive_is_refused(content: bytes) -> None:
    assert refused(content).code == "unreadable_file"


def test_an_archive_that_is_no_workbook_is_refused_in_words() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    assert "not an Excel workbook" in refused(made.getvalue()).detail


def test_a_protected_part_is_refused() -> None:
    content = bytearray(as_xlsx([["x"]]))
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        place = content.find(mark)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(mark, place + 1)
    assert refused(bytes(content)).code == "unreadable_file"


@pytest.mark.parametrize("name", ["xl/workbook.xml", SHEET, "[Content_Types].xml", "xl/_rels/workbook.xml.rels"])
def test_a_workbook_with_a_part_missing_is_refused_or_read_but_never_a_fault_of_ours(name: str) -> None:
    content = rezipped(as_xlsx([["x"]]), lambda each, part: None if each == name else part)
    assert outcome(content, "xlsx") in {"read", "unreadable_file"}


def test_an_xls_whose_cells_claim_far_corners_takes_nobodys_memory() -> None:
    """The reader asks for 65,536 rows of 65,536 cells at 32 bytes: the process that does is refused it, and ends."""
    content = bytearray(as_xls([[3.14159], [2.71828]]))
    number = bytes.fromhex("03020e00")  # the record NUMBER and its length: row, column, format, value
    last = content.rindex(number)
    assert content.count(number) == 2
    content[last + 4 : last + 8] = b"\xff\xff\xff\xff"
    assert refused(bytes(content), "xls").code == "unreadable_file"


@settings(max_examples=25)
@given(st.binary(min_size=1, max_size=60), st.integers(0, 5000))
def test_a_damaged_xls_is_refused_or_read_but_never_a_fault_of_ours(noise: bytes, at: int) -> None:
    content = bytearray(as_xls([HEADER, *people(2)]))
    content[at : at + len(noise)] = noise
    assert outcome(bytes(content), "xls") in {"read", "unreadable_file", "table_too_large"}


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, MAX_COLUMNS)), min_size=1, max_size=10))
def test_the_reach_is_that_of_the_farthest_cells(places: list[tuple[int, int]]) -> None:
    reach = Reach()
    reach.feed(
        b"<s>"
        + b"".join(f'<x:c xmlns:x="u" r="{letters(column)}{row}"><x:v>1</x:v></x:c>'.encode() for row, column in places)
    )
    assert (reach.height, reach.width) == (max(row for row, _ in places), max(column for _, column in places))


def test_cells_without_references_follow_each_other() -> None:
    reach = Reach()
    reach.feed(b"<s><row><c><v>1</v></c><c><v>1</v></c></row><row r='5'><c><v>1</v></c></row></s>", last=True)
    assert (reach.height, reach.width) == (5, 2)


def letters(column: int) -> str:
    head, tail = divmod(column - 1, 26)
    return (letters(head) if head else "") + chr(ord("A") + tail)
