"""Tables of connectors: who has which one, whose turn a task is, and events whose sink could not take them. In the engine's metadata."""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Table, Text, UniqueConstraint

from core import schema
from hub.sealing.columns import sealed


def _id(name: str, **options: Any) -> Column[str]:
    return Column(name, schema.Id(), **({"nullable": False} | options))


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text(), **({"nullable": False} | options))


def _whole(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger(), **({"nullable": False} | options))


# A connector linked to an account. settings is a JSON object without its secrets; those are another one, sealed.
installations = Table(
    "installations",
    schema.metadata,
    _id("id", primary_key=True),
    _id("account_id"),
    _text("connector"),
    _text("settings"),
    sealed("secrets", "installations", "id", "account_id", nullable=True),
    _whole("created_at"),
    _whole("updated_at"),
    UniqueConstraint("account_id", "connector"),
    Index("ix_installations_connector_id", "connector", "id"),
)

# Work that is done again and again: when next, and which process is at it.
task_turns = Table(
    "task_turns",
    schema.metadata,
    _text("name", primary_key=True),  # <connector>.<task>
    _text("owner", nullable=True),
    _whole("lease_until"),
    _whole("due_at"),
)

# Events as they were rendered, for an installation whose sink raised: a job gives them to it again.
parked_events = Table(
    "parked_events",
    schema.metadata,
    _id("id", primary_key=True),
    _id("account_id"),
    _id("installation_id"),
    _text("connector"),
    _text("events"),  # JSON array
    _whole("created_at"),
    Index("ix_parked_events_created_at", "created_at"),
)
