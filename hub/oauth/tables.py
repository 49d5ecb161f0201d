"""Tables of the OAuth provider: who may ask, what was consented to, and digests of the codes and tokens that came of it.

In the engine's metadata, so migrations see them. What is drawn at random (codes, tokens, secrets of clients) is never here, only its
SHA-256. A code or token is good while its grant is: to end a grant is one row.
"""

from sqlalchemy import Index, Table

from core import schema

ident, text, whole = schema.ident, schema.text, schema.whole


# An application. One without a secret is public; one with an account may act for that account alone, without a person.
oauth_clients = Table(
    "oauth_clients",
    schema.metadata,
    text("id", primary_key=True),
    text("name"),
    text("secret_hash", nullable=True),
    text("previous_hash", nullable=True),  # good until previous_until
    whole("previous_until", nullable=True),
    text("redirect_uris"),  # JSON array
    text("scopes"),  # as OAuth writes them, with blanks between
    text("connector", nullable=True),  # whose name its messages carry
    ident("account_id", nullable=True),
    whole("created_at"),
    whole("deleted_at", nullable=True),
)
_THERE = oauth_clients.c.deleted_at.is_(None)
Index("uq_oauth_clients_name", oauth_clients.c.name, unique=True, postgresql_where=_THERE, sqlite_where=_THERE)

# One consent: a person of an account lets an application do some things; without a person, the operator did. It is also the family of
# its tokens. ends_at: when the last of them ends, NULL for never.
oauth_grants = Table(
    "oauth_grants",
    schema.metadata,
    ident("id", primary_key=True),
    text("client_id"),
    ident("account_id"),
    ident("user_id", nullable=True),
    text("scopes"),
    whole("created_at"),
    whole("used_at", nullable=True),
    whole("ends_at", nullable=True),
    whole("ended_at", nullable=True),
    text("ended_reason", nullable=True),  # revoked, reused, client, user, expired
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
    text("digest", primary_key=True),
    ident("grant_id"),
    text("redirect_uri"),
    text("challenge"),  # of PKCE, S256
    whole("ends_at"),
    whole("used_at", nullable=True),
    Index("ix_oauth_codes_grant_id", "grant_id"),
)

# kind is access or refresh. A refresh token that was used is spent, and kept for a while to know it again; for some seconds it still
# leads to its successor, sealed under a key that only the spent token itself gives.
oauth_tokens = Table(
    "oauth_tokens",
    schema.metadata,
    text("digest", primary_key=True),
    text("kind"),
    ident("grant_id"),
    text("scopes"),
    whole("created_at"),
    whole("ends_at"),
    whole("spent_at", nullable=True),
    text("successor", nullable=True),
    Index("ix_oauth_tokens_grant_id", "grant_id"),
    Index("ix_oauth_tokens_ends_at", "ends_at"),
)
_SEALED = oauth_tokens.c.successor.is_not(None)
Index("ix_oauth_tokens_sealed", oauth_tokens.c.spent_at, postgresql_where=_SEALED, sqlite_where=_SEALED)
