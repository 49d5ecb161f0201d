"""Tables of who: accounts, people, keys, senders, pauses, the operator's routes, and the audit trail."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Table, UniqueConstraint, true

from core.schema.types import ident, metadata, text, whole

accounts = Table(
    "accounts",
    metadata,
    ident("id", primary_key=True),
    text("name"),
    text("kind"),
    text("plan"),
    text("region"),
    text("timezone"),
    text("email", nullable=True),
    text("default_sender", nullable=True),
    Column("stop", Boolean(), nullable=False, server_default=true()),
    Column("otp_granted", Boolean(), nullable=False),
    whole("alert_threshold"),
    Column("alert_armed", Boolean(), nullable=False),
    whole("created_at"),
    CheckConstraint("kind IN ('marketing', 'notification', 'system')", name="kind"),
)

users = Table(
    "users",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    text("email"),
    text("role"),
    text("password_hash", nullable=True),
    whole("created_at"),
    UniqueConstraint("email"),
    Index("ix_users_account_id", "account_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    ident("user_id", nullable=True),
    text("name"),
    text("prefix"),
    text("secret_hash"),
    text("scopes"),
    whole("created_at"),
    whole("last_used_at", nullable=True),
    whole("revoked_at", nullable=True),
    UniqueConstraint("secret_hash"),
    Index("ix_api_keys_account_id", "account_id"),
)

senders = Table(
    "senders",
    metadata,
    ident("account_id", primary_key=True),
    text("sender", primary_key=True),
    whole("created_at"),
)

# A short code or long number that receives replies; without an owner it is shared by every account.
inbound_numbers = Table(
    "inbound_numbers",
    metadata,
    text("number", primary_key=True),
    text("carrier"),
    ident("account_id", nullable=True),
    text("country"),
    whole("created_at"),
)

# Which carriers serve a country and a purpose, in order; "*" stands for any.
routes = Table(
    "routes",
    metadata,
    text("country", primary_key=True),
    text("purpose", primary_key=True),
    text("carriers"),
)

# kind is hub, carrier, account or campaign; subject is empty for the hub.
pauses = Table(
    "pauses",
    metadata,
    text("kind", primary_key=True),
    text("subject", primary_key=True),
    text("reason"),
    whole("created_at"),
)

audit = Table(
    "audit",
    metadata,
    ident("id", primary_key=True),
    ident("account_id", nullable=True),
    text("actor"),
    text("action"),
    text("detail"),
    whole("at"),
    Index("ix_audit_account_id_id", "account_id", "id"),
)

idempotency = Table(
    "idempotency",
    metadata,
    ident("account_id", primary_key=True),
    text("key", primary_key=True),
    text("fingerprint"),
    whole("status"),
    text("body"),
    whole("created_at"),
    Index("ix_idempotency_created_at", "created_at"),
)

# Work that is not sending: campaign expansion, imports, large quotes, mails. `due_at` is the only time that is polled.
jobs = Table(
    "jobs",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    text("kind"),
    ident("subject_id"),
    whole("due_at"),
    whole("attempt"),  # raised by every claim and every new promise: the fence of the lease
    whole("failures"),
    whole("lease_until", nullable=True),
    whole("done_at", nullable=True),
    text("error", nullable=True),
    UniqueConstraint("kind", "subject_id"),
)
_open = jobs.c.done_at.is_(None)
Index("ix_jobs_open", jobs.c.due_at, postgresql_where=_open, sqlite_where=_open)
Index("ix_jobs_waiting", jobs.c.kind, jobs.c.account_id, jobs.c.due_at, postgresql_where=_open, sqlite_where=_open)
_leased = _open & jobs.c.lease_until.is_not(None)
_leases = (jobs.c.account_id, jobs.c.kind, jobs.c.lease_until)
Index("ix_jobs_leased", *_leases, postgresql_where=_leased, sqlite_where=_leased)

# When an account's turn was last, by kind of job: who had none for longest is next.
job_turns = Table(
    "job_turns",
    metadata,
    text("kind", primary_key=True),
    ident("account_id", primary_key=True),
    whole("at"),
)

# Facts for the outside, appended in the transaction that made them true; one row a window, not one a message.
outbox = Table(
    "outbox",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    text("type"),
    text("payload"),
    whole("at"),
    whole("due_at"),  # later than `at` where telling it failed
    whole("relayed_at", nullable=True),
)
Index(
    "ix_outbox_waiting",
    outbox.c.account_id,  # first: accounts are told of in turn, however much one of them has waiting
    outbox.c.due_at,
    outbox.c.id,
    postgresql_where=outbox.c.relayed_at.is_(None),
    sqlite_where=outbox.c.relayed_at.is_(None),
)
