"""Times as they are told and given: ISO 8601 with an offset."""

from datetime import UTC, datetime, timedelta
from typing import Final

from core import Refused

CURE: Final = "write a time with its offset, such as 2026-12-24T09:00:00+01:00"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


def iso(at: int) -> str:
    """UTC milliseconds as 2026-09-21T12:13:20.000Z, as the API shows them."""
    return (_EPOCH + at * _MS).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_or_none(at: int | None) -> str | None:
    return None if at is None else iso(at)


def read(text: str, pointer: str) -> int:
    """UTC milliseconds of a time. Refuses (`invalid_time`) one without an offset, and what is no time at all."""
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return (at - _EPOCH) // _MS
    except (ValueError, OverflowError):
        raise Refused.at(pointer, "invalid_time", f"This is not a time: {CURE}.") from None
    raise Refused.at(pointer, "invalid_time", f"This time has no offset, so it may mean many moments: {CURE}.")
