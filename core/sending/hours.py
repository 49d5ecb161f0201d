"""Sending hours: when marketing may reach people, by country, as data that the operator sets.

    {"FR": {"zone": "Europe/Paris", "open": {"mon-fri": ["08:00", "20:00"], "sat": ["10:00", "18:00"]}, "holidays": "FR"},
     "*": {"zone": "Europe/Paris", "open": {"mon-fri": ["09:00", "18:00"]}}}

Times are local to the zone; a day that is not named is closed, and so is a holiday. `holidays` is a country or a
country and its part, as the package of that name knows them (FR, or FR-57 for the Moselle). `*` is for countries that
are not named; without it they are always open.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from core.errors import Fault, Refused

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_KEYS = frozenset({"zone", "open", "holidays"})
_COUNTRY = re.compile(r"[A-Z]{2}|\*")
_DAY_RANGE = re.compile(r"([a-z]{3})(?:-([a-z]{3}))?")
_HOLIDAYS = re.compile(r"[A-Z]{2}(?:-.+)?")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_HORIZON_DAYS = 400  # a weekday on which every week of a year is a holiday does not exist

Window = tuple[int, int]  # minutes since midnight, from the first that is open to the first that is not


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One country's hours: the window of each weekday from Monday on, None where it is closed. Compared by identity."""

    zone: ZoneInfo
    week: tuple[Window | None, ...]
    holidays: str | None


@dataclass(frozen=True, slots=True)
class Hours:
    """The rules by country; `*` is for those that have none of their own."""

    rules: Mapping[str, Rule]


def opens_at(hours: Hours | None, country: str, now: int) -> int:
    """When a message to `country` may go: `now` if it is open, else the next opening (UTC milliseconds)."""
    rule = None if hours is None else hours.rules.get(country) or hours.rules.get("*")
    return now if rule is None else _opens_at(rule, now)


def read(document: object) -> Hours:
    """The hours out of a JSON document. Raises Refused (`invalid_hours`) with a fault for each thing that is wrong."""
    if not isinstance(document, Mapping):
        raise Refused.at("", "invalid_hours", "Sending hours are an object with a rule for each country.")
    faults: list[Fault] = []
    for country, rule in document.items():
        if not _COUNTRY.fullmatch(str(country)):
            faults.append(Fault(f"/{country}", "is not a country (two capital letters, ISO 3166) nor *"))
        faults.extend(_faults(f"/{country}", rule))
    if faults:
        told = "; ".join(f"{fault.pointer} {fault.message}" for fault in faults)
        raise Refused("invalid_hours", f"The sending hours can't be used: {told}.", tuple(faults))
    return Hours({country: _rule(rule) for country, rule in document.items()})


# A window of messages asks the same question for each; a transaction has one `now`.
@lru_cache(maxsize=1024)
def _opens_at(rule: Rule, now: int) -> int:
    today = datetime.fromtimestamp(now // 1000, rule.zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(_HORIZON_DAYS))
    spans = (span for day in days if (span := _span(rule, day)) is not None)
    return next(max(now, opening) for opening, closing in spans if now < closing)


@lru_cache(maxsize=1024)
def _span(rule: Rule, day: date) -> tuple[int, int] | None:
    """Opening and closing of a day in UTC milliseconds; None when it is closed."""
    window = rule.week[day.weekday()]
    if window is None or (rule.holidays is not None and day in _holidays(rule.holidays, day.year)):
        return None
    return _instant(rule.zone, day, window[0]), _instant(rule.zone, day, window[1])


def _instant(zone: ZoneInfo, day: date, minutes: int) -> int:
    """A time on the wall in UTC milliseconds. One that the clocks skip is read as if they had not yet moved."""
    days, minutes = divmod(minutes, 24 * 60)
    wall = datetime.combine(day + timedelta(days=days), time(*divmod(minutes, 60)), zone)
    return int(wall.astimezone(UTC).timestamp()) * 1000


@lru_cache(maxsize=256)
def _holidays(code: str, year: int) -> frozenset[date]:
    # The package's own objects add years as they are asked, and another thread may see a year half added: made whole here.
    country, _, part = code.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year, expand=False))


def _rule(document: Mapping[str, object]) -> Rule:
    """The rule of a document that has no faults."""
    week: list[Window | None] = [None] * len(_DAYS)
    opened = document["open"]
    for days, (opening, closing) in opened.items() if isinstance(opened, Mapping) else ():
        for day in _weekdays(days) or ():
            week[day] = (_minutes(opening), _minutes(closing))
    code = document.get("holidays")
    return Rule(ZoneInfo(str(document["zone"])), tuple(week), None if code is None else str(code))


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _weekdays(days: str) -> list[int] | None:
    """The weekdays of "sat" or of "mon-fri" (Monday is 0); None when they are not days in their order."""
    found = _DAY_RANGE.fullmatch(days)
    first, last = (found[1], found[2] or found[1]) if found else ("", "")
    if first not in _DAYS or last not in _DAYS:
        return None
    return list(range(_DAYS.index(first), _DAYS.index(last) + 1)) or None


def _faults(at: str, rule: object) -> Iterator[Fault]:
    if not isinstance(rule, Mapping):
        yield Fault(at, "must be an object with zone, open and, if wanted, holidays")
        return
    for unknown in sorted(str(key) for key in rule.keys() - _KEYS):
        yield Fault(f"{at}/{unknown}", "is not known here")
    if not _is_zone(rule.get("zone")):
        yield Fault(f"{at}/zone", "must be a time zone, such as Europe/Paris")
    if rule.get("holidays") is not None and not _is_holidays(rule["holidays"]):
        yield Fault(f"{at}/holidays", "must be a country whose holidays are known, such as FR or FR-57")
    yield from _open_faults(f"{at}/open", rule.get("open"))


def _open_faults(at: str, opened: object) -> Iterator[Fault]:
    if not isinstance(opened, Mapping) or not opened:
        yield Fault(at, 'must name at least one day, as {"mon-fri": ["08:00", "20:00"]}')
        return
    seen: set[int] = set()
    for days, window in opened.items():
        weekdays = _weekdays(str(days))
        if weekdays is None:
            yield Fault(f"{at}/{days}", "must be a day or days in their order, such as sat or mon-fri")
        elif not seen.isdisjoint(weekdays):
            yield Fault(f"{at}/{days}", "names a day that stands in another entry too")
        seen.update(weekdays or ())
        if not _is_window(window):
            yield Fault(f"{at}/{days}", 'must be two times in their order, such as ["08:00", "20:00"]')


def _is_window(window: object) -> bool:
    if not isinstance(window, list | tuple) or len(window) != 2:
        return False
    if not all(isinstance(clock, str) and _CLOCK.fullmatch(clock) for clock in window):
        return False
    opening, closing = window
    return _minutes(opening) < _minutes(closing)


def _is_zone(name: object) -> bool:
    try:
        ZoneInfo(name if isinstance(name, str) else "")
    except (OSError, ValueError, LookupError):  # an unknown name, a path that leads elsewhere, a folder of zones
        return False
    return True


def _is_holidays(code: object) -> bool:
    if not isinstance(code, str) or not _HOLIDAYS.fullmatch(code):
        return False
    try:
        _holidays(code, 2000)
    except NotImplementedError:  # the package knows no such country, or no such part of it
        return False
    return True
