"""What lines before the text say: `#sender: SHOP`, `#at: 2026-12-24T09:00`, `#parts: 3`, up to the first empty line."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from connectors.mail2sms.mail import Options, Wrong

_LINE: Final = re.compile(r"#([A-Za-z]{1,20})[ ]?:[ ]*([^\n]*)(?:\n|\Z)")
_SENDER: Final = re.compile(r"[^\W_][\w .&'+-]{0,39}")
_PARTS: Final = re.compile(r"[1-9]|10")
_MOST_SHOWN: Final = 40

Taken = tuple[str, Options]


def take(text: str) -> Taken | Wrong:
    """The text below such lines, and what they say. A line that says what is not known is refused, and so is one that says it again.

    A text that itself begins so stands below one of them and an empty line. Wrong: `option_invalid` (option, value, cure).
    """
    options, said = Options(), set[str]()
    while found := _LINE.match(text):
        name, value = found[1].lower(), found[2].strip()
        if name not in _KNOWN or name in said:
            cure = (
                "say it once"
                if name in said
                else "#sender, #at and #parts are known, with an empty line above the text"
            )
            return _wrong(name, value, cure)
        read, cure = _KNOWN[name]
        one = read(value)
        if one is None:
            return _wrong(name, value, cure)
        options = replace(options, **one)
        said.add(name)
        text = text[found.end() :]
        if text.startswith("\n"):
            break
    return text.strip(), options


def _wrong(name: str, value: str, cure: str) -> Wrong:
    return Wrong("option_invalid", {"option": name, "value": value[:_MOST_SHOWN], "cure": cure})


def _sender(value: str) -> Mapping[str, Any] | None:
    return {"sender": value} if _SENDER.fullmatch(value) else None


def _at(value: str) -> Mapping[str, Any] | None:
    """A day and a time of it, as ISO 8601 writes them; in which zone is for whoever reads it."""
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return None
    return {"send_at": value} if value.isascii() and len(value) > len("2026-12-24") else None


def _parts(value: str) -> Mapping[str, Any] | None:
    return {"max_segments": int(value)} if _PARTS.fullmatch(value) else None


_KNOWN: Final[Mapping[str, tuple[Callable[[str], Mapping[str, Any] | None], str]]] = {
    "sender": (_sender, "write one of your senders"),
    "at": (_at, "write 2026-12-24T09:00"),
    "parts": (_parts, "write a number from 1 to 10"),
}
