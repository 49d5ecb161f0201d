"""Tables of money: ledger accounts and the immutable transfers between them."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, UniqueConstraint
from sqlalchemy import text as sql

from core.schema.types import ident, metadata, text, whole

# bank and bonus belong to the hub and have no account; NULLs are distinct in a unique constraint, hence the partial index.
ledger_accounts = Table(
    "ledger_accounts",
    metadata,
    Column("id", Integer(), primary_key=True, autoincrement=True),
    ident("account_id", nullable=True),
    text("kind"),
    whole("balance"),
    UniqueConstraint("account_id", "kind"),
    CheckConstraint("kind IN ('available', 'held', 'spent', 'bank', 'bonus')", name="kind"),
    CheckConstraint("balance >= 0 OR kind IN ('bank', 'bonus')", name="balance"),
    Index(
        "uq_ledger_accounts_hub_kind",
        "kind",
        unique=True,
        postgresql_where=sql("account_id IS NULL"),
        sqlite_where=sql("account_id IS NULL"),
    ),
)

transfers = Table(
    "transfers",
    metadata,
    ident("id", primary_key=True),
    text("kind"),
    text("ref"),
    Column("debit_id", Integer(), nullable=False),
    Column("credit_id", Integer(), nullable=False),
    whole("millicredits"),
    text("reason", nullable=True),
    text("actor"),
    whole("at"),
    UniqueConstraint("kind", "ref"),
    CheckConstraint("millicredits > 0", name="positive"),
    CheckConstraint("debit_id <> credit_id", name="two_sides"),
    Index("ix_transfers_debit_id_id", "debit_id", "id"),
    Index("ix_transfers_credit_id_id", "credit_id", "id"),
)
