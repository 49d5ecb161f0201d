"""The lines of an attached list, as recipients of a campaign. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from connectors.mail2sms.decide.plan import NAMES
from connectors.mail2sms.decide.turned import Turned
from connectors.mail2sms.mail import Row, Wrong
from core import Refused, number, words

MOST_ROWS: Final = 10_000  # explicit recipients of a campaign
MOST_CHARS: Final = 200  # of what a text is merged with
LONGEST_NUMBER: Final = 64


def recipients(rows: Sequence[Row], region: str) -> tuple[Mapping[str, str], ...]:
    """Each line as {to, nom, prenom, email, societe}; the engine tells those whose number can't be texted. Raises Turned."""
    if not rows:
        raise _unreadable("no list (CSV) is attached, or it has no line with a number.")
    if len(rows) > MOST_ROWS:
        raise _unreadable(
            f"it has {len(rows):,} lines, {MOST_ROWS:,} at most: import it as a group, and write to that."
        )
    read = tuple(_recipient(row) for row in rows)
    if not textable(read, region):
        raise _unreadable("none of its lines has a number that can be texted.")
    return read


def textable(rows: Iterable[Mapping[str, str]], region: str) -> int:
    """How many numbers there are that can be texted, each once."""
    return len({value for row in rows if (value := _value(row["to"], region)) is not None})


def _recipient(row: Row) -> Mapping[str, str]:
    fields = {words.fold(name): value for name, value in row.fields.items()}
    named = {name: fields[name].strip()[:MOST_CHARS] for name in NAMES if fields.get(name, "").strip()}
    return {"to": _cell(row.number)[:LONGEST_NUMBER] or "?", **named}


def _cell(text: str) -> str:
    """What a spreadsheet did to a number is undone; where it can't be, the cell stands as it is, and is told of."""
    try:
        return number.from_cell(text)
    except Refused:
        return text.strip()


def _value(text: str, region: str) -> int | None:
    try:
        return number.parse(text, region).value
    except Refused:
        return None


def _unreadable(why: str) -> Turned:
    return Turned(Wrong("list_unreadable", {"why": why}))
