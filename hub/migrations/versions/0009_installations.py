"""The tables of installations.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from core import schema

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _installations()
    _installations_indexes()
    _task_turns()
    _parked_events()
    _parked_events_indexes()


def downgrade() -> None:
    op.drop_table("parked_events")
    op.drop_table("task_turns")
    op.drop_table("installations")


def _installations() -> None:
    op.create_table(
        "installations",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installations")),
        sa.UniqueConstraint("account_id", "connector", name=op.f("uq_installations_account_id_connector")),
    )


def _installations_indexes() -> None:
    op.create_index("ix_installations_connector_id", "installations", ["connector", "id"], unique=False)


def _task_turns() -> None:
    op.create_table(
        "task_turns",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_task_turns")),
    )


def _parked_events() -> None:
    op.create_table(
        "parked_events",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("installation_id", schema.Id(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parked_events")),
    )


def _parked_events_indexes() -> None:
    op.create_index("ix_parked_events_created_at", "parked_events", ["created_at"], unique=False)
