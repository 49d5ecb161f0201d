"""Octets as letters, whatever is declared."""

import base64
import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mail2sms.parse import charset
from tests.support.written import mime, part, refusal, text


def sent(body: bytes, declared: str, *lines: str) -> str:
    return text(mime(part(body, f"text/plain; charset={declared}", *lines)))


def test_case_5_latin_1_that_is_declared_utf_8_has_the_right_letters() -> None:
    assert sent("Été à Nîmes".encode("latin-1"), "utf-8") == "Été à Nîmes"


@pytest.mark.parametrize(
    "declared", ["x-unknown-8", '"utf-8\0"', "hex", "idna", "zlib_codec", "rot13", "unicode_escape", '""', "a" * 5000]
)
def test_case_6_what_is_no_charset_of_texts_falls_back(declared: str) -> None:
    assert sent("Été €".encode(), declared) == "Été €"
    assert sent(b"\xc9t\xe9 \x80", declared) == "Été €"


@pytest.mark.parametrize("declared", ["iso-8859-1", "ISO_8859-1", "latin1", "us-ascii", "windows-1252"])
def test_case_7_0x80_is_the_euro_sign(declared: str) -> None:
    assert sent(b"10 \x80", declared) == "10 €"


@pytest.mark.parametrize(
    "declared, body, letters",
    [
        ("utf-16", "Été 🎉".encode("utf-16"), "Été 🎉"),
        ("utf-16le", codecs.BOM_UTF16_LE + "Été".encode("utf-16-le"), "Été"),
        ("UTF-16BE", "Été".encode("utf-16-be"), "Été"),
        ("iso-2022-jp", "こんにちは".encode("iso2022_jp"), "こんにちは"),
        ("shift_jis", "こんにちは".encode("cp932"), "こんにちは"),
        ("utf-8", codecs.BOM_UTF8 + "Été".encode(), "Été"),
        ("iso-8859-1", codecs.BOM_UTF8 + "Été".encode(), "Été"),
        ("gb2312", "你好".encode("gbk"), "你好"),
        ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
        ("iso-8859-15", b"10 \xa4", "10 €"),
        ("iso-8859-8-i", "שלום".encode("iso8859-8"), "שלום"),
    ],
)
def test_case_8_other_charsets_are_decoded_and_a_mark_is_gone(declared: str, body: bytes, letters: str) -> None:
    encoded = base64.encodebytes(body)
    assert sent(encoded, declared, "Content-Transfer-Encoding: base64") == letters


def test_case_9_what_can_not_be_seen_is_gone() -> None:
    written = "B\0on\x1bjo\u200bur \u202eAnne\ufeff\u00ad, 10\u00a0€\u2028à\tdemain"
    assert sent(written.encode(), "utf-8") == "Bonjour Anne, 10 €\nà demain"


@pytest.mark.parametrize(
    "letters",
    [
        "👩\u200d👩\u200d👧",
        "❤\ufe0f",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "می\u200cخواهم",
        "👍🏽",
        "1\ufe0f\u20e3",
    ],
)
def test_case_46_pictures_of_several_characters_stay_whole(letters: str) -> None:
    assert sent(f"Merci {letters} !".encode(), "utf-8") == f"Merci {letters} !"


def test_joiners_between_letters_that_need_none_are_gone() -> None:
    assert sent("B\u200don\u200cjour\u200d".encode(), "utf-8") == "Bonjour"
    assert sent("Bon\U000e0061\U000e0062jour".encode(), "utf-8") == "Bonjour"


def test_accents_of_their_own_are_put_with_their_letters() -> None:
    assert sent("E\u0301te\u0301".encode(), "utf-8") == "Été"


def test_case_10_broken_base64_is_no_half_text() -> None:
    whole = base64.b64encode("Bonjour à tous".encode())
    lines = "Content-Transfer-Encoding: base64"
    assert sent(whole[:7] + b"\r\n" + whole[7:], "utf-8", lines) == "Bonjour à tous"
    for broken in (whole[:-3], whole[:4] + b"!" + whole[5:], whole + b"\r\n-- \r\nA list of mails"):
        assert refusal(mime(part(broken, "text/plain; charset=utf-8", lines))) == "unreadable"
    assert refusal(mime(part(b"begin 644 x", "text/plain", "Content-Transfer-Encoding: x-uuencode"))) == "unreadable"


def test_quoted_printable_is_joined_and_what_is_wrong_in_it_stays() -> None:
    assert (
        sent(b"Bon=\r\njour =C3=A9t=c3=a9 = =ZZ", "utf-8", "Content-Transfer-Encoding: quoted-printable")
        == "Bonjour été = =ZZ"
    )


@given(st.binary(max_size=200), st.text(max_size=20) | st.sampled_from(sorted(charset._SAME)))
def test_any_octets_are_text_under_any_name(octets: bytes, declared: str) -> None:
    assert isinstance(charset.decode(octets, declared), str)
