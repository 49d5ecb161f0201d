"""The table of sealing keys: by their ids, never the keys themselves. In the engine's metadata, so migrations see it."""

from sqlalchemy import BigInteger, Column, Table, Text

from core import schema

# As many rows as the operator ever had keys. A key that has sealed something has a sealed_at until nothing is sealed under it.
sealing_keys = Table(
    "sealing_keys",
    schema.metadata,
    Column("id", Text(), primary_key=True),
    Column("known_at", BigInteger(), nullable=False),  # a process of the hub was first started with it then
    Column("sealed_at", BigInteger(), nullable=True),
    Column("given_up_at", BigInteger(), nullable=True),  # it was lost: what it sealed stays closed
)
