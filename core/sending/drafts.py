"""A draft is requested text and recipients, not yet accepted; a message is one accepted for one number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain, repeat
from operator import attrgetter
from typing import Any, Final, NamedTuple

from core.accounts import Account
from core.copying import Rows
from core.runtime import Tx
from core.schema import messages


class Manner(NamedTuple):
    """What is left of a draft without recipient, text and reference: most drafts of a batch have it in common."""

    sender: str | None = None
    purpose: str | None = None
    send_at: int | None = None
    stop: bool | None = None
    validity_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """One message as it was asked for. Times in ms; None where nothing was said."""

    to: str
    text: str
    sender: str | None = None
    purpose: str | None = None
    send_at: int | None = None
    reference: str | None = None
    stop: bool | None = None
    validity_minutes: int | None = None

    @property
    def manner(self) -> Manner:
        """How it is to be sent."""
        return Manner(self.sender, self.purpose, self.send_at, self.stop, self.validity_minutes)


@dataclass(frozen=True, slots=True)
class Alike:
    """Drafts of one account and manner, and the road that they came by (`source`): lists, since a value a draft takes longer than all else.

    `places` are theirs among all that is asked for at once.
    """

    account: Account
    source: str
    manner: Manner
    places: list[int]
    to: list[str]
    texts: list[str]
    references: list[str | None]

    @classmethod
    def begun(cls, account: Account, source: str, manner: Manner) -> "Alike":
        """None yet."""
        return cls(account, source, manner, [], [], [], [])

    def add(self, place: int, to: str, text: str, reference: str | None) -> None:
        """One more of them."""
        self.places.append(place)
        self.to.append(to)
        self.texts.append(text)
        self.references.append(reference)

    def add_all(
        self, places: Sequence[int], to: Sequence[str], texts: Sequence[str], references: Sequence[str | None]
    ) -> None:
        """Many more of them."""
        self.places.extend(places)
        self.to.extend(to)
        self.texts.extend(texts)
        self.references.extend(references)

    @property
    def columns(self) -> tuple[list[int], list[str], list[str], list[str | None]]:
        """What differs: places, recipients, texts and references."""
        return self.places, self.to, self.texts, self.references


@dataclass(frozen=True, slots=True)
class Message:
    """A row of the table of messages, field by field."""

    id: str
    account_id: str
    campaign_id: str | None
    chunk_id: str | None
    number: int
    country: str
    sender: str
    purpose: str
    text: str
    encoding: str
    segments: int
    millicredits: int
    reference: str | None
    source: str
    status: str
    status_detail: str | None
    substitutions: str | None
    status_at: int
    send_at: int | None
    created_at: int
    sent_at: int | None
    expires_at: int
    mention: bool
    charged: bool
    attempt: int
    carrier: str | None
    carrier_id: str | None
    carrier_code: str | None
    hidden_at: int | None = None


COLUMNS: Final = tuple(field.name for field in fields(Message))
_values: Final = attrgetter(*COLUMNS)


@dataclass(frozen=True, slots=True)
class Born:
    """New messages that differ in nothing but place, id, number, text and reference; `common` has all their other fields."""

    common: Mapping[str, Any]
    places: Sequence[int]
    ids: Sequence[str]
    numbers: Sequence[int]
    texts: Sequence[str]
    references: Sequence[str | None]

    def message(self, at: int) -> Message:
        """One of them."""
        own = (self.ids[at], self.numbers[at], self.texts[at], self.references[at])
        return Message(id=own[0], number=own[1], text=own[2], reference=own[3], **self.common)


def placed(message: Message, chunk_id: str, carrier: str | None) -> Message:
    """The message in a chunk, on its way to a carrier."""
    return replace(message, chunk_id=chunk_id, carrier=carrier)


def of(row: Any) -> Message:
    """The message of a row."""
    return Message(*_values(row))


def insert(tx: Tx, born: list[Message]) -> None:
    """Write new messages."""
    tx.insert(messages, COLUMNS, [_values(message) for message in born])


def insert_alike(tx: Tx, born: Sequence[Born]) -> None:
    """Write new messages: columns that are the same in all of them once, and those that are nothing in any not at all."""
    columns: dict[str, Sequence[Any]] = {
        "id": list(chain.from_iterable(heap.ids for heap in born)),
        "number": list(chain.from_iterable(heap.numbers for heap in born)),
    }
    common: dict[str, Any] = {}
    for name, values in (("text", [heap.texts for heap in born]), ("reference", [heap.references for heap in born])):
        _add(name, list(chain.from_iterable(values)), columns, common)
    for name in born[0].common:
        of_each = [heap.common[name] for heap in born]
        if of_each.count(of_each[0]) == len(of_each):
            common[name] = of_each[0]
        else:
            repeated = (repeat(value, len(heap.ids)) for value, heap in zip(of_each, born, strict=True))
            columns[name] = list(chain.from_iterable(repeated))
    tx.insert_alike(messages, [(Rows(columns), {name: value for name, value in common.items() if value is not None})])


def _add(name: str, values: Sequence[Any], columns: dict[str, Sequence[Any]], common: dict[str, Any]) -> None:
    """A column to those that differ, or its one value to what all have in common."""
    if values.count(values[0]) == len(values):
        common[name] = values[0]
    else:
        columns[name] = values
