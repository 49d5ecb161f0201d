"""The tables of oauth.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from core import schema

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _oauth_clients()
    _oauth_clients_indexes()
    _oauth_grants()
    _oauth_grants_indexes()
    _oauth_codes()
    _oauth_codes_indexes()
    _oauth_tokens()
    _oauth_tokens_indexes()


def downgrade() -> None:
    op.drop_table("oauth_tokens")
    op.drop_table("oauth_codes")
    op.drop_table("oauth_grants")
    op.drop_table("oauth_clients")


def _oauth_clients() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=True),
        sa.Column("previous_hash", sa.Text(), nullable=True),
        sa.Column("previous_until", sa.BigInteger(), nullable=True),
        sa.Column("redirect_uris", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=True),
        sa.Column("account_id", schema.Id(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_clients")),
    )


def _oauth_clients_indexes() -> None:
    op.create_index(
        "uq_oauth_clients_name",
        "oauth_clients",
        ["name"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
        sqlite_where=sa.text("deleted_at IS NULL"),
    )


def _oauth_grants() -> None:
    op.create_table(
        "oauth_grants",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("user_id", schema.Id(), nullable=True),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_grants")),
    )


def _oauth_grants_indexes() -> None:
    op.create_index("ix_oauth_grants_account_id_id", "oauth_grants", ["account_id", "id"], unique=False)
    op.create_index("ix_oauth_grants_client_id_user_id", "oauth_grants", ["client_id", "user_id"], unique=False)
    op.create_index(
        "ix_oauth_grants_ended",
        "oauth_grants",
        ["ended_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NOT NULL"),
        sqlite_where=sa.text("ended_at IS NOT NULL"),
    )
    op.create_index(
        "ix_oauth_grants_open",
        "oauth_grants",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )


def _oauth_codes() -> None:
    op.create_table(
        "oauth_codes",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("grant_id", schema.Id(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_oauth_codes")),
    )


def _oauth_codes_indexes() -> None:
    op.create_index("ix_oauth_codes_grant_id", "oauth_codes", ["grant_id"], unique=False)


def _oauth_tokens() -> None:
    op.create_table(
        "oauth_tokens",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("grant_id", schema.Id(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("spent_at", sa.BigInteger(), nullable=True),
        sa.Column("successor", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_oauth_tokens")),
    )


def _oauth_tokens_indexes() -> None:
    op.create_index("ix_oauth_tokens_ends_at", "oauth_tokens", ["ends_at"], unique=False)
    op.create_index("ix_oauth_tokens_grant_id", "oauth_tokens", ["grant_id"], unique=False)
    op.create_index(
        "ix_oauth_tokens_sealed",
        "oauth_tokens",
        ["spent_at"],
        unique=False,
        postgresql_where=sa.text("successor IS NOT NULL"),
        sqlite_where=sa.text("successor IS NOT NULL"),
    )
