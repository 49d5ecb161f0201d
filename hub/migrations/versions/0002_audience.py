"""The tables of audience.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from core import schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _contacts()
    _contacts_indexes()
    _contact_words()
    _groups()
    _group_members()
    _group_members_indexes()
    _blacklist()
    _blacklist_indexes()
    _templates()
    _templates_indexes()
    _imports()
    _imports_indexes()
    _import_files()
    _import_errors()


def downgrade() -> None:
    op.drop_table("import_errors")
    op.drop_table("import_files")
    op.drop_table("imports")
    op.drop_table("templates")
    op.drop_table("blacklist")
    op.drop_table("group_members")
    op.drop_table("groups")
    op.drop_table("contact_words")
    op.drop_table("contacts")


def _contacts() -> None:
    op.create_table(
        "contacts",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("nom", sa.Text(), nullable=True),
        sa.Column("prenom", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("societe", sa.Text(), nullable=True),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.Column("archived_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )


def _contacts_indexes() -> None:
    op.create_index("ix_contacts_account_id_id", "contacts", ["account_id", "id"], unique=False)
    op.create_index("ix_contacts_account_id_number", "contacts", ["account_id", "number", "archived_at"], unique=False)
    op.create_index(
        "ix_contacts_archived",
        "contacts",
        ["account_id", "id"],
        unique=False,
        postgresql_where=sa.text("archived_at IS NOT NULL"),
        sqlite_where=sa.text("archived_at IS NOT NULL"),
    )


def _contact_words() -> None:
    op.create_table(
        "contact_words",
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("word", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", schema.Id(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "word", "contact_id", name=op.f("pk_contact_words")),
    )


def _groups() -> None:
    op.create_table(
        "groups",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_groups_account_id_name")),
        sa.UniqueConstraint("account_id", "slug", name=op.f("uq_groups_account_id_slug")),
    )


def _group_members() -> None:
    op.create_table(
        "group_members",
        sa.Column("group_id", schema.Id(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", schema.Id(), nullable=False),
        sa.PrimaryKeyConstraint("group_id", "number", "contact_id", name=op.f("pk_group_members")),
    )


def _group_members_indexes() -> None:
    op.create_index("ix_group_members_contact_id", "group_members", ["contact_id"], unique=False)


def _blacklist() -> None:
    op.create_table(
        "blacklist",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("message_id", schema.Id(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "number", name=op.f("pk_blacklist")),
    )


def _blacklist_indexes() -> None:
    op.create_index("ix_blacklist_scope_created_at", "blacklist", ["scope", "created_at", "number"], unique=False)


def _templates() -> None:
    op.create_table(
        "templates",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
    )


def _templates_indexes() -> None:
    op.create_index("ix_templates_account_id_id", "templates", ["account_id", "id"], unique=False)


def _imports() -> None:
    op.create_table(
        "imports",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("preview", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("group_id", schema.Id(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )


def _imports_indexes() -> None:
    op.create_index("ix_imports_account_id_id", "imports", ["account_id", "id"], unique=False)


def _import_files() -> None:
    op.create_table(
        "import_files",
        sa.Column("import_id", schema.Id(), nullable=False),
        sa.Column("piece", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "piece", name=op.f("pk_import_files")),
    )


def _import_errors() -> None:
    op.create_table(
        "import_errors",
        sa.Column("import_id", schema.Id(), nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_import_errors")),
    )
