"""How values look at the edge: times in ISO 8601 with an offset, credits as decimal numbers, numbers as people write them."""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from core import Refused, number, tariff

# RFC 3339 section 5.6, seconds optional as people leave them out, and a space for the + that an address turned into one.
_TIME: Final = re.compile(
    r"(?P<local>\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:[.,](?P<part>\d{1,9}))?)?)(?:(?P<utc>[Zz])|(?P<sign>[+\- ])(?P<hours>\d\d):?(?P<minutes>\d\d))?",
    re.ASCII,
)
CURE: Final = "write a time with its offset, such as 2026-09-21T14:30:00+02:00 or 2026-09-21T12:30:00Z"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

credits_of = tariff.from_millicredits


@lru_cache(maxsize=4096)  # many rows of one moment are shown together
def iso(at: int) -> str:
    """UTC milliseconds as a time in ISO 8601: 2026-09-21T12:13:20.000Z."""
    seconds, milliseconds = divmod(at, 1000)
    second = (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]  # strftime does not pad a year
    return f"{second}.{milliseconds:03}Z"


def iso_or_none(at: int | None) -> str | None:
    return None if at is None else iso(at)


def read_time(text: str, pointer: str = "") -> int:
    """UTC milliseconds of a time in ISO 8601. Refuses (`invalid_time`) one without an offset, and what is no time at all."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise Refused.at(pointer, "invalid_time", f"This is not a time: {CURE}.")
    if found["utc"] is None and found["sign"] is None:
        raise Refused.at(pointer, "invalid_time", f"This time has no offset, so it may mean many moments: {CURE}.")
    try:
        wall = datetime.fromisoformat(found["local"][:19].upper()).replace(tzinfo=_zone(found))
        at = (wall - _EPOCH) // timedelta(milliseconds=1) + int((found["part"] or "").ljust(3, "0")[:3])
        iso(at)  # near the ends of the calendar an offset may lead out of it
    except (ValueError, OverflowError):
        raise Refused.at(pointer, "invalid_time", f"There is no such time: {CURE}.") from None
    return at


NUMBER_REFUSALS: Final = ("invalid_number", "fixed_line_number", "not_mobile_number")


def read_number(text: str, region: str, pointer: str) -> int:
    """The E.164 digits of a number as a person of `region` writes it. Refuses (NUMBER_REFUSALS) what can't be texted."""
    try:
        return number.parse(text, region).value
    except Refused as refusal:
        raise refusal.about(pointer) from None


def is_time(text: object) -> bool:
    """Whether `read_time` takes it; what is no text is for others to judge."""
    try:
        return not isinstance(text, str) or read_time(text) is not None
    except Refused:
        return False


def _zone(found: re.Match[str]) -> timezone:
    if found["utc"]:
        return UTC
    if int(found["minutes"]) > 59:
        raise ValueError(found["minutes"])
    offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
    return timezone(-offset if found["sign"] == "-" else offset)
