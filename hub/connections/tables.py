"""The table of connections: tokens of third parties, and what it takes to get new ones. In the engine's metadata, so migrations see it."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, Table, Text, UniqueConstraint

from core import schema
from hub.sealing.columns import sealed

# What a secret is bound to besides its own name: with the address, because that is where it is sent.
BOUND: Final = ("id", "account_id", "token_url")


def _id(name: str, **options: Any) -> Column[str]:
    return Column(name, schema.Id(), **({"nullable": False} | options))


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text(), **({"nullable": False} | options))


def _whole(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger(), **({"nullable": False} | options))


# One set of tokens of one installation. attempt only rises, and is the fence of whoever asks for new ones; lease_until while it does.
connections = Table(
    "connections",
    schema.metadata,
    _id("id", primary_key=True),
    _id("installation_id"),
    _text("name"),  # which of the installation's connections
    _id("account_id"),
    _text("connector"),
    _text("grant_type"),  # refresh_token, client_credentials (RFC 6749 sections 6 and 4.4)
    _text("token_url"),
    _text("client_id"),
    sealed("client_secret", "connections.client_secret", *BOUND, nullable=True),
    _text("auth"),  # basic, post, none
    _text("scope", nullable=True),
    _text("more"),  # JSON object of further form fields
    sealed("access_token", "connections.access_token", *BOUND, nullable=True),
    _whole("access_from", nullable=True),
    _whole("access_until", nullable=True),  # NULL: the other side did not say
    sealed("refresh_token", "connections.refresh_token", *BOUND, nullable=True),
    _text("state"),  # ok, failing, lost
    _whole("failing_since", nullable=True),
    _whole("failures"),  # in a row
    _text("last_error", nullable=True),
    _whole("held_until"),  # not asked again before
    _whole("attempt"),
    _whole("lease_until"),
    _whole("created_at"),
    _whole("updated_at"),
    UniqueConstraint("installation_id", "name"),
)
_UNWELL = connections.c.state != "ok"
Index("ix_connections_unwell", connections.c.state, postgresql_where=_UNWELL, sqlite_where=_UNWELL)
