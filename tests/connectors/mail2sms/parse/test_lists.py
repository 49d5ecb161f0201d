"""People in CSV attachments."""

import base64

import pytest

from connectors.mail2sms.mail import Row, Wrong
from connectors.mail2sms.parse import lists, parse
from tests.support.written import GATEWAY, content, mime, multipart, part


def attached(data: str | bytes, kind: str = "text/csv; name=people.csv", *lines: str) -> bytes:
    return part(data, kind, *lines)


def rows(data: str | bytes) -> tuple[Row, ...]:
    return content(mime(multipart("mixed", part("Bonjour $nom"), attached(data)))).rows


def why(data: str | bytes) -> str:
    found = parse(mime(multipart("mixed", part("Bonjour"), attached(data))), GATEWAY).content
    assert isinstance(found, Wrong), found
    assert found.code == "list_unreadable"
    return str(found.facts["why"])


ANNE = Row("0612345678", {"nom": "Martin", "prenom": "Anne", "email": "anne@example.org", "societe": "A, B"})


@pytest.mark.parametrize(
    "table",
    [
        'Nom;Prénom;Mobile;E-mail;Société\r\nMartin;Anne;0612345678;anne@example.org;"A, B"\r\n',
        'NOM,prenom,TEL,email,societe\nMartin,Anne,0612345678,anne@example.org,"A, B"\n\n,,,,\n',
        "numero\tname\tfirst name\tcourriel\tcompany\n0612345678\tMartin\tAnne\tanne@example.org\tA, B",
        "\ufeffphone|nom|prénom|mail|entreprise\r0612345678|Martin|Anne|anne@example.org|A, B",
    ],
)
def test_columns_are_known_by_their_names_in_either_language(table: str) -> None:
    assert rows(table) == (ANNE,)


def test_other_columns_keep_their_own_names_in_lower_case() -> None:
    assert rows("Mobile;Code Promo\n0612345678;X1") == (Row("0612345678", {"code promo": "X1"}),)


def test_without_a_header_the_column_of_numbers_is_found() -> None:
    assert rows("Anne;+33 6 12 34 56 78\nBob;0612345679") == (Row("+33 6 12 34 56 78", {}), Row("0612345679", {}))
    assert rows("0612345678\n0612345679\n") == (Row("0612345678", {}), Row("0612345679", {}))


def test_a_list_of_windows_has_the_right_letters() -> None:
    assert rows("mobile;prénom\n0612345678;Zoé €".encode("cp1252")) == (Row("0612345678", {"prenom": "Zoé €"}),)
    assert rows("mobile;prénom\n0612345678;Zoé".encode("utf-16")) == (Row("0612345678", {"prenom": "Zoé"}),)


def test_lists_are_known_by_their_type_or_their_name_and_come_together() -> None:
    one = attached("0612345678", "application/vnd.ms-excel", 'Content-Disposition: attachment; filename="A.CSV"')
    two = attached(
        base64.encodebytes(b"0612345679"), "application/octet-stream; name=b.csv", "Content-Transfer-Encoding: base64"
    )
    found = content(mime(multipart("mixed", part("Bonjour"), one, two, attached("0612345670", "text/csv"))))
    assert [row.number for row in found.rows] == ["0612345678", "0612345679", "0612345670"]
    assert found.text == "Bonjour"


def test_with_a_list_the_text_may_be_empty_as_a_template_may_have_it() -> None:
    found = content(mime(multipart("mixed", part(""), attached("0612345678"))))
    assert (found.text, len(found.rows)) == ("", 1)


def test_ten_thousand_rows_are_taken_and_no_more() -> None:
    line = "0612345678;Anne\n"
    assert len(rows(line * lists.MOST_ROWS)) == lists.MOST_ROWS
    assert "more than 10000" in why(line * (lists.MOST_ROWS + 1))
    assert "more than 10000" in why("mobile;nom\n" + line * 50_000)


@pytest.mark.parametrize(
    "data, words",
    [
        ("", "empty"),
        ("\n;;\n", "empty"),
        ("nom;ville\nAnne;Paris", "no column"),
        ('mobile\n"' + "a\n" * 100_000, "never closed"),
    ],
)
def test_a_list_that_can_not_be_read_says_why(data: str, words: str) -> None:
    assert words in why(data)


def test_two_lists_are_together_no_longer_than_one() -> None:
    half = attached("0612345678\n" * 6000)
    found = parse(mime(multipart("mixed", part("Bonjour"), half, half)), GATEWAY).content
    assert isinstance(found, Wrong)
    assert found.code == "list_unreadable"


def test_a_list_that_is_broken_on_its_way_is_refused() -> None:
    broken = attached("06!", "text/csv", "Content-Transfer-Encoding: base64")
    found = parse(mime(multipart("mixed", part("Bonjour"), broken)), GATEWAY).content
    assert isinstance(found, Wrong)
    assert found.code == "list_unreadable"


def test_the_digest_is_that_of_the_text_and_of_the_lists_however_they_came() -> None:
    def digest(text: str, *data: str) -> str:
        return content(mime(multipart("mixed", part(text), *map(attached, data)))).digest

    assert (
        digest("Bonjour")
        == content(mime(part(base64.encodebytes(b"Bonjour"), "text/plain", "Content-Transfer-Encoding: base64"))).digest
    )
    assert (
        len({digest("Bonjour"), digest("Bonjour !"), digest("Bonjour", "0612345678"), digest("Bonjour", "0612345679")})
        == 4
    )
