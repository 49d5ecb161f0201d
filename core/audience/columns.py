"""Which column is which: by the names in the header, by what stands under them, or as the caller says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core import number as numbers
from core.audience.contact import FIELDS, LONGEST_FIELD, tidy
from core.audience.delimited import is_number_like
from core.audience.sheet import Cell
from core.audience.spreadsheet import Row
from core.errors import Fault, Refused
from core.number import Number
from core.words import fold

TARGETS: Final = ("number", *FIELDS)
# Folded, without spaces. In this order: "adresse mail" is no address, "nom de la société" is no name, "prénom" is no "nom".
_NAMES: Final[Mapping[str, frozenset[str]]] = {
    "email": frozenset(["email", "mail", "courriel", "emails", "mails", "emailaddress"]),
    "number": frozenset(
        [
            "number",
            "numero",
            "num",
            "no",
            "mobile",
            "mobiles",
            "telephone",
            "tel",
            "phone",
            "portable",
            "gsm",
            "cell",
            "cellphone",
            "mobilephone",
            "phonenumber",
            "msisdn",
        ]
    ),
    "societe": frozenset(
        ["societe", "company", "entreprise", "organisation", "organization", "companyname", "firma", "empresa"]
    ),
    "prenom": frozenset(["prenom", "firstname", "givenname", "vorname", "prenoms", "first"]),
    "nom": frozenset(["nom", "name", "lastname", "surname", "familyname", "nachname", "last", "noms"]),
}
_WORD: Final = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table: `names` as found (or "Column A" without a header), `mapping` from a target to a column's place."""

    names: tuple[str, ...]
    header: bool
    mapping: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Person:
    """What a row says of somebody. `place` is the row's, `given` the number as it stood there."""

    place: int
    given: str
    number: Number
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a row is not taken."""

    place: int
    field: str
    value: str
    message: str


def find(sample: Sequence[Row], region: str, wished: Mapping[str, str | int] | None = None) -> Columns:
    """Columns of a table by its first rows. Refuses `empty_file`, `unknown_column` and `no_number_column`."""
    if not sample:
        raise Refused("empty_file", "There is no row in this file.")
    header = not any(map(is_number_like, sample[0].cells))
    names = _names(sample[0], header=header, width=max(len(row.cells) for row in sample))
    under = sample[1:] if header else sample
    mapping = _guess(names if header else ("",) * len(names), under, region)
    if wished is not None:
        chosen = _chosen(names, wished)
        free = {"number": mapping["number"]} if "number" in mapping and mapping["number"] not in chosen.values() else {}
        mapping = free | chosen
    if "number" not in mapping:
        raise Refused.at(
            "/mapping/number",
            "no_number_column",
            'No column looks like mobile numbers: say which it is, such as {"number": "Mobile"} or {"number": 0}.',
            columns=list(names),
        )
    return Columns(names, header, mapping)


def read(row: Row, mapping: Mapping[str, int], region: str) -> Person | Wrong:
    """What a row says, or why it is not taken."""
    given = _cell(row, mapping["number"])
    fields = {field: text for field in FIELDS if field in mapping and (text := _text(_cell(row, mapping[field])))}
    long = next((field for field, text in fields.items() if len(text) > LONGEST_FIELD), None)
    if long:
        return Wrong(row.place, long, fields[long][:80], f"longer than {LONGEST_FIELD} characters")
    shown = _text(given)[:80]
    if not shown:
        return Wrong(row.place, "number", "", "There is no number in this row.")
    try:
        return Person(row.place, shown, numbers.parse(numbers.from_cell(given), region), fields)
    except Refused as refused:
        return Wrong(row.place, "number", shown, refused.detail)


def _names(first: Row, *, header: bool, width: int) -> tuple[str, ...]:
    found = [_text(cell) for cell in first.cells] if header else []
    return tuple((found[place : place + 1] or [""])[0] or f"Column {_letters(place)}" for place in range(width))


def _letters(place: int) -> str:
    """0 is A, 26 is AA: as a spreadsheet names its columns."""
    head, tail = divmod(place, 26)
    return (_letters(head - 1) if head else "") + chr(ord("A") + tail)


def _chosen(names: Sequence[str], wished: Mapping[str, str | int]) -> dict[str, int]:
    """The caller's own mapping: a column by its name, or by its place counted from 0."""
    chosen, faults = {}, []
    for target, column in wished.items():
        place = _place(names, column)
        if target not in TARGETS:
            faults.append(Fault(f"/mapping/{target}", f"unknown field: choose among {', '.join(TARGETS)}"))
        elif place is None:
            faults.append(Fault(f"/mapping/{target}", f"no such column; the file has {', '.join(names)}"))
        else:
            chosen[target] = place
    if faults:
        raise Refused(
            "unknown_column",
            f"The mapping does not fit this file: {faults[0].message}.",
            tuple(faults),
            {"columns": list(names)},
        )
    return chosen


def _place(names: Sequence[str], column: str | int) -> int | None:
    if isinstance(column, int):
        return column if 0 <= column < len(names) else None
    wanted = fold(column).split()
    return next((place for place, name in enumerate(names) if fold(name).split() == wanted), None)


def _guess(headings: Sequence[str], under: Sequence[Row], region: str) -> dict[str, int]:
    mapping: dict[str, int] = {}
    for target, words in _NAMES.items():
        free = [place for place in range(len(headings)) if place not in mapping.values()]
        scores = {place: _named(headings[place], words) + _looks(target, under, place, region) for place in free}
        best = max(free, key=lambda place: scores[place], default=None)
        if best is not None and scores[best] >= 0.5:
            mapping[target] = best
    return mapping


def _named(heading: str, words: frozenset[str]) -> float:
    found = _WORD.findall(fold(heading))
    return 1.0 if "".join(found) in words else 0.5 if words.intersection(found) else 0.0


def _looks(target: str, under: Sequence[Row], place: int, region: str) -> float:
    """The share of cells that can only be what is looked for; names and companies look like anything."""
    cells = [cell for row in under if (cell := _cell(row, place)) != ""]
    if not cells or target not in ("number", "email"):
        return 0.0
    fits = _is_number if target == "number" else _is_email
    return sum(fits(cell, region) for cell in cells) / len(cells)


def _is_number(cell: Cell, region: str) -> bool:
    try:
        return is_number_like(cell) and numbers.parse(numbers.from_cell(cell), region).value > 0
    except Refused:
        return False


def _is_email(cell: Cell, _region: str) -> bool:
    return isinstance(cell, str) and re.fullmatch(r"\s*[^@\s]+@[^@\s]+\.[^@\s]+\s*", cell) is not None


def _cell(row: Row, place: int) -> Cell:
    return row.cells[place] if place < len(row.cells) else ""


def _text(cell: Any) -> str:
    """A cell as a person sees it: 12.0 is 12."""
    whole = isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15
    return tidy(str(int(cell)) if whole else str(cell)) or ""
