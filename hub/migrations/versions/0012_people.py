"""The tables of people.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from core import schema

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _sessions()
    _sessions_indexes()
    _links()
    _links_indexes()
    _attempts()
    _attempts_indexes()


def downgrade() -> None:
    op.drop_table("attempts")
    op.drop_table("links")
    op.drop_table("sessions")


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("user_id", schema.Id(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_sessions_digest")),
    )


def _sessions_indexes() -> None:
    op.create_index("ix_sessions_ends_at", "sessions", ["ends_at"], unique=False)
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], unique=False)


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("made_by", schema.Id(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
        sa.UniqueConstraint("digest", name=op.f("uq_links_digest")),
    )


def _links_indexes() -> None:
    op.create_index("ix_links_account_id", "links", ["account_id"], unique=False)
    op.create_index("ix_links_email", "links", ["email"], unique=False)
    op.create_index("ix_links_ends_at", "links", ["ends_at"], unique=False)


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("free_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_attempts")),
    )


def _attempts_indexes() -> None:
    op.create_index("ix_attempts_ends_at", "attempts", ["ends_at"], unique=False)
