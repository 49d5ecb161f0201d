"""Tables of people: their sessions, the links they were mailed, and how often somebody tried. In the engine's metadata, so migrations see them."""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Table, Text, UniqueConstraint

from core import schema


def _id(name: str, **options: Any) -> Column[str]:
    return Column(name, schema.Id(), **({"nullable": False} | options))


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text(), **({"nullable": False} | options))


def _whole(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger(), **({"nullable": False} | options))


# A browser in which somebody is signed in. Only the digest of its secret is kept; it ends at ends_at unless it is used before.
sessions = Table(
    "sessions",
    schema.metadata,
    _id("id", primary_key=True),
    _id("user_id"),
    _text("digest"),
    _whole("created_at"),
    _whole("seen_at"),
    _whole("ends_at"),
    UniqueConstraint("digest"),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_ends_at", "ends_at"),
)

# A link that does one thing, once, for whoever reads the mail of an address. Its secret is drawn when the mail is written
# (digest is NULL until then) and stands nowhere but in the mail.
links = Table(
    "links",
    schema.metadata,
    _id("id", primary_key=True),
    _text("digest", nullable=True),
    _text("purpose"),  # sign_up, invitation, reset
    _text("email"),
    _id("account_id", nullable=True),  # of an invitation
    _text("role", nullable=True),  # of an invitation
    _text("language"),  # of its mail
    _id("made_by", nullable=True),  # the user who invited
    _whole("created_at"),
    _whole("ends_at"),
    _whole("used_at", nullable=True),
    UniqueConstraint("digest"),
    Index("ix_links_email", "email"),
    Index("ix_links_account_id", "account_id"),
    Index("ix_links_ends_at", "ends_at"),
)

# How often something was tried by, or for, one subject. `subject` is a digest: neither addresses nor numbers stand here.
attempts = Table(
    "attempts",
    schema.metadata,
    _text("kind", primary_key=True),
    _text("subject", primary_key=True),
    _whole("tries"),
    _whole("free_at"),  # nothing more is tried before
    _whole("ends_at"),  # then all is forgotten
    Index("ix_attempts_ends_at", "ends_at"),
)
