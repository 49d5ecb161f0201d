"""The tables of connections.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from core import schema

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _connections()
    _connections_indexes()


def downgrade() -> None:
    op.drop_table("connections")


def _connections() -> None:
    op.create_table(
        "connections",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("installation_id", schema.Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("grant_type", sa.Text(), nullable=False),
        sa.Column("token_url", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.Text(), nullable=True),
        sa.Column("auth", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=True),
        sa.Column("more", sa.Text(), nullable=False),
        sa.Column("access_token", sa.Text(), nullable=True),
        sa.Column("access_from", sa.BigInteger(), nullable=True),
        sa.Column("access_until", sa.BigInteger(), nullable=True),
        sa.Column("refresh_token", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("held_until", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("installation_id", "name", name=op.f("uq_connections_installation_id_name")),
    )


def _connections_indexes() -> None:
    op.create_index(
        "ix_connections_unwell",
        "connections",
        ["state"],
        unique=False,
        postgresql_where=sa.text("state != 'ok'"),
        sqlite_where=sa.text("state != 'ok'"),
    )
