"""Facts for the outside (webhooks, connectors), written to the outbox in the transaction that made them true.

One row holds the facts of one kind that one transaction made for one account: a window of 500 messages is one row. A fact is a
JSON object; its event id is the row's id and its place in it, so it is the same however often it is delivered. Facts that differ in
one value only are kept as what they share and a list: {"common": {...}, "by": "message_id", "each": [...]}.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import orjson

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
Payload = tuple[str, str, str]  # account id, type, facts as they are kept
ROW_FACTS: Final = 500  # the most facts in one row; more become more rows
ALIKE_FACTS: Final = 5_000  # of those that differ in one value: some 200 kB


def emit(tx: Tx, account_id: str, kind: str, facts: Iterable[Mapping[str, Any]]) -> None:
    """Append facts of one kind; they leave only if the transaction commits."""
    listed = list(facts)
    parts = (listed[start : start + ROW_FACTS] for start in range(0, len(listed), ROW_FACTS))
    append(tx, [(account_id, kind, json.dumps(part)) for part in parts])


def alike(account_id: str, kind: str, by: str, values: Sequence[str], common: Mapping[str, Any]) -> list[Payload]:
    """Facts of one kind that have `common` in common and differ in the value of `by`, in the order of `values`; to be appended."""
    parts = (values[start : start + ALIKE_FACTS] for start in range(0, len(values), ALIKE_FACTS))
    return [(account_id, kind, orjson.dumps({"common": common, "by": by, "each": part}).decode()) for part in parts]


def append(tx: Tx, payloads: Sequence[Payload]) -> None:
    """Rows of the outbox, in this order."""
    if payloads:
        rows = [
            (id_, *payload, tx.now, tx.now) for id_, payload in zip(tx.new_ids(len(payloads)), payloads, strict=True)
        ]
        tx.insert(outbox, ("id", "account_id", "type", "payload", "at", "due_at"), rows)
        tx.ring("events")


def event_id(row_id: str, place: int) -> str:
    """The id of one fact of a row: the receiver's key against doubles. A UUIDv5 (RFC 9562 section 5.5) of its place in the row's id."""
    mixed = _begun(row_id).copy()
    mixed.update(b"%d" % place)
    digest = mixed.hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def facts(payload: str) -> Sequence[Mapping[str, Any]]:
    """The facts of a row."""
    read = json.loads(payload)
    if isinstance(read, list):
        return read
    by, common = read["by"], read["common"]
    return [{by: value, **common} for value in read["each"]]


@lru_cache(maxsize=64)
def _begun(row_id: str) -> "hashlib._Hash":
    """The hash of a row's id, to which the places are added."""
    return hashlib.sha1(uuid.UUID(row_id).bytes, usedforsecurity=False)
