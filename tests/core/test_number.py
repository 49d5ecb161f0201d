"""Numbers as people, spreadsheets and foreign systems write them."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import number
from core.errors import Refused
from core.number import Number, display, from_cell, lookup, parse


def refusal(text: str, region: str = "FR") -> Refused:
    with pytest.raises(Refused) as caught:
        parse(text, region)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "+33612345678",
        "0033612345678",
        "33612345678",
        "0612345678",
        "612345678",
        "06 12 34 56 78",
        "06.12.34.56.78",
        "06-12-34-56-78",
        "06/12/34/56/78",
        "+33 (0)6 12 34 56 78",
        "(+33) 612 345 678",
        "\u202a+33\u00a06\u202f12 34 56 78\u202c",
        "\uff0b33612345678",
        "٠٦١٢٣٤٥٦٧٨",
    ],
)
def test_every_spelling_of_a_french_mobile_is_one_number(text: str) -> None:
    assert parse(text, "FR") == Number(33612345678, "FR")


@pytest.mark.parametrize(
    "text, value, country",
    [
        ("447400123456", 447400123456, "GB"),
        ("596696123456", 596696123456, "MQ"),
        ("00596696123456", 596696123456, "MQ"),
        ("+262639012345", 262639012345, "YT"),
        ("+262692123456", 262692123456, "RE"),
        ("+41791234567", 41791234567, "CH"),
        ("393312345678", 393312345678, "IT"),
        ("15145551234", 15145551234, "CA"),
        ("+12125551234", 12125551234, "US"),
        ("+212612345678", 212612345678, "MA"),
    ],
)
def test_a_country_code_needs_no_prefix_and_decides_the_country(text: str, value: int, country: str) -> None:
    assert parse(text, "FR") == Number(value, country)


@pytest.mark.parametrize(
    "text, region, value",
    [
        ("0696123456", "MQ", 596696123456),
        ("07400 123456", "GB", 447400123456),
        ("7400123456", "GB", 447400123456),
        ("0470 12 34 56", "BE", 32470123456),
        ("612345678", "ES", 34612345678),
        ("331 234 5678", "IT", 393312345678),
        ("0151 12345678", "DE", 4915112345678),
        ("4915112345678", "DE", 4915112345678),
        ("0033612345678", "US", 33612345678),
        ("011 33 6 12 34 56 78", "US", 33612345678),
        ("(212) 555-1234", "US", 12125551234),
    ],
)
def test_a_local_form_is_read_in_the_region_of_the_account(text: str, region: str, value: int) -> None:
    assert parse(text, region).value == value


def test_nine_digits_are_a_national_number_less_its_zero_before_they_are_a_foreign_one() -> None:
    assert parse("687123456", "FR") == Number(33687123456, "FR")
    assert parse("+687751234", "FR") == Number(687751234, "NC")


def test_a_possible_number_is_not_a_valid_one_and_the_refusal_names_the_overseas_code() -> None:
    refused = refusal("0696123456")
    assert refused.code == "invalid_number"
    assert "+596" in refused.detail


def test_a_wrong_number_that_is_not_of_overseas_gets_no_such_hint() -> None:
    assert "overseas" not in refusal("0612345").detail


def test_a_fixed_line_is_refused_by_name() -> None:
    assert refusal("0123456789").code == "fixed_line_number"
    assert refusal("+33123456789").code == "fixed_line_number"


def test_a_foreign_number_that_is_also_a_fixed_line_of_the_region_is_read_in_the_region() -> None:
    assert refusal("33612345678", "DE").code == "fixed_line_number"


@pytest.mark.parametrize("text", ["0899123456", "0800123456", "+33978123456"])
def test_neither_fixed_nor_mobile_is_refused_as_not_mobile(text: str) -> None:
    assert refusal(text).code == "not_mobile_number"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "+",
        "36034",
        "33612345678.0",
        "33612345678.00 ",
        "33 612 345 678.0",
        "\u202a33612345678.0\u202c",
        "33612345678,0",
        "3.36E+10",
        "0612345678x5",
        "tel:0612345678",
        "FR612345678",
        "-33612345678",
        "06+12345678",
        "++33612345678",
        "+999123456789",
        "+88213123456",
        "+883510012345",
        "²33612345678",
        "0612345678\x00",
        "0612345678" + " " * 60,
    ],
)
def test_what_is_odd_is_refused_and_never_guessed_at(text: str) -> None:
    assert refusal(text).code == "invalid_number"


def test_a_lost_digit_does_not_make_a_number_of_another_country() -> None:
    assert phonenumbers.is_valid_number(phonenumbers.parse("+29022577"))  # Saint Helena, to whom nobody meant to write
    assert refusal("29022577").code == "invalid_number"


def test_a_region_that_does_not_exist_still_reads_international_numbers() -> None:
    assert parse("+33612345678", "XX") == Number(33612345678, "FR")
    assert refusal("0612345678", "XX").code == "invalid_number"


def test_no_refusal_repeats_the_number() -> None:
    for text in ("0696123456", "0123456789", "0899123456", "0612345"):
        assert text[1:] not in refusal(text).detail


def test_the_e164_form_has_a_plus() -> None:
    assert Number(33612345678, "FR").e164 == "+33612345678"


def test_a_number_is_displayed_in_groups() -> None:
    assert display(33612345678) == "+33 6 12 34 56 78"
    assert display(447400123456) == "+44 7400 123456"
    assert display(9) == "+9"


def test_a_lookup_of_a_mobile_accepts_it() -> None:
    found = lookup("0612345678", "FR")
    assert (found.e164, found.country, found.type) == ("+33612345678", "FR", "mobile")
    assert (found.valid, found.accepted, found.reason) == (True, True, None)


def test_a_lookup_of_a_fixed_line_knows_it_and_says_why_it_is_not_accepted() -> None:
    found = lookup("01 23 45 67 89", "FR")
    assert (found.e164, found.type, found.valid, found.accepted) == ("+33123456789", "fixed_line", True, False)
    assert found.reason is not None
    assert "fixed line" in found.reason


def test_a_number_that_may_be_a_mobile_is_accepted() -> None:
    found = lookup("+12125551234", "FR")
    assert (found.type, found.country, found.accepted) == ("fixed_line_or_mobile", "US", True)


def test_a_lookup_of_nonsense_answers_instead_of_raising() -> None:
    found = lookup("nonsense", "FR")
    assert (found.e164, found.country, found.type, found.valid, found.accepted) == (None, None, None, False, False)
    assert found.reason


@pytest.mark.parametrize(
    "cell, text",
    [
        (33612345678.0, "33612345678"),
        (33612345678, "33612345678"),
        (612345678.0, "612345678"),
        ("33612345678.0", "33612345678"),
        ("33612345678,00", "33612345678"),
        ("'0612345678", "0612345678"),
        ('="0612345678"', "0612345678"),
        ("=33612345678", "33612345678"),
        ("3.3612345678E+10", "33612345678"),
        ("3,3612345678e10", "33612345678"),
        (" 06 12 34 56 78 ", "06 12 34 56 78"),
        ("06.12.34.56.00", "06.12.34.56.00"),
        ("", ""),
    ],
)
def test_a_cell_gives_back_the_number_that_the_spreadsheet_dressed_up(cell: str | float, text: str) -> None:
    assert from_cell(cell) == text


@pytest.mark.parametrize("cell", ["3.36E+10", "3,36E+10", "3.361234567E+10", "4E+11"])
def test_a_rounded_cell_is_refused_and_told_why(cell: str) -> None:
    with pytest.raises(Refused, match="rounded this number") as caught:
        from_cell(cell)
    assert caught.value.code == "invalid_number"


@pytest.mark.parametrize("cell", [float("nan"), float("inf"), 336.5, -33612345678, True])
def test_a_quantity_that_is_no_number_of_a_phone_is_refused(cell: float) -> None:
    with pytest.raises(Refused):
        from_cell(cell)


COMMON = sorted(number._COMMON)


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """Digits that are, or nearly are, a mobile of a common country, in one of the forms that people use."""
    country = draw(st.sampled_from(COMMON))
    mobile = draw(st.from_regex(number._mobile(country), fullmatch=True, alphabet="0123456789"))
    nearly = draw(
        st.sampled_from(
            [mobile, mobile, mobile[:-1], mobile + "0", draw(st.from_regex(r"[0-9]{6,13}", fullmatch=True))]
        )
    )
    code = str(phonenumbers.country_code_for_region(country))
    return draw(st.sampled_from(["+" + code, "00" + code, code, "0", ""])) + nearly


@given(text=spellings(), region=st.sampled_from([*COMMON, "US", "MA", "AU", "IM"]))
def test_the_fast_path_agrees_with_the_authority_or_abstains(text: str, region: str) -> None:
    found = number._at_once(text, region)
    if found is not None:
        reading = number._read(text, region)
        assert (found.value, found.country, reading.textable) == (reading.value, reading.country, True)


@given(text=spellings(), region=st.sampled_from([*COMMON, "US", "MA", "AU", "IM"]))
def test_the_fastest_path_is_a_part_of_the_fast_one(text: str, region: str) -> None:
    found = number._at_once(text, region)
    assert not number._own(region).fullmatch(text) or found == Number(int(text), region)
    if found is not None:
        assert number.parse(text, region) == found == Number(*number.reader(region)(text))


@pytest.mark.parametrize("country", COMMON)
def test_the_fast_path_knows_the_mobiles_of_every_common_country(country: str) -> None:
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    value = int(f"{example.country_code}{example.national_number}")
    assert number._at_once(f"+{value}", "FR") == Number(value, country)
    assert number._at_once(str(example.national_number), country) == Number(value, country)
