"""The table of connections: tokens of third parties, and what it takes to get new ones. In the engine's metadata, so migrations see it."""

from typing import Final

from sqlalchemy import Index, Table, UniqueConstraint

from core import schema
from hub.sealing.columns import sealed

ident, text, whole = schema.ident, schema.text, schema.whole

# What a secret is bound to besides its own name: with the address, because that is where it is sent.
BOUND: Final = ("id", "account_id", "token_url")


# One set of tokens of one installation. attempt only rises, and is the fence of whoever asks for new ones; lease_until while it does.
connections = Table(
    "connections",
    schema.metadata,
    ident("id", primary_key=True),
    ident("installation_id"),
    text("name"),  # which of the installation's connections
    ident("account_id"),
    text("connector"),
    text("grant_type"),  # refresh_token, client_credentials (RFC 6749 sections 6 and 4.4)
    text("token_url"),
    text("client_id"),
    sealed("client_secret", "connections.client_secret", *BOUND, nullable=True),
    text("auth"),  # basic, post, none
    text("scope", nullable=True),
    text("more"),  # JSON object of further form fields
    sealed("access_token", "connections.access_token", *BOUND, nullable=True),
    whole("access_from", nullable=True),
    whole("access_until", nullable=True),  # NULL: the other side did not say
    sealed("refresh_token", "connections.refresh_token", *BOUND, nullable=True),
    text("state"),  # ok, failing, lost
    whole("failing_since", nullable=True),
    whole("failures"),  # in a row
    text("last_error", nullable=True),
    whole("held_until"),  # not asked again before
    whole("attempt"),
    whole("lease_until"),
    whole("created_at"),
    whole("updated_at"),
    UniqueConstraint("installation_id", "name"),
)
_UNWELL = connections.c.state != "ok"
Index("ix_connections_unwell", connections.c.state, postgresql_where=_UNWELL, sqlite_where=_UNWELL)
