"""Phone numbers: what people type, read as E.164 numbers that can be texted.

`phonenumbers` (Google's libphonenumber) is the authority on every plan. The usual spellings of mobile numbers in the
countries that this hub mostly serves are answered before it by patterns built from its own metadata; a property test
holds the two together.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberType

from core.errors import Refused

_LONGEST_TEXT = 64
_SHORTEST_WITH_COUNTRY_CODE = 9  # digits: New Caledonia, 687 and six. A shorter one is far more likely a digit lost.

_COMMON = (
    *("FR", "GB", "BE", "ES", "IT", "DE", "CH", "NL", "PT", "LU", "MC"),
    *("GP", "MQ", "GF", "RE", "YT", "PM", "NC", "PF"),
)
# Calling codes whose mobiles, in their local form (06 or 07 and eight digits), look like those of metropolitan France.
_FRENCH_OVERSEAS = (590, 594, 596, 262)
_FRENCH = frozenset({"FR", "GP", "MQ", "GF", "RE", "YT", "BL", "MF"})

_TEXTABLE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
_TYPES = {
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium_rate",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal_number",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "uan",
    PhoneNumberType.VOICEMAIL: "voicemail",
}

# Between digits people write spaces of every width, dots, dashes, slashes and parentheses; address books add marks of
# writing direction, which cannot be seen.
_INVISIBLE = r"\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_SEPARATORS = re.compile(rf"[\s./()\-\u2010-\u2015\u2212{_INVISIBLE}]+")
_SPELLING = re.compile(rf"[\s{_INVISIBLE}]*[+\uff0b(\d][+\uff0b\d\s./()\-\u2010-\u2015\u2212{_INVISIBLE}]*")
_DIGITS = re.compile(r"\+?[0-9]+")
_DECIMAL = re.compile(rf"[^.]*\.0+[\s{_INVISIBLE}]*")


@dataclass(frozen=True, slots=True)
class Number:
    """A number that can be texted: `value` is its E.164 digits (33612345678), `country` its ISO 3166-1 alpha-2 code."""

    value: int
    country: str

    @property
    def e164(self) -> str:
        """The form of the edges: +33612345678."""
        return f"+{self.value}"


@dataclass(frozen=True, slots=True)
class Lookup:
    """What is known of a number. `valid`: it is one of its country; `accepted`: it can be texted, else `reason` says why."""

    e164: str | None
    country: str | None
    type: str | None
    valid: bool
    accepted: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to understand some digits, as the authority judges it. `country` is None where the number is not valid."""

    phone: PhoneNumber
    type: int
    country: str | None

    @property
    def textable(self) -> bool:
        return self.country is not None and self.type in _TEXTABLE

    @property
    def value(self) -> int:
        return int(phonenumbers.format_number(self.phone, phonenumbers.PhoneNumberFormat.E164))


def parse(text: str, region: str) -> Number:
    """Read a number as a person of `region` (ISO 3166-1 alpha-2) writes it.

    Raises Refused with the code `invalid_number`, `fixed_line_number` or `not_mobile_number`.
    """
    return Number(*reader(region)(text))


@lru_cache(maxsize=512)
def reader(region: str) -> Callable[[str], tuple[int, str]]:
    """`parse` for many of one region, each as its value and country: a pair takes a third of the time of a `Number`."""
    own, usual = _own(region).fullmatch, _usual(region).fullmatch

    def read(text: str) -> tuple[int, str]:
        if own(text):
            return int(text), region  # int() takes a plus
        found = usual(text)
        return _by_authority(text, region) if found is None else _meant(found, region)

    return read


def lookup(text: str, region: str) -> Lookup:
    """Everything known of a number; what `parse` would refuse is told here rather than raised."""
    try:
        reading = _read(_digits(text), region)
    except Refused as refused:
        return Lookup(None, None, None, valid=False, accepted=False, reason=refused.detail)
    refused_too = _refusal(reading)
    return Lookup(
        e164=f"+{reading.value}",
        country=reading.country,
        type=_TYPES[reading.type],
        valid=True,
        accepted=refused_too is None,
        reason=refused_too.detail if refused_too else None,
    )


def display(value: int) -> str:
    """A number for people: 33612345678 is +33 6 12 34 56 78."""
    try:
        phone = phonenumbers.parse(f"+{value}")
    except phonenumbers.NumberParseException:
        return f"+{value}"
    return phonenumbers.format_number(phone, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def from_cell(value: str | float) -> str:
    """Text for `parse` out of a spreadsheet's cell, undoing what spreadsheets do to numbers. An empty cell is "".

    Raises Refused (`invalid_number`) where digits were lost: 3.36E+10 might be any of a hundred million numbers.
    """
    return _from_text(value.strip()) if isinstance(value, str) else _from_quantity(value)


def _from_quantity(value: float) -> str:
    if isinstance(value, bool) or not math.isfinite(value) or value < 0 or value != int(value):
        raise Refused("invalid_number", "This cell does not hold a phone number.")
    return str(int(value))


_FORMULA = re.compile(r'="?([^"]*)"?')  # ="0612345678" keeps a zero in a CSV file
_SCIENTIFIC = re.compile(r"([0-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})")
_WITH_DECIMALS = re.compile(r"(\+?[0-9]{6,})[.,]0+")


def _from_text(cell: str) -> str:
    formula = _FORMULA.fullmatch(cell)
    bare = (formula[1] if formula else cell).lstrip("'\u2019").strip()
    if scientific := _SCIENTIFIC.fullmatch(bare):
        return _from_scientific(scientific[1] + (scientific[2] or ""), int(scientific[3]))
    decimals = _WITH_DECIMALS.fullmatch(bare)
    return decimals[1] if decimals else bare


def _from_scientific(written: str, exponent: int) -> str:
    if len(written) != exponent + 1:
        raise Refused(
            "invalid_number",
            "The spreadsheet rounded this number (it shows a form such as 3.36E+10): its digits are lost. "
            "Format the column as text and enter the number again.",
        )
    return written


def _at_once(text: str, region: str) -> Number | None:
    """The number, when it is a usual spelling of a common mobile; None leaves the question to the authority."""
    found = _usual(region).fullmatch(text)
    return None if found is None else Number(*_meant(found, region))


def _meant(found: re.Match[str], region: str) -> tuple[int, str]:
    """The value and the country of a usual spelling."""
    country = found.lastgroup
    if country is None or country == "national":
        return int(_calling_code(region) + found["national"]), region
    return int(found[0]), country  # int() takes both a plus and leading zeros


def _own(region: str) -> re.Pattern[str]:
    """The commonest of the usual spellings by itself, +336..., which is found three times as fast; nothing where others share its code."""
    if region not in _COMMON or [_calling_code(country) for country in _COMMON].count(_calling_code(region)) > 1:
        return re.compile("(?!)")
    return re.compile(rf"\+{_calling_code(region)}(?:{_mobile(region)})", re.ASCII)


@lru_cache(maxsize=512)
def _usual(region: str) -> re.Pattern[str]:
    """The spellings of common mobiles that can only mean one thing in `region`; the group that matched is the country.

    A country code without a plus is among them only where it is too long to be a number of the region itself.
    """
    longest = _longest_national(region)
    apart = [country for country in _COMMON if longest is not None and _shortest_mobile(country) > longest]
    marked = [country for country in _COMMON if country not in apart]
    ways = [
        *([_national(region)] if region in _COMMON else []),
        *([rf"(?:\+|00)?(?:{_alternatives(apart)})"] if apart else []),
        *([rf"(?:\+|00)(?:{_alternatives(marked)})"] if marked else []),
    ]
    return re.compile("|".join(ways), re.ASCII)


def _national(region: str) -> str:
    """Mobiles of the region in its own form; the trunk prefix may be missing, as spreadsheets eat it."""
    trunk = f"{prefix}?" if (prefix := _metadata(region).national_prefix) else ""
    return f"{trunk}(?P<national>{_mobile(region)})"


def _alternatives(countries: list[str]) -> str:
    return "|".join(f"{_calling_code(country)}(?P<{country}>{_mobile(country)})" for country in countries)


def _mobile(country: str) -> str:
    described = _metadata(country).mobile
    if described is None or described.national_number_pattern is None:
        raise LookupError(country)
    return described.national_number_pattern


def _shortest_mobile(country: str) -> int:
    """Digits of the shortest mobile of the country, its calling code included."""
    described = _metadata(country).mobile
    return len(_calling_code(country)) + min(described.possible_length if described else ())


def _longest_national(region: str) -> int | None:
    """Digits of the longest number of a common region, trunk prefix included; None for a region we know little of."""
    if region not in _COMMON:
        return None
    described = _metadata(region).general_desc
    return max(described.possible_length if described else ()) + len(_metadata(region).national_prefix or "")


@cache
def _calling_code(country: str) -> str:
    return str(phonenumbers.country_code_for_region(country))


@cache
def _metadata(country: str) -> PhoneMetadata:
    found = PhoneMetadata.metadata_for_region(country)
    if found is None:
        raise LookupError(country)
    return found


def _by_authority(text: str, region: str) -> tuple[int, str]:
    digits = _digits(text)
    usual = _at_once(digits, region)
    if usual is not None:
        return usual.value, usual.country
    reading = _read(digits, region)
    refused = _refusal(reading)
    if refused is not None or reading.country is None:
        raise refused or _invalid(digits, region)
    return reading.value, reading.country


def _digits(text: str) -> str:
    """ASCII digits, after a plus if there was one. Refuses anything else, and a spreadsheet's 33612345678.0.

    libphonenumber would read that one as +336123456780: someone else's number.
    """
    if len(text) > _LONGEST_TEXT or not _SPELLING.fullmatch(text) or _DECIMAL.fullmatch(text):
        raise Refused("invalid_number", "This is not a phone number: write digits, with a + before a country code.")
    bare = _SEPARATORS.sub("", text)
    digits = "".join("+" if char in "+\uff0b" else str(unicodedata.decimal(char)) for char in bare)
    if not _DIGITS.fullmatch(digits):
        raise Refused("invalid_number", "This is not a phone number: a + stands at the beginning or not at all.")
    return digits


def _read(digits: str, region: str) -> _Reading:
    """The first valid reading, save that a number with the region's own country code is preferred to a line not textable.

    German numbers have no fixed length, so that 4915112345678 is also a fixed line in the village with the code 04915.
    """
    valid = [reading for reading in _readings(digits, region) if reading.country is not None]
    if not valid:
        raise _invalid(digits, region)
    first = valid[0]
    at_home = (later for later in valid if later.textable and later.phone.country_code == first.phone.country_code)
    return first if first.textable else next(at_home, first)


def _readings(digits: str, region: str) -> Iterator[_Reading]:
    """What the digits may mean, the likeliest first."""
    if digits.startswith("+"):
        spellings = [digits]
    elif digits.startswith("00"):
        spellings = [f"+{digits[2:]}", digits]
    elif digits.startswith("0") or len(digits) < _SHORTEST_WITH_COUNTRY_CODE:
        spellings = [digits]
    else:
        spellings = [digits, f"+{digits}"]
    for spelling in spellings:
        try:
            phone = phonenumbers.parse(spelling, region)
        except phonenumbers.NumberParseException:
            continue
        yield _judge(phone)


def _judge(phone: PhoneNumber) -> _Reading:
    kind = phonenumbers.number_type(phone)
    country = phonenumbers.region_code_for_number(phone) if kind in _TYPES else None
    # "001" stands for services without a country (satellites, universal freephone): nowhere that has a price.
    return _Reading(phone, kind, None if country == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY else country)


def _refusal(reading: _Reading) -> Refused | None:
    """Why a valid number can't be texted; None when it can."""
    if reading.textable:
        return None
    if reading.type == PhoneNumberType.FIXED_LINE:
        return Refused(
            "fixed_line_number",
            "This is a fixed line, which takes no SMS: give a mobile number. "
            "If it is a mobile number of another country, write it with + and the country code.",
        )
    kind = _TYPES[reading.type].replace("_", " ")
    return Refused("not_mobile_number", f"This is not a mobile number (its type is {kind}): give a mobile number.")


def _invalid(digits: str, region: str) -> Refused:
    detail = f"This is not a valid number in {region}; a number of another country begins with + and the country code."
    if code := _overseas_code(digits, region):
        detail = (
            f"This is not a valid number in {region}. It looks like an overseas number: "
            f"those need their country code, here +{code} in place of the first 0."
        )
    return Refused("invalid_number", detail)


def _overseas_code(digits: str, region: str) -> int | None:
    """The calling code with which a French local form would be a valid overseas mobile."""
    if region not in _FRENCH or not digits.startswith("0"):
        return None
    for code in _FRENCH_OVERSEAS:
        phone = PhoneNumber(country_code=code, national_number=int(digits))
        if phonenumbers.is_valid_number(phone):
            return code
    return None
