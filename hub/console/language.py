"""The words of the pages and mails, in English and French (`words/{en,fr}.json`), and how each language writes figures and times."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Final

from flask import request
from markupsafe import Markup, escape

from hub.console.house import LANGUAGE, house

LANGUAGES: Final = ("en", "fr")  # the first one where a browser asks for neither
NAMES: Final[Mapping[str, str]] = {"en": "English", "fr": "Français"}  # each in itself

_FOLDER: Final = Path(__file__).with_name("words")
_THIN: Final = "\u202f"  # the narrow no-break space


def current() -> str:
    """The language of the request that is answered now: the visitor's choice, else what the browser asks for."""
    choice = request.cookies.get(house().cookie(LANGUAGE))
    if choice in LANGUAGES:
        return str(choice)
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


@cache
def words(language: str) -> Mapping[str, str]:
    """Every word of a language by its key."""
    found: Mapping[str, str] = json.loads((_FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return found


def say(language: str, key: str, **values: object) -> Markup:
    """The words under a key as HTML, with what stands for their {names}; values are escaped. KeyError where there are none."""
    return escape(words(language)[key]).format(**values)


def plain(language: str, key: str, **values: object) -> str:
    """The same as plain text, for mails and messages."""
    return words(language)[key].format(**values)


def counted(language: str, key: str, count: int, **values: object) -> Markup:
    """The words for so many: under `key.one` or `key.other`. Nothing is singular in French and plural in English."""
    single = count in (0, 1) if language == "fr" else count == 1
    return say(language, f"{key}.{'one' if single else 'other'}", count=whole(language, count), **values)


def whole(language: str, count: int) -> str:
    """12,345 or 12 345."""
    return f"{count:,}" if language == "en" else f"{count:,}".replace(",", _THIN)


def credits_(language: str, millicredits: int) -> str:
    """Credits with the places they have: 1,000 or 12.5; 1 000 or 12,5."""
    units, rest = divmod(abs(millicredits), 1000)
    places = f"{rest:03}".rstrip("0")
    point = "." if language == "en" else ","
    return f"{'-' if millicredits < 0 else ''}{whole(language, units)}{point + places if places else ''}"


def percent(language: str, rate: float) -> str:
    """12.5% or 12,5 %, with one place at most."""
    shown = f"{rate:.1f}".removesuffix(".0")
    return f"{shown}%" if language == "en" else f"{shown.replace('.', ',')}{_THIN}%"


def duration(language: str, milliseconds: int) -> Markup:
    """About how long, never less: 40 seconds, 12 minutes, 2 hours."""
    for unit, size in (("hours", 3_600_000), ("minutes", 60_000)):
        if milliseconds >= size:
            return counted(language, f"duration.{unit}", -(-milliseconds // size))
    return counted(language, "duration.seconds", -(-milliseconds // 1000))


def moment(language: str, at: int, zone: tzinfo = UTC) -> str:
    """A time in words: 3 May 2026, 14:05 or 3 mai 2026, 14:05."""
    when = datetime.fromtimestamp(at / 1000, zone)
    month = words(language)[f"month.{when.month}"]
    return f"{when.day} {month} {when.year}, {when:%H:%M}"
