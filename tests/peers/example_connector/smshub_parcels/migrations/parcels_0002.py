"""Scanners with secrets of their own; what came lately, and how much of each state, by indexes."""

import sqlalchemy as sa
from alembic import op

from core import schema

revision = "parcels_0002"
down_revision = "parcels_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "parcels_scanners",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("installation_id", schema.Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest", name="uq_parcels_scanners_digest"),
    )
    op.create_index("ix_parcels_scanners_installation_id", "parcels_scanners", ["installation_id"])
    op.create_index("ix_parcels_shelf_installation_id_at", "parcels_shelf", ["installation_id", "at"])
    op.create_index("ix_parcels_shelf_state_at", "parcels_shelf", ["state", "at"])


def downgrade() -> None:
    op.drop_index("ix_parcels_shelf_state_at", "parcels_shelf")
    op.drop_index("ix_parcels_shelf_installation_id_at", "parcels_shelf")
    op.drop_table("parcels_scanners")
