"""Table of who is alive: each process of a role says so every few seconds."""

from sqlalchemy import Table

from core.schema.types import metadata, text, whole

beats = Table(
    "beats",
    metadata,
    text("name", primary_key=True),
    text("role"),
    whole("at"),
)
