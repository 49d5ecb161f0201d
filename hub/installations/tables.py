"""Tables of connectors: who has which one, whose turn a task is, and events whose sink could not take them. In the engine's metadata."""

from sqlalchemy import Index, Table, UniqueConstraint

from core import schema
from hub.sealing.columns import sealed

ident, text, whole = schema.ident, schema.text, schema.whole

# A connector linked to an account. settings is a JSON object without its secrets; those are another one, sealed.
installations = Table(
    "installations",
    schema.metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    text("connector"),
    text("settings"),
    sealed("secrets", "installations", "id", "account_id", nullable=True),
    whole("created_at"),
    whole("updated_at"),
    UniqueConstraint("account_id", "connector"),
    Index("ix_installations_connector_id", "connector", "id"),
)

# Work that is done again and again: when next, and which process is at it.
task_turns = Table(
    "task_turns",
    schema.metadata,
    text("name", primary_key=True),  # <connector>.<task>
    text("owner", nullable=True),
    whole("lease_until"),
    whole("due_at"),
)

# Events as they were rendered, for an installation whose sink raised: a job gives them to it again.
parked_events = Table(
    "parked_events",
    schema.metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    ident("installation_id"),
    text("connector"),
    text("events"),  # JSON array
    whole("created_at"),
    Index("ix_parked_events_created_at", "created_at"),
)
