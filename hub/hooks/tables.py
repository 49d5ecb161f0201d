"""Tables of webhooks: who wants which events where, and each POST that is to be made. In the engine's metadata, so migrations see them."""

from sqlalchemy import Boolean, Column, Index, Table

from core import schema
from hub.sealing.columns import sealed

ident, text, whole = schema.ident, schema.text, schema.whole

# A deleted one stays as a tombstone, without its secret: to delete it again is no error.
hooks = Table(
    "hooks",
    schema.metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    text("url"),
    text("events"),  # JSON array of event types
    text("filters"),  # JSON object
    Column("batch", Boolean(), nullable=False),
    sealed("secret", "hooks", "id", "account_id"),
    sealed("previous_secret", "hooks", "id", "account_id", nullable=True),  # signs too until previous_until
    whole("previous_until", nullable=True),
    text("source"),
    ident("grant_id", nullable=True),  # of the application that made it: it goes with its grant
    whole("created_at"),
    whole("disabled_at", nullable=True),
    text("disabled_reason", nullable=True),  # failing, gone, deleted
    whole("failing_since", nullable=True),  # its first failure since it last took something
    whole("failures"),  # in a row
    Column("prompt", Boolean(), nullable=False),  # it answered well and quickly last time
    whole("paced_at"),  # the time its pace is spent up to: also whose turn it is
    whole("held_until"),  # a failing or throttling receiver is left alone until then
    whole("delivered"),
    whole("failed"),
    whole("dead"),
    Index("ix_hooks_account_id_id", "account_id", "id"),
)

_OF_GRANT = hooks.c.grant_id.is_not(None)
Index("ix_hooks_grant_id", hooks.c.grant_id, postgresql_where=_OF_GRANT, sqlite_where=_OF_GRANT)

# One POST, to be made until it is taken. It has a due_at as long as it is pending, and a lease_until while somebody is at it.
# attempt only rises, and is the fence of whoever records an outcome; base is what it was when this round of attempts began.
deliveries = Table(
    "deliveries",
    schema.metadata,
    ident("id", primary_key=True),
    ident("hook_id"),
    ident("account_id"),
    ident("webhook_id"),  # the event's id, or the delivery's own for a batch: the receiver's key against doubles
    text("type"),
    text("body"),  # as it is posted: a repeat is the same, byte for byte
    whole("size"),  # how many events it holds
    text("status"),  # pending, delivered, dead
    whole("attempt"),
    whole("base"),
    whole("due_at", nullable=True),
    whole("lease_until", nullable=True),
    whole("last_status", nullable=True),
    text("last_error", nullable=True),
    whole("created_at"),
    whole("delivered_at", nullable=True),
    Index("ix_deliveries_hook_id_status_id", "hook_id", "status", "id"),  # lists, and the batch that is still open
)
_PENDING = deliveries.c.due_at.is_not(None)
_LEASED = deliveries.c.lease_until.is_not(None)
Index("ix_deliveries_due", deliveries.c.hook_id, deliveries.c.due_at, postgresql_where=_PENDING, sqlite_where=_PENDING)
Index("ix_deliveries_leased", deliveries.c.hook_id, postgresql_where=_LEASED, sqlite_where=_LEASED)
Index("ix_deliveries_waiting", deliveries.c.created_at, postgresql_where=_PENDING, sqlite_where=_PENDING)
