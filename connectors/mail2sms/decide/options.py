"""What options of an address, and of lines before the text, come to: purpose, sender, time. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.mail2sms.decide.plan import Manner
from connectors.mail2sms.mail import Options, Wrong
from core import groups

_COMPACT: Final = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})[Tt ]([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
CURE: Final = "write 20261224T0900 or 2026-12-24T09:00, as it is on your clock"


def together(said: Iterable[Options]) -> Options:
    """What was said first counts, field by field."""
    every = list(said)
    known: dict[str, Any] = {
        each.name: next((value for one in every if (value := getattr(one, each.name))), each.default)
        for each in fields(Options)
    }
    return Options(**known)


def manner(said: Options, purpose: str | None, zone: ZoneInfo, senders: Sequence[str]) -> Manner | Wrong:
    """How it is sent. purpose: of the installation; senders: those that the account has used."""
    at = None if said.send_at is None else moment(said.send_at, zone)
    if isinstance(at, Wrong):
        return at
    return Manner(said.purpose or purpose, None if said.sender is None else sender(said.sender, senders), at)


def moment(text: str, zone: ZoneInfo) -> int | Wrong:
    """UTC milliseconds of a time as it is on the account's clock, or with an offset of its own."""
    wrong = Wrong("option_invalid", {"option": "at", "value": text, "cure": CURE})
    found = _COMPACT.match(text.strip())
    try:
        if found is not None and found.end() == len(text.strip()):
            year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
            at = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        else:
            read = datetime.fromisoformat(text.strip())
            at = read if read.tzinfo is not None else read.replace(tzinfo=zone)
        return (at - _EPOCH) // _MS
    except (ValueError, OverflowError):
        return wrong


def sender(text: str, senders: Sequence[str]) -> str:
    """The sender of this name, or of this slug where the account has used one that looks so; else the text, for the engine to judge."""
    slug = groups.slug_of(text)
    same = (one for one in senders if one == text)
    alike = (one for one in senders if groups.slug_of(one) == slug)
    return next(same, None) or next(alike, None) or text.replace("-", " ")
