"""The tables of inbound.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from core import schema

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _carrier_ids()
    _carrier_ids_indexes()
    _receipt_batches()
    _receipt_batches_indexes()
    _receipts()
    _receipts_indexes()
    _replies()
    _replies_indexes()
    _reply_words()


def downgrade() -> None:
    op.drop_table("reply_words")
    op.drop_table("replies")
    op.drop_table("receipts")
    op.drop_table("receipt_batches")
    op.drop_table("carrier_ids")


def _carrier_ids() -> None:
    op.create_table(
        "carrier_ids",
        sa.Column("carrier_id", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("message_id", schema.Id(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("carrier_id", "carrier", "message_id", name=op.f("pk_carrier_ids")),
    )


def _carrier_ids_indexes() -> None:
    op.create_index("ix_carrier_ids_at", "carrier_ids", ["at"], unique=False)


def _receipt_batches() -> None:
    op.create_table(
        "receipt_batches",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("retry_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_batches")),
    )


def _receipt_batches_indexes() -> None:
    op.create_index(
        "ix_receipt_batches_waiting",
        "receipt_batches",
        ["id"],
        unique=False,
        postgresql_where=sa.text("applied_at IS NULL"),
        sqlite_where=sa.text("applied_at IS NULL"),
    )


def _receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("carrier_id", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
    )


def _receipts_indexes() -> None:
    op.create_index(
        "ix_receipts_waiting",
        "receipts",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("applied_at IS NULL"),
        sqlite_where=sa.text("applied_at IS NULL"),
    )


def _replies() -> None:
    op.create_table(
        "replies",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("carrier_ref", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=True),
        sa.Column("account_id", schema.Id(), nullable=True),
        sa.Column("message_id", schema.Id(), nullable=True),
        sa.Column("campaign_id", schema.Id(), nullable=True),
        sa.Column("opt_out", sa.Boolean(), nullable=False),
        sa.Column("search", sa.Text(), nullable=True),
        sa.Column("retry_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
        sa.UniqueConstraint("carrier", "carrier_ref", name=op.f("uq_replies_carrier_carrier_ref")),
    )


def _replies_indexes() -> None:
    op.create_index("ix_replies_account_id_id", "replies", ["account_id", "id"], unique=False)
    op.create_index("ix_replies_campaign_id_id", "replies", ["campaign_id", "id"], unique=False)
    op.create_index(
        "ix_replies_waiting",
        "replies",
        ["id"],
        unique=False,
        postgresql_where=sa.text("applied_at IS NULL"),
        sqlite_where=sa.text("applied_at IS NULL"),
    )


def _reply_words() -> None:
    op.create_table(
        "reply_words",
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("word", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reply_id", schema.Id(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "word", "reply_id", name=op.f("pk_reply_words")),
    )
