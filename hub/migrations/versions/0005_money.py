"""The tables of money.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from core import schema

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _ledger_accounts()
    _ledger_accounts_indexes()
    _transfers()
    _transfers_indexes()


def downgrade() -> None:
    op.drop_table("transfers")
    op.drop_table("ledger_accounts")


def _ledger_accounts() -> None:
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("account_id", schema.Id(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("balance >= 0 OR kind IN ('bank', 'bonus')", name=op.f("ck_ledger_accounts_balance")),
        sa.CheckConstraint(
            "kind IN ('available', 'held', 'spent', 'bank', 'bonus')", name=op.f("ck_ledger_accounts_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_accounts")),
        sa.UniqueConstraint("account_id", "kind", name=op.f("uq_ledger_accounts_account_id_kind")),
    )


def _ledger_accounts_indexes() -> None:
    op.create_index(
        "uq_ledger_accounts_hub_kind",
        "ledger_accounts",
        ["kind"],
        unique=True,
        postgresql_where=sa.text("account_id IS NULL"),
        sqlite_where=sa.text("account_id IS NULL"),
    )


def _transfers() -> None:
    op.create_table(
        "transfers",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("debit_id", sa.Integer(), nullable=False),
        sa.Column("credit_id", sa.Integer(), nullable=False),
        sa.Column("millicredits", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("debit_id <> credit_id", name=op.f("ck_transfers_two_sides")),
        sa.CheckConstraint("millicredits > 0", name=op.f("ck_transfers_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("kind", "ref", name=op.f("uq_transfers_kind_ref")),
    )


def _transfers_indexes() -> None:
    op.create_index("ix_transfers_credit_id_id", "transfers", ["credit_id", "id"], unique=False)
    op.create_index("ix_transfers_debit_id_id", "transfers", ["debit_id", "id"], unique=False)
