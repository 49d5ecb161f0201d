"""A draft is requested text and recipients, not yet accepted; a message is one accepted for one number."""

from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, Final

from core.runtime import Tx
from core.schema import messages


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


def placed(message: Message, chunk_id: str, carrier: str | None) -> Message:
    """The message in a chunk, on its way to a carrier."""
    return replace(message, chunk_id=chunk_id, carrier=carrier)


def of(row: Any) -> Message:
    """The message of a row."""
    return Message(**row._asdict())


def insert(tx: Tx, born: list[Message]) -> None:
    """Write new messages."""
    tx.insert(messages, COLUMNS, [_values(message) for message in born])
