import csv
import io
import re
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from hub.export import csv_pieces, neutral, xlsx_pieces

COLUMNS = ("number", "name")
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")))
FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://evil","x")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1+1",
    "+33 6",
    "+",
    "-5",
]


def read_csv(pieces: Sequence[bytes], separator: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(pieces).decode("utf-8-sig"), newline=""), delimiter=separator))


def read_xlsx(content: bytes) -> list[list[object]]:
    return [
        [cell.value for cell in row]
        for row in load_workbook(io.BytesIO(content), read_only=True).worksheets[0].iter_rows()
    ]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("value", ["+33612345678", "Anne", "a=b", "", "06 12", None, -5, 1.5])
def test_numbers_and_plain_texts_stay_as_they_are(value: str | float | None) -> None:
    assert neutral(value) == value


@given(TEXTS)
def test_nothing_that_is_exported_begins_a_formula_and_the_text_can_be_had_back(text: str) -> None:
    safe = neutral(text)
    assert isinstance(safe, str)
    assert not re.match(r"[=+\-@\t\r]", safe) or re.fullmatch(r"\+[0-9]+", safe)
    assert safe.removeprefix("'") == text.removeprefix("'") or safe == f"'{text}"


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=20), st.sampled_from([",", ";"]))
def test_any_table_comes_back_from_csv(rows: list[tuple[str, str]], separator: str) -> None:
    expected = [[neutral(cell) for cell in row] for row in [COLUMNS, *rows]]
    assert read_csv(list(csv_pieces(COLUMNS, rows, separator)), separator) == expected


def test_csv_begins_with_the_mark_by_which_excel_knows_utf8_and_ends_lines_as_the_rfc_says() -> None:
    assert b"".join(csv_pieces(("é",), [("a,b",), ('"',)])) == b'\xef\xbb\xbf\xc3\xa9\r\n"a,b"\r\n""""\r\n'


def test_a_long_csv_comes_in_pieces() -> None:
    pieces = list(csv_pieces(COLUMNS, ((str(place), "x") for place in range(2500))))
    assert [piece.count(b"\r\n") for piece in pieces] == [1001, 1000, 500]


def test_a_workbook_keeps_numbers_as_text_and_formulas_as_words() -> None:
    rows = [("+33612345678", "=1+1"), ("0612345678", None), ("a\x00b\x0b", -5), ("#N/A", "x" * 40_000)]
    assert read_xlsx(b"".join(xlsx_pieces(COLUMNS, rows))) == [
        list(COLUMNS),
        ["+33612345678", "'=1+1"],
        ["0612345678"],
        ["a b ", -5],
        ["#N/A", "x" * 32_767],
    ]


def test_an_empty_workbook_has_its_header() -> None:
    assert read_xlsx(b"".join(xlsx_pieces(COLUMNS, []))) == [list(COLUMNS)]


def test_what_a_sheet_cannot_hold_goes_to_the_next_one_under_the_same_header() -> None:
    made = b"".join(xlsx_pieces(("n",), ((place,) for place in range(5)), sheet_rows=4))
    sheets = load_workbook(io.BytesIO(made)).worksheets
    assert [[cell.value for cell in sheet["A"]] for sheet in sheets] == [["n", 0, 1, 2], ["n", 3, 4]]


def test_memory_does_not_grow_with_the_table() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in csv_pieces(COLUMNS, ((f"+336{place:08}", "Anne") for place in range(count))):
            pass
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return reached

    peak(2000)
    assert peak(50_000) < 2 * peak(5_000)
