"""Tables of sending: campaigns, messages, the chunks and windows they move in."""

from sqlalchemy import Boolean, Column, Computed, Index, Table, Text

from core.schema.types import Among, ident, metadata, text, whole

campaigns = Table(
    "campaigns",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    text("name"),
    text("text"),
    text("sender"),
    text("purpose"),
    Column("stop", Boolean(), nullable=False),
    text("reference", nullable=True),
    text("source"),
    text("groups"),  # JSON array of group ids, resolved when the campaign starts
    text("status"),  # scheduled, expanding, sending, finished, cancelled
    text("status_detail", nullable=True),
    whole("validity_minutes"),
    whole("send_at", nullable=True),
    whole("created_at"),
    whole("updated_at"),
    whole("started_at", nullable=True),
    whole("sent_at", nullable=True),
    whole("finished_at", nullable=True),
    whole("position"),  # the last number expanded; 0 before the first
    whole("planned"),  # recipients known when the campaign started
    whole("expanded"),
    ident("resend_of", nullable=True),  # its recipients are those of this campaign
    ident("copied", nullable=True),  # the last message whose recipient was taken over from it
    whole("hidden_at", nullable=True),
    Index("ix_campaigns_account_id_id", "account_id", "id"),
)
Index(
    "ix_campaigns_open",
    campaigns.c.status,
    postgresql_where=campaigns.c.status.in_(("expanding", "sending")),
    sqlite_where=campaigns.c.status.in_(("expanding", "sending")),
)

# Explicit recipients, resolved when the campaign was accepted; unique, so duplicates fall out here.
campaign_recipients = Table(
    "campaign_recipients",
    metadata,
    ident("campaign_id", primary_key=True),
    whole("number", primary_key=True, autoincrement=False),
    text("country"),
    ident("contact_id", nullable=True),
    text("nom", nullable=True),
    text("prenom", nullable=True),
    text("email", nullable=True),
    text("societe", nullable=True),
)

# Recipients that became no message: duplicates and numbers that are none. `given` is what the caller wrote.
campaign_drops = Table(
    "campaign_drops",
    metadata,
    ident("id", primary_key=True),
    ident("campaign_id"),
    text("given"),
    text("reason"),
    text("detail"),
    Index("ix_campaign_drops_campaign_id_id", "campaign_id", "id"),
)

# Rare and open states fill a page of a list from an index of their own; the common ones fill it newest first from the account's own
# order. `sending` is found by its open windows. No index knows of `status` itself: queued, sending, sent, delivered_operator and
# received change no column of one, so PostgreSQL writes each new version into the same page (fillfactor leaves the room) and touches
# no index (heap-only tuples). Those that failed cost that once, at their end.
RARE = (
    *("scheduled", "unknown", "rejected", "no_credit", "cancelled", "blacklisted"),
    *("failed_temporary", "failed_permanent", "expired"),
)

messages = Table(
    "messages",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    ident("campaign_id", nullable=True),
    ident("chunk_id", nullable=True),
    whole("number"),
    text("country"),
    text("sender"),
    text("purpose"),
    text("text"),
    text("encoding"),
    whole("segments"),
    whole("millicredits"),
    text("reference", nullable=True),
    text("source"),
    text("status"),
    text("status_detail", nullable=True),
    text("substitutions", nullable=True),  # what compose changed to save a segment, such as euro_to_e
    whole("status_at"),
    whole("send_at", nullable=True),
    whole("created_at"),
    whole("sent_at", nullable=True),
    whole("expires_at"),  # the end of its validity; counted from send_at or created_at
    Column("mention", Boolean(), nullable=False),
    Column("charged", Boolean(), nullable=False),  # posted: its price has left held for spent
    whole("attempt"),  # raised by every claim: the fence of whoever records an answer
    text("carrier", nullable=True),
    text("carrier_id", nullable=True),
    text("carrier_code", nullable=True),
    whole("hidden_at", nullable=True),
    Column("rare", Text(), Computed(Among("status", RARE), persisted=True)),
    Index("ix_messages_account_id_id", "account_id", "id"),
    Index("ix_messages_number_id", "number", "id"),
    postgresql_with={"fillfactor": 55},
)
# Without those that are in none: they would stand at its end, where PostgreSQL appends cheaply and fills its pages.
Index(
    "ix_messages_chunk_id_id",
    messages.c.chunk_id,
    messages.c.id,
    postgresql_where=messages.c.chunk_id.is_not(None),
    sqlite_where=messages.c.chunk_id.is_not(None),
)
Index(
    "ix_messages_campaign_id_id",
    messages.c.campaign_id,
    messages.c.id,
    postgresql_where=messages.c.campaign_id.is_not(None),
    sqlite_where=messages.c.campaign_id.is_not(None),
)
Index(
    "ix_messages_reference",
    messages.c.account_id,
    messages.c.reference,
    messages.c.id,
    postgresql_where=messages.c.reference.is_not(None),
    sqlite_where=messages.c.reference.is_not(None),
)
Index(
    "ix_messages_rare",
    messages.c.account_id,
    messages.c.rare,
    messages.c.id,
    postgresql_where=messages.c.rare.is_not(None),
    sqlite_where=messages.c.rare.is_not(None),
)
Index(
    "ix_messages_campaign_id_rare",
    messages.c.campaign_id,
    messages.c.rare,
    messages.c.id,
    postgresql_where=messages.c.rare.is_not(None) & messages.c.campaign_id.is_not(None),
    sqlite_where=messages.c.rare.is_not(None) & messages.c.campaign_id.is_not(None),
)

# The unit of queueing: one account, carrier, purpose and campaign. step is what happens when it is due:
# start (a scheduled send begins), send, lookup (what became of the unknown ones), expire (those never heard of again).
chunks = Table(
    "chunks",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    ident("campaign_id", nullable=True),
    text("carrier"),
    text("purpose"),
    text("step"),
    text("status"),  # building, ready, done
    whole("due_at"),
    whole("expires_at"),  # the first end of validity in it
    text("owner", nullable=True),
    whole("lease_until"),  # 0 when nobody has it
    whole("created_at"),
)
Index(
    "ix_chunks_ready",
    chunks.c.step,
    chunks.c.carrier,
    chunks.c.due_at,
    postgresql_where=chunks.c.status == "ready",
    sqlite_where=chunks.c.status == "ready",
)
# Whose turn it is at a carrier, and the chunks of one account there in the order in which they are due.
Index(
    "ix_chunks_sendable",
    chunks.c.carrier,
    chunks.c.purpose,
    chunks.c.account_id,
    chunks.c.due_at,
    postgresql_where=(chunks.c.status == "ready") & (chunks.c.step == "send"),
    sqlite_where=(chunks.c.status == "ready") & (chunks.c.step == "send"),
)
Index(
    "ix_chunks_campaign_id",
    chunks.c.campaign_id,
    postgresql_where=chunks.c.campaign_id.is_not(None),
    sqlite_where=chunks.c.campaign_id.is_not(None),
)

# What one lane has in flight; an open one whose lease is over was left behind by a process that died.
windows = Table(
    "windows",
    metadata,
    ident("id", primary_key=True),
    ident("chunk_id"),
    text("carrier"),
    text("owner"),
    whole("size"),
    whole("claimed_at"),
    whole("lease_until"),
    whole("closed_at", nullable=True),
)
Index(
    "ix_windows_open",
    windows.c.lease_until,
    postgresql_where=windows.c.closed_at.is_(None),
    sqlite_where=windows.c.closed_at.is_(None),
)

lanes = Table(
    "lanes",
    metadata,
    text("carrier", primary_key=True),
    whole("lane", primary_key=True, autoincrement=False),
    text("owner", nullable=True),
    whole("lease_until"),
)

# Counters are rows of differences, inserted in the transaction that moves the messages and folded by a sweep:
# no row is ever contended. `smshub check` counts the messages again.
campaign_counts = Table(
    "campaign_counts",
    metadata,
    ident("id", primary_key=True),
    ident("campaign_id"),
    text("status"),
    text("country"),
    whole("messages"),
    whole("millicredits"),
    Index("ix_campaign_counts_campaign_id", "campaign_id"),
)

# What left for a carrier, by the hour it left: the barometer.
send_counts = Table(
    "send_counts",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    whole("hour"),  # UTC milliseconds of the hour's beginning
    text("country"),
    text("purpose"),
    whole("messages"),
    whole("segments"),
    whole("millicredits"),
    Index("ix_send_counts_account_id_hour", "account_id", "hour"),
)

quotes = Table(
    "quotes",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    text("status"),
    text("draft"),
    text("result", nullable=True),
    whole("created_at"),
    Index("ix_quotes_created_at", "created_at"),
)
