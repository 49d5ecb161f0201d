"""Tables of the installation itself: who is alive, and which database this is."""

from sqlalchemy import Table

from core.schema.types import metadata, text, whole

# Each process of a role says every few seconds that it is alive, and what is wrong with it (JSON, in the hub's words; NULL for nothing).
beats = Table(
    "beats",
    metadata,
    text("name", primary_key=True),
    text("role"),
    whole("at"),
    text("trouble", nullable=True),
)

# One row: what told this database from any copy of it when a process last looked. A backup that is brought back tells another tale.
origin = Table(
    "origin",
    metadata,
    whole("one", primary_key=True, autoincrement=False),
    text("identity"),
    whole("since"),  # when it was first seen so; rows that are older were written before
)
