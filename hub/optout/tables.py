"""Codes that were sent to numbers whose owners want no more messages. In the engine's metadata, so migrations see them."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from core import schema

# Of a code only a digest is kept, under a key of the operator's: of a million codes each could be tried. `tries` counts wrong ones too.
optout_codes = Table(
    "optout_codes",
    schema.metadata,
    Column("id", schema.Id(), primary_key=True),
    Column("number", BigInteger(), nullable=False),
    Column("digest", Text(), nullable=False),
    Column("tries", BigInteger(), nullable=False),
    Column("created_at", BigInteger(), nullable=False),
    Column("ends_at", BigInteger(), nullable=False),
    Column("used_at", BigInteger(), nullable=True),
    Index("ix_optout_codes_ends_at", "ends_at"),
)
