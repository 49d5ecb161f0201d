"""The tables of accounts.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

from core import schema

revision = "0001"
down_revision = None
branch_labels = ("hub",)
depends_on = None


def upgrade() -> None:
    _accounts()
    _users()
    _users_indexes()
    _api_keys()
    _api_keys_indexes()
    _senders()
    _inbound_numbers()
    _routes()
    _pauses()
    _audit()
    _audit_indexes()
    _idempotency()
    _idempotency_indexes()
    _jobs()
    _jobs_indexes()
    _job_turns()
    _outbox()
    _outbox_indexes()


def downgrade() -> None:
    op.drop_table("outbox")
    op.drop_table("job_turns")
    op.drop_table("jobs")
    op.drop_table("idempotency")
    op.drop_table("audit")
    op.drop_table("pauses")
    op.drop_table("routes")
    op.drop_table("inbound_numbers")
    op.drop_table("senders")
    op.drop_table("api_keys")
    op.drop_table("users")
    op.drop_table("accounts")


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("default_sender", sa.Text(), nullable=True),
        sa.Column("stop", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("otp_granted", sa.Boolean(), nullable=False),
        sa.Column("alert_threshold", sa.BigInteger(), nullable=False),
        sa.Column("alert_armed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('marketing', 'notification', 'system')", name=op.f("ck_accounts_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )


def _users_indexes() -> None:
    op.create_index("ix_users_account_id", "users", ["account_id"], unique=False)


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("user_id", schema.Id(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
    )


def _api_keys_indexes() -> None:
    op.create_index("ix_api_keys_account_id", "api_keys", ["account_id"], unique=False)


def _senders() -> None:
    op.create_table(
        "senders",
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "sender", name=op.f("pk_senders")),
    )


def _inbound_numbers() -> None:
    op.create_table(
        "inbound_numbers",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=True),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_inbound_numbers")),
    )


def _routes() -> None:
    op.create_table(
        "routes",
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("carriers", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("country", "purpose", name=op.f("pk_routes")),
    )


def _pauses() -> None:
    op.create_table(
        "pauses",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_pauses")),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )


def _audit_indexes() -> None:
    op.create_index("ix_audit_account_id_id", "audit", ["account_id", "id"], unique=False)


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "key", name=op.f("pk_idempotency")),
    )


def _idempotency_indexes() -> None:
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"], unique=False)


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", schema.Id(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("kind", "subject_id", name=op.f("uq_jobs_kind_subject_id")),
    )


def _jobs_indexes() -> None:
    op.create_index(
        "ix_jobs_leased",
        "jobs",
        ["account_id", "kind", "lease_until"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL AND lease_until IS NOT NULL"),
        sqlite_where=sa.text("done_at IS NULL AND lease_until IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_open",
        "jobs",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
        sqlite_where=sa.text("done_at IS NULL"),
    )
    op.create_index(
        "ix_jobs_waiting",
        "jobs",
        ["kind", "account_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
        sqlite_where=sa.text("done_at IS NULL"),
    )


def _job_turns() -> None:
    op.create_table(
        "job_turns",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "account_id", name=op.f("pk_job_turns")),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("relayed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )


def _outbox_indexes() -> None:
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["account_id", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("relayed_at IS NULL"),
        sqlite_where=sa.text("relayed_at IS NULL"),
    )
