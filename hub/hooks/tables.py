"""Tables of webhooks: who wants which events where, and each POST that is to be made. In the engine's metadata, so migrations see them."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text

from core import schema
from hub.sealing.columns import sealed


def _id(name: str, **options: Any) -> Column[str]:
    return Column(name, schema.Id(), **({"nullable": False} | options))


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text(), **({"nullable": False} | options))


def _whole(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger(), **({"nullable": False} | options))


# A deleted one stays as a tombstone, without its secret: to delete it again is no error.
hooks = Table(
    "hooks",
    schema.metadata,
    _id("id", primary_key=True),
    _id("account_id"),
    _text("url"),
    _text("events"),  # JSON array of event types
    _text("filters"),  # JSON object
    Column("batch", Boolean(), nullable=False),
    sealed("secret", "hooks", "id", "account_id"),
    sealed("previous_secret", "hooks", "id", "account_id", nullable=True),  # signs too until previous_until
    _whole("previous_until", nullable=True),
    _text("source"),
    _id("grant_id", nullable=True),  # of the application that made it: it goes with its grant
    _whole("created_at"),
    _whole("disabled_at", nullable=True),
    _text("disabled_reason", nullable=True),  # failing, gone, deleted
    _whole("failing_since", nullable=True),  # its first failure since it last took something
    _whole("failures"),  # in a row
    Column("prompt", Boolean(), nullable=False),  # it answered well and quickly last time
    _whole("paced_at"),  # the time its pace is spent up to: also whose turn it is
    _whole("held_until"),  # a failing or throttling receiver is left alone until then
    _whole("delivered"),
    _whole("failed"),
    _whole("dead"),
    Index("ix_hooks_account_id_id", "account_id", "id"),
)

_OF_GRANT = hooks.c.grant_id.is_not(None)
Index("ix_hooks_grant_id", hooks.c.grant_id, postgresql_where=_OF_GRANT, sqlite_where=_OF_GRANT)

# One POST, to be made until it is taken. It has a due_at as long as it is pending, and a lease_until while somebody is at it.
# attempt only rises, and is the fence of whoever records an outcome; base is what it was when this round of attempts began.
deliveries = Table(
    "deliveries",
    schema.metadata,
    _id("id", primary_key=True),
    _id("hook_id"),
    _id("account_id"),
    _id("webhook_id"),  # the event's id, or the delivery's own for a batch: the receiver's key against doubles
    _text("type"),
    _text("body"),  # as it is posted: a repeat is the same, byte for byte
    _whole("size"),  # how many events it holds
    _text("status"),  # pending, delivered, dead
    _whole("attempt"),
    _whole("base"),
    _whole("due_at", nullable=True),
    _whole("lease_until", nullable=True),
    _whole("last_status", nullable=True),
    _text("last_error", nullable=True),
    _whole("created_at"),
    _whole("delivered_at", nullable=True),
    Index("ix_deliveries_hook_id_status_id", "hook_id", "status", "id"),  # lists, and the batch that is still open
)
_PENDING = deliveries.c.due_at.is_not(None)
_LEASED = deliveries.c.lease_until.is_not(None)
Index("ix_deliveries_due", deliveries.c.hook_id, deliveries.c.due_at, postgresql_where=_PENDING, sqlite_where=_PENDING)
Index("ix_deliveries_leased", deliveries.c.hook_id, postgresql_where=_LEASED, sqlite_where=_LEASED)
Index("ix_deliveries_waiting", deliveries.c.created_at, postgresql_where=_PENDING, sqlite_where=_PENDING)
