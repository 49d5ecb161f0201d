"""The tables of optout.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

from core import schema

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _optout_codes()
    _optout_codes_indexes()


def downgrade() -> None:
    op.drop_table("optout_codes")


def _optout_codes() -> None:
    op.create_table(
        "optout_codes",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_optout_codes")),
    )


def _optout_codes_indexes() -> None:
    op.create_index("ix_optout_codes_ends_at", "optout_codes", ["ends_at"], unique=False)
