import csv
import io
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import Refused
from core.audience.delimited import PIECE, SEPARATORS, encoding_of, is_number_like, records, sample_of, separator_of
from tests.support.spreadsheet import HEADER, as_csv, people

TABLE = [HEADER, *people(20)]


def parsed(content: bytes, separator: str | None = None) -> list[list[str]]:
    file = io.BytesIO(content)
    encoding = encoding_of([content])
    return list(records(file, encoding, separator or separator_of(sample_of(file, encoding))))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", SEPARATORS)
def test_a_table_is_read_whatever_its_encoding_and_separator(encoding: str, separator: str) -> None:
    assert parsed(as_csv(TABLE, separator=separator, encoding=encoding)) == [list(row) for row in TABLE]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_end_of_line_is_one(newline: str) -> None:
    assert len(parsed(as_csv(TABLE, newline=newline))) == len(TABLE)


@pytest.mark.parametrize(
    "pieces, encoding",
    [
        ([b"abc"], "utf-8"),
        (["é".encode()[:1], "é".encode()[1:]], "utf-8"),  # a letter across two pieces
        ([b"ok " * 1000, b"caf\xe9"], "cp1252"),  # the last byte decides
        ([b"caf\xc3"], "cp1252"),  # and so does a letter that is cut off
        ([], "utf-8"),
        ([b"\xef\xbb\xbfa", b"\xef\xbb\xbf"], "utf-8-sig"),
    ],
)
def test_the_whole_file_decides_its_encoding(pieces: list[bytes], encoding: str) -> None:
    assert encoding_of(pieces) == encoding


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0", b"x" * PIECE])
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="unreadable_file"):
        encoding_of([content])


@pytest.mark.parametrize(
    "text, separator",
    [
        ("0612345678\n0612345679\n", None),  # csv.Sniffer says 6
        ("Mobile\n0612345678\n", None),
        ("", None),
        ("Mobile;Nom\n0612345678;Durand, Anne\n0612345679;Durand, Bob\n", ";"),
        ("Mobile,Nom\n0612345678,a;b\n0612345679,c;d\n", ","),
        ("Mobile|Note\n0612345678|1,5\n0612345679|2,5\n", "|"),
        ('0612345678;"deux\nlignes"\n0612345679;"et; trois"\n', ";"),
        ("Durand, Anne\nDupont, Bob\n", ","),
        ("Mobile;Nom;Prénom\n0612345678\n0612345679;Durand\n0612345670\n", ";"),  # ragged
        ("0612345678\n0612345679\nask, first\n0612345670\n", None),
    ],
)
def test_the_separator_is_the_one_that_gives_even_rows_with_numbers(text: str, separator: str | None) -> None:
    assert separator_of(text) == separator


CELLS = st.text(alphabet=string.ascii_letters + " é'\"\n" + "".join(SEPARATORS), max_size=12)


@given(
    separator=st.sampled_from(SEPARATORS),
    rows=st.lists(
        st.tuples(st.integers(600_000_000, 799_999_999).map("0{}".format), CELLS, CELLS), min_size=2, max_size=30
    ),
)
def test_any_table_with_a_column_of_numbers_comes_back(separator: str, rows: list[tuple[str, str, str]]) -> None:
    """Quoted fields may hold anything, other separators too."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL).writerows(rows)
    assert separator_of(text.getvalue()) == separator


@pytest.mark.parametrize(
    "cell", ["0612345678", "+33 6 12 34 56 78", "06.12.34.56.78", 33612345678.0, 612345678, "3.36E+10", "'0612345678"]
)
def test_what_is_written_like_a_number_is_seen(cell: object) -> None:
    assert is_number_like(cell)


@pytest.mark.parametrize(
    "cell", ["Mobile", "Téléphone 1", "", "2026", "12 rue de la Paix", 42, True, 1.5, "a0612345678"]
)
def test_what_is_not_is_not(cell: object) -> None:
    assert not is_number_like(cell)


def test_a_quotation_mark_that_never_closes_is_told_with_its_line() -> None:
    content = b'Mobile;Nom\n0612345678;"Durand\n' + b"0612345679;Petit\n" * 20_000
    with pytest.raises(Refused, match="quotation mark"):
        list(records(io.BytesIO(content), "utf-8", ";"))


def test_the_file_stays_open_for_the_next_reader() -> None:
    file = io.BytesIO(b"a;b\n")
    assert list(records(file, "utf-8", ";")) == list(records(file, "utf-8", ";")) == [["a", "b"]]


def test_bytes_that_cp1252_does_not_know_are_shown_as_such() -> None:
    assert parsed(b"caf\xe9;\x81\n0612345678;x\n") == [["café", "\ufffd"], ["0612345678", "x"]]
