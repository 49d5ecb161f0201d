"""A person of an account's address book, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from sqlalchemy import Row

from core.schema import contacts
from core.words import spaced

FIELDS: Final = ("nom", "prenom", "email", "societe")
LONGEST_FIELD: Final = 255  # characters of a name, an address or a company
COLUMNS: Final = tuple(column for column in contacts.c if column.name != "search")


@dataclass(frozen=True, slots=True)
class Contact:
    """`number` is E.164 digits, `country` its ISO 3166 code. Archived ones are out of the book until they are restored."""

    id: str
    account_id: str
    number: int
    country: str
    nom: str | None
    prenom: str | None
    email: str | None
    societe: str | None
    source: str
    created_at: int
    updated_at: int
    archived_at: int | None
    archived_reason: str | None

    def fact(self) -> Mapping[str, Any]:
        """What the outbox keeps of it: no more than its id. Whoever was erased since is told to nobody."""
        return {"contact_id": self.id}

    def row(self) -> Mapping[str, Any]:
        """Its columns."""
        return {name: getattr(self, name) for name in _NAMES} | {"search": self.words()}

    def words(self) -> str:
        """What it is searched by."""
        return spaced(self.nom, self.prenom, self.email, self.societe)


_NAMES: Final = tuple(field.name for field in fields(Contact))


def of_row(row: Row[Any]) -> Contact:
    return Contact(**{name: getattr(row, name) for name in _NAMES})


def tidy(text: str | None) -> str | None:
    """A field on one line, without what cannot be printed; None when nothing is left."""
    if text is None:
        return None
    printable = text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split()) or None
