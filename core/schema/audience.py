"""Tables of people: contacts, groups, the blacklist, templates and imports."""

from sqlalchemy import Column, Index, LargeBinary, Table, UniqueConstraint

from core.schema.types import ident, metadata, text, whole

contacts = Table(
    "contacts",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    whole("number"),
    text("country"),
    text("nom", nullable=True),
    text("prenom", nullable=True),
    text("email", nullable=True),
    text("societe", nullable=True),
    text("search"),  # the words of the four fields (core/words): what `q` looks in
    text("source"),
    whole("created_at"),
    whole("updated_at"),
    whole("archived_at", nullable=True),
    text("archived_reason", nullable=True),
    Index("ix_contacts_account_id_number", "account_id", "number", "archived_at"),
    Index("ix_contacts_account_id_id", "account_id", "id"),
)
# The few that left the book: listed by themselves, and subtracted where members are counted.
Index(
    "ix_contacts_archived",
    contacts.c.account_id,
    contacts.c.id,
    postgresql_where=contacts.c.archived_at.is_not(None),
    sqlite_where=contacts.c.archived_at.is_not(None),
)

# Contacts by the beginnings of their words (core/words).
contact_words = Table(
    "contact_words",
    metadata,
    ident("account_id", primary_key=True),
    whole("word", primary_key=True, autoincrement=False),
    ident("contact_id", primary_key=True),
)

groups = Table(
    "groups",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    text("name"),
    text("slug"),
    whole("created_at"),
    UniqueConstraint("account_id", "name"),
    UniqueConstraint("account_id", "slug"),
)

# The number is kept here too: a campaign walks its groups in number order, which makes duplicates neighbours.
group_members = Table(
    "group_members",
    metadata,
    ident("group_id", primary_key=True),
    whole("number", primary_key=True),
    ident("contact_id", primary_key=True),
    Index("ix_group_members_contact_id", "contact_id"),
)

# scope is an account's id, or a short code: an opt-out that names no account binds all that use the code.
blacklist = Table(
    "blacklist",
    metadata,
    text("scope", primary_key=True),
    whole("number", primary_key=True),
    text("reason", nullable=True),
    text("source"),
    ident("message_id", nullable=True),
    whole("created_at"),
    Index("ix_blacklist_scope_created_at", "scope", "created_at", "number"),
)

templates = Table(
    "templates",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    text("name"),
    text("text"),
    whole("created_at"),
    whole("updated_at"),
    Index("ix_templates_account_id_id", "account_id", "id"),
)

imports = Table(
    "imports",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    text("kind"),
    text("status"),
    text("filename"),
    text("options"),  # JSON: mapping, separator, group_name, dry_run
    text("preview"),  # JSON: the columns and first rows as understood
    text("problem", nullable=True),
    whole("total"),
    whole("done"),
    whole("created"),
    whole("updated"),
    whole("rejected"),
    whole("duplicates"),
    ident("group_id", nullable=True),
    whole("created_at"),
    whole("finished_at", nullable=True),
    Index("ix_imports_account_id_id", "account_id", "id"),
)

# In pieces, so that neither database nor process ever holds a large file at once; gone when the import is finished.
import_files = Table(
    "import_files",
    metadata,
    ident("import_id", primary_key=True),
    whole("piece", primary_key=True, autoincrement=False),
    Column("content", LargeBinary(), nullable=False),
)

import_errors = Table(
    "import_errors",
    metadata,
    ident("import_id", primary_key=True),
    whole("row", primary_key=True, autoincrement=False),
    text("field"),
    text("value"),
    text("message"),
)
