"""Prices: how many millicredits a segment costs, by the number's country and the purpose. And credits at the edges."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from core.errors import Fault, Refused

_PACKAGED = Path(__file__).with_name("tariff.csv")
_COLUMNS = ["country", "purpose", "credits"]
_PURPOSES = frozenset({"marketing", "notification", "otp", "*"})

_COUNTRY = re.compile(r"[A-Z]{2}")
_CREDITS = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,3})0*)?")


@dataclass(frozen=True, slots=True)
class Tariff:
    """Millicredits a segment, by (country, purpose). The purpose `*` stands for those that have no price of their own."""

    prices: Mapping[tuple[str, str], int]

    def price(self, country: str, purpose: str) -> int | None:
        """Millicredits a segment; None where there is no price, and so no sending."""
        own = self.prices.get((country, purpose))
        return self.prices.get((country, "*")) if own is None else own


def load(path: Path | None = None) -> Tariff:
    """The operator's tariff, or the packaged one: CSV in UTF-8 with the columns country, purpose and credits.

    Raises Refused (`invalid_tariff`) naming the line of every fault.
    """
    source = path or _PACKAGED
    try:
        lines = source.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("invalid_tariff", f"The tariff {source} can't be read: {error}.") from error
    return read(lines, source.name)


def read(lines: Iterable[str], name: str = "tariff") -> Tariff:
    """A tariff out of the lines of a CSV file; `name` is what its faults are told under."""
    reader = csv.reader(lines)
    if next(reader, None) != _COLUMNS:
        raise Refused("invalid_tariff", f"{name}, line 1: the columns must be {','.join(_COLUMNS)}.")
    prices: dict[tuple[str, str], int] = {}
    faults: list[Fault] = []
    for row in reader:
        cells = [cell.strip() for cell in row]
        faults.extend(Fault(f"/{reader.line_num}", message) for message in _enter(prices, cells))
    if faults:
        told = "; ".join(f"line {fault.pointer[1:]}: {fault.message}" for fault in faults)
        raise Refused("invalid_tariff", f"{name}, {told}.", tuple(faults))
    return Tariff(prices)


def to_millicredits(credits_: str | float | Decimal) -> int:
    """Integer millicredits out of credits as a person or JSON writes them: 1.1 is 1100.

    Raises Refused (`invalid_credits`) for anything but a number from 0 with at most three decimal places.
    """
    # repr() gives the shortest decimal that is this float, which is the one that stood in the JSON.
    found = None if isinstance(credits_, bool) else _CREDITS.fullmatch(str(credits_).strip())
    if found is None:
        raise Refused("invalid_credits", "Credits are a number from 0 with at most three decimal places, such as 12.5.")
    return int(found[1]) * 1000 + int((found[2] or "").ljust(3, "0"))


def from_millicredits(millicredits: int) -> int | float:
    """Credits as a JSON number: whole ones an int, others a float that prints with at most three places (1100 is 1.1)."""
    return millicredits / 1000 if millicredits % 1000 else millicredits // 1000


def _enter(prices: dict[tuple[str, str], int], row: list[str]) -> Iterator[str]:
    """Put one row among the prices, or tell what is wrong with it. A blank line is nothing."""
    if not any(row):
        return
    if len(row) != len(_COLUMNS):
        yield f"{len(row)} columns instead of {len(_COLUMNS)}"
        return
    country, purpose, written = row
    yield from _faults(country, purpose)
    if (country, purpose) in prices:
        yield "this country and purpose have a price above"
    try:
        prices[country, purpose] = to_millicredits(written)
    except Refused:
        yield f"{written!r} is not a number from 0 with at most three decimal places"


def _faults(country: str, purpose: str) -> Iterator[str]:
    if not _COUNTRY.fullmatch(country):
        yield f"{country!r} is not a country (two capital letters, ISO 3166)"
    if purpose not in _PURPOSES:
        yield f"{purpose!r} is not a purpose ({', '.join(sorted(_PURPOSES))})"
