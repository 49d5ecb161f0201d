"""People in a CSV attachment: which column holds numbers, and what stands beside them."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from connectors.mail2sms.mail import Row, Wrong
from connectors.mail2sms.parse import charset, clean

MOST_ROWS: Final = 10_000
MOST_COLUMNS: Final = 100
_MOST_LINES: Final = 2 * MOST_ROWS  # empty ones too
_LOOK: Final = 50  # rows by which the separator and the column are found
_SEPARATORS: Final = (";", "\t", ",", "|")
_ALONE: Final = "\x1f"  # csv needs a separator, and nobody writes this one

_NUMBER: Final = re.compile(r"""[ ="']*\+?[0-9][0-9 .()/-]{4,24}["' ]*""")
_NAMES: Final = {
    "number": "number numero num no mobile mobiles telephone tel phone portable gsm cell cellphone mobilephone phonenumber msisdn",
    "nom": "nom name lastname surname familyname nachname",
    "prenom": "prenom firstname givenname vorname",
    "email": "email mail courriel emailaddress",
    "societe": "societe company entreprise organisation organization firma empresa",
}
_ACCENTS: Final = str.maketrans("éèêëàâîïôûùç", "eeeeaaiiouuc")
_KNOWN: Final = {word: name for name, words in _NAMES.items() for word in words.split()}


def read(data: bytes, declared: str) -> tuple[Row, ...] | Wrong:
    """The rows of a list. Its first line may name the columns; without a name, the column that looks like numbers is theirs.

    Wrong: `list_unreadable` (why).
    """
    text = clean.clean(charset.decode(data, declared), tabs=True)
    try:
        table = list(islice(_rows(text, _separator(text)), MOST_ROWS + 2))
    except csv.Error:
        return _wrong("a field does not end: is there a quotation mark that is never closed?")
    if not table:
        return _wrong("it is empty.")
    header = not any(map(_NUMBER.fullmatch, table[0]))
    names = [_name(cell) for cell in table[0]] if header else []
    people = table[1:] if header else table
    column = names.index("number") if "number" in names else _column(people[:_LOOK])
    if column is None:
        return _wrong("no column looks like mobile numbers: name it `number` in the first line.")
    if len(people) > MOST_ROWS or text.count("\n") > _MOST_LINES:
        return _wrong(f"it has more than {MOST_ROWS} lines: send it in parts, or import it into a group.")
    return tuple(_row(cells, column, names) for cells in people if column < len(cells) and cells[column])


def _wrong(why: str) -> Wrong:
    return Wrong("list_unreadable", {"why": why})


def _separator(text: str) -> str:
    """The one that parts most of the first lines into the same number of cells, of which one is a number."""
    sample = "\n".join(text[:20_000].split("\n", _LOOK)[:_LOOK])
    return max((*_SEPARATORS, _ALONE), key=lambda separator: _score(sample, separator))


def _score(sample: str, separator: str) -> tuple[int, int]:
    rows = list(_rows(sample, separator))
    width = max((len(row) for row in rows), default=0)
    with_number = sum(any(map(_NUMBER.fullmatch, row)) for row in rows)
    return with_number, sum(len(row) == width for row in rows) if width > 1 else 0


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    """Rows that are not empty, of trimmed cells."""
    for row in islice(csv.reader(io.StringIO(text, newline=""), delimiter=separator), _MOST_LINES):
        cells = [cell.strip() for cell in row[:MOST_COLUMNS]]
        if any(cells):
            yield cells


def _name(cell: str) -> str:
    """What a column is called: our word for it, or its own in lower case."""
    own = " ".join(cell.lower().split())
    return _KNOWN.get(re.sub(r"[^a-z]", "", own.translate(_ACCENTS)), own)


def _column(rows: Sequence[Sequence[str]]) -> int | None:
    """The column with the most cells that look like numbers."""
    counts: dict[int, int] = {}
    for cells in rows:
        for place, cell in enumerate(cells):
            if _NUMBER.fullmatch(cell):
                counts[place] = counts.get(place, 0) + 1
    return max(counts, key=lambda place: (counts[place], -place), default=None)


def _row(cells: Sequence[str], column: int, names: Sequence[str]) -> Row:
    fields = {
        name: cell for place, (name, cell) in enumerate(zip(names, cells, strict=False)) if place != column and name
    }
    return Row(cells[column], fields)
