"""Tables of what comes back from carriers: receipts, replies, and their own ids of messages."""

from sqlalchemy import Boolean, Column, Index, Table, UniqueConstraint

from core.schema.types import ident, metadata, text, whole

# Messages by their carrier's id of them, of carriers whose receipts do not name our reference.
carrier_ids = Table(
    "carrier_ids",
    metadata,
    text("carrier_id", primary_key=True),
    text("carrier", primary_key=True),
    ident("message_id", primary_key=True),
    whole("at"),
    Index("ix_carrier_ids_at", "at"),
)

# What a carrier brought at once, stored raw before it is answered and applied later: a JSON array of receipts, each
# [status, code, at, reference, carrier_id]. `outcome` counts what became of them; `retry_at`: when one that could not be applied
# is tried again.
receipt_batches = Table(
    "receipt_batches",
    metadata,
    ident("id", primary_key=True),
    text("carrier"),
    whole("size"),
    text("raw"),
    whole("received_at"),
    whole("applied_at", nullable=True),
    text("outcome", nullable=True),
    whole("retry_at", nullable=True),
)
Index(
    "ix_receipt_batches_waiting",
    receipt_batches.c.id,
    postgresql_where=receipt_batches.c.applied_at.is_(None),
    sqlite_where=receipt_batches.c.applied_at.is_(None),
)

# Receipts that matched no message: parked here, and tried again.
receipts = Table(
    "receipts",
    metadata,
    ident("id", primary_key=True),
    text("carrier"),
    text("carrier_id", nullable=True),
    text("reference", nullable=True),
    text("status"),
    text("code", nullable=True),
    whole("at"),
    whole("received_at"),
    whole("due_at"),
    whole("applied_at", nullable=True),
    text("outcome", nullable=True),
)
Index(
    "ix_receipts_waiting",
    receipts.c.due_at,
    postgresql_where=receipts.c.applied_at.is_(None),
    sqlite_where=receipts.c.applied_at.is_(None),
)

# What people wrote back. carrier_ref is the carrier's own id of it: the same one twice is one reply. `retry_at` as above.
replies = Table(
    "replies",
    metadata,
    ident("id", primary_key=True),
    text("carrier"),
    text("carrier_ref"),
    whole("number"),
    text("code"),
    text("text"),
    whole("received_at"),
    whole("applied_at", nullable=True),
    ident("account_id", nullable=True),
    ident("message_id", nullable=True),
    ident("campaign_id", nullable=True),
    Column("opt_out", Boolean(), nullable=False),
    text("search", nullable=True),  # the words of its text (core/words), once it is known whose it is
    whole("retry_at", nullable=True),
    UniqueConstraint("carrier", "carrier_ref"),
    Index("ix_replies_account_id_id", "account_id", "id"),
    Index("ix_replies_campaign_id_id", "campaign_id", "id"),
)
Index(
    "ix_replies_waiting",
    replies.c.id,
    postgresql_where=replies.c.applied_at.is_(None),
    sqlite_where=replies.c.applied_at.is_(None),
)

# Replies by the beginnings of their words (core/words).
reply_words = Table(
    "reply_words",
    metadata,
    ident("account_id", primary_key=True),
    whole("word", primary_key=True, autoincrement=False),
    ident("reply_id", primary_key=True),
)
