"""Prices, and credits as people write them."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.credits import tariff
from core.credits.tariff import from_millicredits, to_millicredits
from core.errors import Refused


def test_the_packaged_tariff_has_the_promised_prices() -> None:
    prices = tariff.load()
    assert prices.price("FR", "marketing") == 1000
    assert prices.price("GB", "otp") == 1100
    assert prices.price("MQ", "notification") == 1430


def test_a_country_that_is_not_in_the_tariff_has_no_price() -> None:
    assert tariff.load().price("KP", "marketing") is None


def test_a_purpose_of_its_own_goes_before_the_star() -> None:
    prices = tariff.read(["country,purpose,credits", "FR,*,1", "", "FR,otp,0"])
    assert prices.price("FR", "otp") == 0
    assert prices.price("FR", "marketing") == 1000


def test_a_tariff_without_a_star_prices_only_what_it_names() -> None:
    assert tariff.read(["country,purpose,credits", "FR,otp,1.5"]).price("FR", "marketing") is None


def test_an_operators_file_replaces_the_packaged_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("country,purpose,credits\r\nFR,*,2\r\n", encoding="utf-8-sig")
    assert tariff.load(path) == tariff.Tariff({("FR", "*"): 2000})


def test_every_fault_is_told_with_its_line() -> None:
    rows = ["country,purpose,credits", "FR,*,1", "france,*,1", "GB,bulk,1", "GB,*,1.2345", "FR,*,2", "DE,*"]
    with pytest.raises(Refused) as caught:
        tariff.read(rows, "mine.csv")
    assert caught.value.code == "invalid_tariff"
    assert [fault.pointer for fault in caught.value.faults] == ["/3", "/4", "/5", "/6", "/7"]
    assert "mine.csv, line 3: 'france' is not a country" in caught.value.detail


@pytest.mark.parametrize("rows", [[], ["land,zweck,preis"], ["FR,*,1"]])
def test_a_file_without_its_columns_is_refused(rows: list[str]) -> None:
    with pytest.raises(Refused, match="line 1: the columns must be"):
        tariff.read(rows)


def test_a_file_that_is_missing_or_not_text_is_refused(tmp_path: Path) -> None:
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.csv", binary):
        with pytest.raises(Refused, match="can't be read"):
            tariff.load(path)


@pytest.mark.parametrize(
    "written, millicredits",
    [
        ("1.1", 1100),
        (1.1, 1100),
        (Decimal("1.41"), 1410),
        (1, 1000),
        ("0", 0),
        (" 12.5 ", 12500),
        ("1.1000", 1100),
        (0.001, 1),
    ],
)
def test_credits_become_whole_millicredits(written: str | float | Decimal, millicredits: int) -> None:
    assert to_millicredits(written) == millicredits


@pytest.mark.parametrize(
    "written", ["1.2345", 0.0001, -1, "-1", "1,5", "", ".5", "1.", "1e3", float("nan"), float("inf"), True, 10**12, "١"]
)
def test_what_is_not_an_amount_of_credits_is_refused(written: str | float) -> None:
    with pytest.raises(Refused) as caught:
        to_millicredits(written)
    assert caught.value.code == "invalid_credits"


@given(st.integers(min_value=0, max_value=10**15 - 1))
def test_credits_go_to_json_and_back_unchanged(millicredits: int) -> None:
    written = json.dumps(from_millicredits(millicredits))
    assert to_millicredits(json.loads(written)) == millicredits


def test_whole_credits_are_whole_numbers_in_json() -> None:
    assert json.dumps([from_millicredits(2000), from_millicredits(1100), from_millicredits(-1410)]) == "[2, 1.1, -1.41]"
