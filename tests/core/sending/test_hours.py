"""When marketing may reach people."""

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Refused
from core.sending import hours
from core.sending.hours import Hours, opens_at

EXAMPLE = Path(hours.__file__).with_name("hours.example.json")


def example() -> Hours:
    return hours.read(json.loads(EXAMPLE.read_text(encoding="utf-8")))


def moment(local: str, zone: str = "Europe/Paris") -> int:
    return int(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


@pytest.mark.parametrize(
    "asked, opening",
    [
        ("2026-09-22T08:00", "2026-09-22T08:00"),  # a Tuesday
        ("2026-09-22T19:59:59", "2026-09-22T19:59:59"),
        ("2026-09-22T07:59:59", "2026-09-22T08:00"),
        ("2026-09-22T20:00", "2026-09-23T08:00"),
        ("2026-09-25T20:00", "2026-09-26T10:00"),  # Friday night, Saturday opens later
        ("2026-09-26T18:00", "2026-09-28T08:00"),  # Saturday night, Sunday is closed
        ("2026-07-14T10:00", "2026-07-15T08:00"),  # the national day
        ("2026-12-24T21:00", "2026-12-26T10:00"),  # Christmas, then a Saturday
        ("2026-03-28T18:00", "2026-03-30T08:00"),  # summer time begins in between
        ("2026-10-24T18:00", "2026-10-26T08:00"),  # and ends
        ("2026-12-31T22:00", "2027-01-02T10:00"),  # the holidays of another year
    ],
)
def test_france_opens_in_its_local_hours_and_not_on_sundays_and_holidays(asked: str, opening: str) -> None:
    assert opens_at(example(), "FR", moment(asked)) == moment(opening)


def test_an_overseas_department_has_its_own_zone_and_holidays() -> None:
    noon = moment("2026-09-22T12:00")
    assert opens_at(example(), "MQ", noon) == moment("2026-09-22T08:00", "America/Martinique")
    abolition = moment("2026-05-22T10:00", "America/Martinique")
    assert opens_at(example(), "MQ", abolition) == moment("2026-05-23T10:00", "America/Martinique")


def test_a_country_without_a_rule_has_that_of_the_star() -> None:
    assert opens_at(example(), "JP", moment("2026-09-22T07:00")) == moment("2026-09-22T10:00")


def test_without_hours_or_without_a_rule_it_is_always_open() -> None:
    night = moment("2026-09-22T03:00")
    only_france = hours.read({"FR": {"zone": "Europe/Paris", "open": {"mon": ["08:00", "20:00"]}}})
    assert opens_at(None, "FR", night) == night
    assert opens_at(only_france, "GB", night) == night


def test_a_day_may_last_until_midnight() -> None:
    rules = hours.read({"FR": {"zone": "Europe/Paris", "open": {"mon-sun": ["00:00", "24:00"]}}})
    late = moment("2026-09-22T23:59:59")
    assert opens_at(rules, "FR", late) == late


def test_milliseconds_are_kept() -> None:
    opening = moment("2026-09-22T08:00")
    assert opens_at(example(), "FR", opening + 1) == opening + 1
    assert opens_at(example(), "FR", opening - 1) == opening


def test_an_opening_that_the_clocks_skip_comes_an_hour_later_on_the_wall() -> None:
    rules = hours.read({"FR": {"zone": "Europe/Paris", "open": {"sun": ["02:30", "04:00"]}}})
    assert opens_at(rules, "FR", moment("2026-03-29T00:00")) == moment("2026-03-29T03:30")


@given(st.integers(min_value=1_700_000_000_000, max_value=1_900_000_000_000), st.sampled_from(["FR", "RE", "US", "*"]))
def test_what_opens_is_open_and_never_in_the_past(now: int, country: str) -> None:
    rules = example()
    opening = opens_at(rules, country, now)
    assert opening >= now
    assert opens_at(rules, country, opening) == opening


@pytest.mark.parametrize(
    "document, pointer",
    [
        ([], ""),
        ({"France": {"zone": "Europe/Paris", "open": {"mon": ["08:00", "20:00"]}}}, "/France"),
        ({"FR": []}, "/FR"),
        ({"FR": {"open": {"mon": ["08:00", "20:00"]}}}, "/FR/zone"),
        ({"FR": {"zone": "Europe/Lutetia", "open": {"mon": ["08:00", "20:00"]}}}, "/FR/zone"),
        ({"FR": {"zone": "../etc", "open": {"mon": ["08:00", "20:00"]}}}, "/FR/zone"),
        ({"FR": {"zone": "Europe", "open": {"mon": ["08:00", "20:00"]}}}, "/FR/zone"),
        ({"FR": {"zone": 1, "open": {"mon": ["08:00", "20:00"]}}}, "/FR/zone"),
        ({"FR": {"zone": "Europe/Paris"}}, "/FR/open"),
        ({"FR": {"zone": "Europe/Paris", "open": {}}}, "/FR/open"),
        ({"FR": {"zone": "Europe/Paris", "open": {"lun": ["08:00", "20:00"]}}}, "/FR/open/lun"),
        ({"FR": {"zone": "Europe/Paris", "open": {"fri-mon": ["08:00", "20:00"]}}}, "/FR/open/fri-mon"),
        (
            {"FR": {"zone": "Europe/Paris", "open": {"mon-fri": ["08:00", "20:00"], "tue": ["08:00", "9:00"]}}},
            "/FR/open/tue",
        ),
        ({"FR": {"zone": "Europe/Paris", "open": {"mon": ["20:00", "08:00"]}}}, "/FR/open/mon"),
        ({"FR": {"zone": "Europe/Paris", "open": {"mon": ["08:00"]}}}, "/FR/open/mon"),
        ({"FR": {"zone": "Europe/Paris", "open": {"mon": ["8h", "20h"]}}}, "/FR/open/mon"),
        ({"FR": {"zone": "Europe/Paris", "open": {"mon": [8, 20]}}}, "/FR/open/mon"),
        ({"FR": {"zone": "Europe/Paris", "open": {"mon": "08:00-20:00"}}}, "/FR/open/mon"),
        ({"FR": {"zone": "Europe/Paris", "open": {"mon": ["08:00", "20:00"]}, "holidays": "ZZ"}}, "/FR/holidays"),
        ({"FR": {"zone": "Europe/Paris", "open": {"mon": ["08:00", "20:00"]}, "holidays": "FR-ZZ"}}, "/FR/holidays"),
        ({"FR": {"zone": "Europe/Paris", "open": {"mon": ["08:00", "20:00"]}, "holidays": True}}, "/FR/holidays"),
        ({"FR": {"zone": "Europe/Paris", "open": {"mon": ["08:00", "20:00"]}, "closed": []}}, "/FR/closed"),
    ],
)
def test_a_wrong_document_is_refused_with_the_place_of_its_fault(document: object, pointer: str) -> None:
    with pytest.raises(Refused) as caught:
        hours.read(document)
    assert caught.value.code == "invalid_hours"
    assert pointer in {fault.pointer for fault in caught.value.faults}


def test_the_holidays_of_a_part_of_a_country_are_known() -> None:
    rule = {"zone": "Europe/Paris", "open": {"mon-fri": ["08:00", "20:00"]}}
    moselle = hours.read({"FR": {**rule, "holidays": "FR-57"}})
    good_friday = moment("2026-04-03T10:00")
    assert (
        opens_at(moselle, "FR", good_friday) == moment("2026-04-06T08:00") + 24 * 3_600_000
    )  # Easter Monday is one too
    assert opens_at(hours.read({"FR": {**rule, "holidays": "FR"}}), "FR", good_friday) == good_friday
