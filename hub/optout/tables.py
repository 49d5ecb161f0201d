"""Codes that were sent to numbers whose owners want no more messages. In the engine's metadata, so migrations see them."""

from sqlalchemy import Index, Table

from core import schema

ident, text, whole = schema.ident, schema.text, schema.whole

# Of a code only a digest is kept, under a key of the operator's: of a million codes each could be tried. `tries` counts wrong ones too.
optout_codes = Table(
    "optout_codes",
    schema.metadata,
    ident("id", primary_key=True),
    whole("number"),
    text("digest"),
    whole("tries"),
    whole("created_at"),
    whole("ends_at"),
    whole("used_at", nullable=True),
    Index("ix_optout_codes_ends_at", "ends_at"),
)
