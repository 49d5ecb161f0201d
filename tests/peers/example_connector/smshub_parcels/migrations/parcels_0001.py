"""The shelf."""

import sqlalchemy as sa
from alembic import op

from core import schema

revision = "parcels_0001"
down_revision = None
branch_labels = ("parcels",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "parcels_shelf",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("installation_id", schema.Id(), nullable=False),
        sa.Column("parcel", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("installation_id", "parcel", name="uq_parcels_shelf_installation_id_parcel"),
    )
    op.create_index("ix_parcels_shelf_parcel", "parcels_shelf", ["parcel"])


def downgrade() -> None:
    op.drop_table("parcels_shelf")
