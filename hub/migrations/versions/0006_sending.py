"""The tables of sending.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from core import schema

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _campaigns()
    _campaigns_indexes()
    _campaign_recipients()
    _campaign_drops()
    _campaign_drops_indexes()
    _messages()
    _messages_indexes()
    _chunks()
    _chunks_indexes()
    _windows()
    _windows_indexes()
    _lanes()
    _campaign_counts()
    _campaign_counts_indexes()
    _send_counts()
    _send_counts_indexes()
    _quotes()
    _quotes_indexes()


def downgrade() -> None:
    op.drop_table("quotes")
    op.drop_table("send_counts")
    op.drop_table("campaign_counts")
    op.drop_table("lanes")
    op.drop_table("windows")
    op.drop_table("chunks")
    op.drop_table("messages")
    op.drop_table("campaign_drops")
    op.drop_table("campaign_recipients")
    op.drop_table("campaigns")


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("stop", sa.Boolean(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_detail", sa.Text(), nullable=True),
        sa.Column("validity_minutes", sa.BigInteger(), nullable=False),
        sa.Column("send_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("planned", sa.BigInteger(), nullable=False),
        sa.Column("expanded", sa.BigInteger(), nullable=False),
        sa.Column("resend_of", schema.Id(), nullable=True),
        sa.Column("copied", schema.Id(), nullable=True),
        sa.Column("hidden_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
    )


def _campaigns_indexes() -> None:
    op.create_index("ix_campaigns_account_id_id", "campaigns", ["account_id", "id"], unique=False)
    op.create_index(
        "ix_campaigns_open",
        "campaigns",
        ["status"],
        unique=False,
        postgresql_where=sa.text("status IN ('expanding', 'sending')"),
        sqlite_where=sa.text("status IN ('expanding', 'sending')"),
    )


def _campaign_recipients() -> None:
    op.create_table(
        "campaign_recipients",
        sa.Column("campaign_id", schema.Id(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("contact_id", schema.Id(), nullable=True),
        sa.Column("nom", sa.Text(), nullable=True),
        sa.Column("prenom", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("societe", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_campaign_recipients")),
    )


def _campaign_drops() -> None:
    op.create_table(
        "campaign_drops",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("campaign_id", schema.Id(), nullable=False),
        sa.Column("given", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_drops")),
    )


def _campaign_drops_indexes() -> None:
    op.create_index("ix_campaign_drops_campaign_id_id", "campaign_drops", ["campaign_id", "id"], unique=False)


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("campaign_id", schema.Id(), nullable=True),
        sa.Column("chunk_id", schema.Id(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("segments", sa.BigInteger(), nullable=False),
        sa.Column("millicredits", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_detail", sa.Text(), nullable=True),
        sa.Column("substitutions", sa.Text(), nullable=True),
        sa.Column("status_at", sa.BigInteger(), nullable=False),
        sa.Column("send_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("mention", sa.Boolean(), nullable=False),
        sa.Column("charged", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=True),
        sa.Column("carrier_id", sa.Text(), nullable=True),
        sa.Column("carrier_code", sa.Text(), nullable=True),
        sa.Column("hidden_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "rare",
            sa.Text(),
            sa.Computed(
                "CASE WHEN status IN ('scheduled', 'unknown', 'rejected', 'no_credit', 'cancelled', 'blacklisted', 'failed_temporary', 'failed_permanent', 'expired') THEN status END",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        postgresql_with={"fillfactor": 55},
    )


def _messages_indexes() -> None:
    op.create_index("ix_messages_account_id_id", "messages", ["account_id", "id"], unique=False)
    op.create_index(
        "ix_messages_campaign_id_id",
        "messages",
        ["campaign_id", "id"],
        unique=False,
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
        sqlite_where=sa.text("campaign_id IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_campaign_id_rare",
        "messages",
        ["campaign_id", "rare", "id"],
        unique=False,
        postgresql_where=sa.text("rare IS NOT NULL AND campaign_id IS NOT NULL"),
        sqlite_where=sa.text("rare IS NOT NULL AND campaign_id IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_chunk_id_id",
        "messages",
        ["chunk_id", "id"],
        unique=False,
        postgresql_where=sa.text("chunk_id IS NOT NULL"),
        sqlite_where=sa.text("chunk_id IS NOT NULL"),
    )
    op.create_index("ix_messages_number_id", "messages", ["number", "id"], unique=False)
    op.create_index(
        "ix_messages_rare",
        "messages",
        ["account_id", "rare", "id"],
        unique=False,
        postgresql_where=sa.text("rare IS NOT NULL"),
        sqlite_where=sa.text("rare IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_reference",
        "messages",
        ["account_id", "reference", "id"],
        unique=False,
        postgresql_where=sa.text("reference IS NOT NULL"),
        sqlite_where=sa.text("reference IS NOT NULL"),
    )


def _chunks() -> None:
    op.create_table(
        "chunks",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("campaign_id", schema.Id(), nullable=True),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chunks")),
    )


def _chunks_indexes() -> None:
    op.create_index(
        "ix_chunks_campaign_id",
        "chunks",
        ["campaign_id"],
        unique=False,
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
        sqlite_where=sa.text("campaign_id IS NOT NULL"),
    )
    op.create_index(
        "ix_chunks_ready",
        "chunks",
        ["step", "carrier", "due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'ready'"),
        sqlite_where=sa.text("status = 'ready'"),
    )
    op.create_index(
        "ix_chunks_sendable",
        "chunks",
        ["carrier", "purpose", "account_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'ready' AND step = 'send'"),
        sqlite_where=sa.text("status = 'ready' AND step = 'send'"),
    )


def _windows() -> None:
    op.create_table(
        "windows",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("chunk_id", schema.Id(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_windows")),
    )


def _windows_indexes() -> None:
    op.create_index(
        "ix_windows_open",
        "windows",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )


def _lanes() -> None:
    op.create_table(
        "lanes",
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("lane", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("carrier", "lane", name=op.f("pk_lanes")),
    )


def _campaign_counts() -> None:
    op.create_table(
        "campaign_counts",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("campaign_id", schema.Id(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("millicredits", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_counts")),
    )


def _campaign_counts_indexes() -> None:
    op.create_index("ix_campaign_counts_campaign_id", "campaign_counts", ["campaign_id"], unique=False)


def _send_counts() -> None:
    op.create_table(
        "send_counts",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("segments", sa.BigInteger(), nullable=False),
        sa.Column("millicredits", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_send_counts")),
    )


def _send_counts_indexes() -> None:
    op.create_index("ix_send_counts_account_id_hour", "send_counts", ["account_id", "hour"], unique=False)


def _quotes() -> None:
    op.create_table(
        "quotes",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("draft", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotes")),
    )


def _quotes_indexes() -> None:
    op.create_index("ix_quotes_created_at", "quotes", ["created_at"], unique=False)
