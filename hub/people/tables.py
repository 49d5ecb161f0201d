"""Tables of people: their sessions, the links they were mailed, and how often somebody tried. In the engine's metadata, so migrations see them."""

from sqlalchemy import Index, Table, UniqueConstraint

from core import schema

ident, text, whole = schema.ident, schema.text, schema.whole


# A browser in which somebody is signed in. Only the digest of its secret is kept; it ends at ends_at unless it is used before.
sessions = Table(
    "sessions",
    schema.metadata,
    ident("id", primary_key=True),
    ident("user_id"),
    text("digest"),
    whole("created_at"),
    whole("seen_at"),
    whole("ends_at"),
    UniqueConstraint("digest"),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_ends_at", "ends_at"),
)

# A link that does one thing, once, for whoever reads the mail of an address. Its secret is drawn when the mail is written
# (digest is NULL until then) and stands nowhere but in the mail.
links = Table(
    "links",
    schema.metadata,
    ident("id", primary_key=True),
    text("digest", nullable=True),
    text("purpose"),  # sign_up, invitation, reset
    text("email"),
    ident("account_id", nullable=True),  # of an invitation
    text("role", nullable=True),  # of an invitation
    text("language"),  # of its mail
    ident("made_by", nullable=True),  # the user who invited
    whole("created_at"),
    whole("ends_at"),
    whole("used_at", nullable=True),
    UniqueConstraint("digest"),
    Index("ix_links_email", "email"),
    Index("ix_links_account_id", "account_id"),
    Index("ix_links_ends_at", "ends_at"),
)

# How often something was tried by, or for, one subject. `subject` is a digest: neither addresses nor numbers stand here.
attempts = Table(
    "attempts",
    schema.metadata,
    text("kind", primary_key=True),
    text("subject", primary_key=True),
    whole("tries"),
    whole("free_at"),  # nothing more is tried before
    whole("ends_at"),  # then all is forgotten
    Index("ix_attempts_ends_at", "ends_at"),
)
