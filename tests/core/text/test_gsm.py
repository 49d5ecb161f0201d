"""The GSM alphabet, and what a text takes."""

import pytest

from core.text.gsm import Sizing, decode_gsm7, encode_gsm7, foreign_characters, size, split


@pytest.mark.parametrize(
    "text, sizing",
    [
        ("", Sizing("gsm7", 0, 0)),
        ("a" * 160, Sizing("gsm7", 1, 160)),
        ("a" * 161, Sizing("gsm7", 2, 161)),
        ("a" * 306, Sizing("gsm7", 2, 306)),
        ("a" * 307, Sizing("gsm7", 3, 307)),
        ("€" * 80, Sizing("gsm7", 1, 160)),
        ("a" + "€" * 80, Sizing("gsm7", 2, 161)),
        ("ê" * 70, Sizing("ucs2", 1, 70)),
        ("ê" * 71, Sizing("ucs2", 2, 71)),
        ("ê" * 134, Sizing("ucs2", 2, 134)),
        ("ê" * 135, Sizing("ucs2", 3, 135)),
        ("😀" * 35, Sizing("ucs2", 1, 70)),
        ("😀" * 36, Sizing("ucs2", 2, 72)),
    ],
)
def test_a_text_takes_so_many_segments(text: str, sizing: Sizing) -> None:
    assert size(text) == sizing


def test_an_escape_stays_with_its_character_so_a_segment_may_hold_152() -> None:
    text = "a" * 152 + "€" + "b" * 152
    assert [size(segment).units for segment in split(text)] == [152, 153, 1]
    assert size(text).segments == len(split(text)) == 3


def test_a_surrogate_pair_stays_together_so_a_segment_may_hold_66() -> None:
    text = "ê" * 66 + "😀" + "ê" * 10
    assert split(text) == ("ê" * 66, "😀" + "ê" * 10)


def test_a_text_that_fits_is_one_segment_and_no_text_is_none() -> None:
    assert split("Bonjour") == ("Bonjour",)
    assert split("") == ()


def test_accents_of_the_alphabet_cost_nothing_and_others_cost_the_whole_text() -> None:
    assert size("éèùìòàÇÉñäöüß£¥§¿").encoding == "gsm7"
    for char in "çêâîôûœ’`«»\t\x1b\u00a0":
        assert size(char).encoding == "ucs2", char


def test_the_characters_that_force_ucs2_are_shown_once_each_in_order() -> None:
    assert foreign_characters("L’été ça va ? Ça va, l’ami €") == ("’", "ç")
    assert foreign_characters("Bonjour") == ()


def test_septets_are_those_of_the_specification() -> None:
    assert encode_gsm7("@£$ Aé€[") == bytes([0x00, 0x01, 0x02, 0x20, 0x41, 0x05, 0x1B, 0x65, 0x1B, 0x3C])
    assert encode_gsm7("àüñö§Ü") == bytes([0x7F, 0x7E, 0x7D, 0x7C, 0x5F, 0x5E])


def test_a_foreign_character_has_no_septets() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode_gsm7("ça")


@pytest.mark.parametrize(
    "data, text",
    [
        (b"\x1b\x65", "€"),
        (b"\x1b\x0a", "\f"),
        (b"\x1bA", "A"),
        (b"\x1b\x1b\x65", " €"),
        (b"A\x1b", "A "),
        (b"STOP\xe9", "STOP\ufffd"),
        (b"\x1b\xe9", "\ufffd"),
        (b"", ""),
    ],
)
def test_odd_septets_are_read_as_the_specification_rules(data: bytes, text: str) -> None:
    assert decode_gsm7(data) == text
