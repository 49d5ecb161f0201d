"""Facts for the outside (webhooks, connectors), written to the outbox in the transaction that made them true.

One row holds the facts of one kind that one transaction made for one account: a window of 500 messages is one row. A fact is a
JSON object; its event id is the row's id and its place in it, so it is the same however often it is delivered.
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from core.runtime import Tx
from core.schema import outbox

TYPES: Final = (
    "message.status",
    "reply.received",
    "optout.created",
    "optout.removed",
    "credits.low",
    "campaign.finished",
    "contact.created",
    "contact.archived",
    "link.clicked",
)
ROW_FACTS: Final = 500  # the most facts in one row; more become more rows


def emit(tx: Tx, account_id: str, kind: str, facts: Iterable[Mapping[str, Any]]) -> None:
    """Append facts of one kind; they leave only if the transaction commits."""
    listed = list(facts)
    rows = [
        (tx.new_id(), account_id, kind, json.dumps(listed[start : start + ROW_FACTS]), tx.now, tx.now)
        for start in range(0, len(listed), ROW_FACTS)
    ]
    if rows:
        tx.insert(outbox, ("id", "account_id", "type", "payload", "at", "due_at"), rows)
        tx.ring("events")


def event_id(row_id: str, place: int) -> str:
    """The id of one fact of a row: the receiver's key against doubles."""
    return str(uuid.uuid5(uuid.UUID(row_id), str(place)))


def facts(payload: str) -> Sequence[Mapping[str, Any]]:
    """The facts of a row."""
    read: Sequence[Mapping[str, Any]] = json.loads(payload)
    return read
