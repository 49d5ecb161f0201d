"""Tables of the OAuth provider: who may ask, what was consented to, and digests of the codes and tokens that came of it.

In the engine's metadata, so migrations see them. What is drawn at random (codes, tokens, secrets of clients) is never here, only its
SHA-256. A code or token is good while its grant is: to end a grant is one row.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Table, Text

from core import schema


def _id(name: str, **options: Any) -> Column[str]:
    return Column(name, schema.Id(), **({"nullable": False} | options))


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text(), **({"nullable": False} | options))


def _whole(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger(), **({"nullable": False} | options))


# An application. One without a secret is public; one with an account may act for that account alone, without a person.
oauth_clients = Table(
    "oauth_clients",
    schema.metadata,
    _text("id", primary_key=True),
    _text("name"),
    _text("secret_hash", nullable=True),
    _text("previous_hash", nullable=True),  # good until previous_until
    _whole("previous_until", nullable=True),
    _text("redirect_uris"),  # JSON array
    _text("scopes"),  # as OAuth writes them, with blanks between
    _text("connector", nullable=True),  # whose name its messages carry
    _id("account_id", nullable=True),
    _whole("created_at"),
    _whole("deleted_at", nullable=True),
)
_THERE = oauth_clients.c.deleted_at.is_(None)
Index("uq_oauth_clients_name", oauth_clients.c.name, unique=True, postgresql_where=_THERE, sqlite_where=_THERE)

# One consent: a person of an account lets an application do some things; without a person, the operator did. It is also the family of
# its tokens. ends_at: when the last of them ends, NULL for never.
oauth_grants = Table(
    "oauth_grants",
    schema.metadata,
    _id("id", primary_key=True),
    _text("client_id"),
    _id("account_id"),
    _id("user_id", nullable=True),
    _text("scopes"),
    _whole("created_at"),
    _whole("used_at", nullable=True),
    _whole("ends_at", nullable=True),
    _whole("ended_at", nullable=True),
    _text("ended_reason", nullable=True),  # revoked, reused, client, user, expired
    Index("ix_oauth_grants_account_id_id", "account_id", "id"),
    Index("ix_oauth_grants_client_id_user_id", "client_id", "user_id"),
)
_OPEN = oauth_grants.c.ended_at.is_(None)
_ENDED = oauth_grants.c.ended_at.is_not(None)
Index("ix_oauth_grants_open", oauth_grants.c.ends_at, postgresql_where=_OPEN, sqlite_where=_OPEN)
Index("ix_oauth_grants_ended", oauth_grants.c.ended_at, postgresql_where=_ENDED, sqlite_where=_ENDED)

oauth_codes = Table(
    "oauth_codes",
    schema.metadata,
    _text("digest", primary_key=True),
    _id("grant_id"),
    _text("redirect_uri"),
    _text("challenge"),  # of PKCE, S256
    _whole("ends_at"),
    _whole("used_at", nullable=True),
    Index("ix_oauth_codes_grant_id", "grant_id"),
)

# kind is access or refresh. A refresh token that was used is spent, and kept for a while to know it again; for some seconds it still
# leads to its successor, sealed under a key that only the spent token itself gives.
oauth_tokens = Table(
    "oauth_tokens",
    schema.metadata,
    _text("digest", primary_key=True),
    _text("kind"),
    _id("grant_id"),
    _text("scopes"),
    _whole("created_at"),
    _whole("ends_at"),
    _whole("spent_at", nullable=True),
    _text("successor", nullable=True),
    Index("ix_oauth_tokens_grant_id", "grant_id"),
    Index("ix_oauth_tokens_ends_at", "ends_at"),
)
_SEALED = oauth_tokens.c.successor.is_not(None)
Index("ix_oauth_tokens_sealed", oauth_tokens.c.spent_at, postgresql_where=_SEALED, sqlite_where=_SEALED)
