"""What Zapier sends as an operation wants it. Pure but for the account's zone.

A field that a person left empty comes as "", null or not at all; one that was filled from an earlier step may be a text where a number
or a list is meant, or a number where a text is; a time may have no offset, and is then of the account's zone.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.contract import Schema
from connectors.zapier.fields import kind_of
from core import Fault, Refused

_EMPTY: Final[tuple[object, ...]] = (None, "", [], {})
_WHOLE: Final = re.compile(r"-?[0-9]{1,15}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_TRUTH: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "yes", "1", "on"), True),
    **dict.fromkeys(("false", "no", "0", "off"), False),
}


def read(schema: Schema, known: Sequence[str], raw: object, zone: Callable[[], str]) -> dict[str, Any]:
    """The fields that were given, each as its property of `schema` wants it. Refuses (`invalid_request`) those that are not known.

    zone: the name of the account's zone, asked for only where a time has no offset.
    """
    if not isinstance(raw, dict):
        raise Refused("invalid_request", "Send a JSON object with the fields.")
    if unknown := sorted(raw.keys() - set(known)):
        words = f"is not a field here; known: {', '.join(sorted(known))}"
        raise Refused("invalid_request", f"/{unknown[0]} {words}.", tuple(Fault(f"/{name}", words) for name in unknown))
    given = {name: value for name, value in raw.items() if value not in _EMPTY}
    read_ = {name: _value(schema["properties"][name], value, zone) for name, value in given.items()}
    return {name: value for name, value in read_.items() if value not in _EMPTY}  # a list of nothing is nothing


def _value(schema: Schema, value: Any, zone: Callable[[], str]) -> Any:
    kind = kind_of(schema)
    if kind == "array":
        each = value if isinstance(value, list) else [value]
        return [_value(schema["items"], one, zone) for one in each if one not in (None, "")]
    if kind == "string":
        text = _text(value)
        return _moment(text, zone) if schema.get("format") == "date-time" and isinstance(text, str) else text
    return _READ[kind](value) if isinstance(value, str) and kind in _READ else value


def _text(value: Any) -> Any:
    """A number or a truth that an earlier step gave where a text is meant."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _whole(text: str) -> Any:
    return int(text) if _WHOLE.fullmatch(text.strip()) else text


def _decimal(text: str) -> Any:
    return float(text) if _DECIMAL.fullmatch(text.strip()) else text


def _truth(text: str) -> Any:
    return _TRUTH.get(text.strip().lower(), text)


_READ: Final[Mapping[str, Callable[[str], Any]]] = {"integer": _whole, "number": _decimal, "boolean": _truth}


def _moment(text: str, zone: Callable[[], str]) -> str:
    """A time with an offset; what is none stays as it is, for the operation to refuse in its own words."""
    try:
        read_ = datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    return text if read_.tzinfo else read_.replace(tzinfo=ZoneInfo(zone())).isoformat()
