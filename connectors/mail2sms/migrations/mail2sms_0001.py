"""The tables of mail2sms.

Revision ID: mail2sms_0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

from core import schema

revision = "mail2sms_0001"
down_revision = None
branch_labels = ("mail2sms",)
depends_on = None


def upgrade() -> None:
    _mail2sms_mails()
    _mail2sms_mails_indexes()
    _mail2sms_sendings()
    _mail2sms_sendings_indexes()
    _mail2sms_letters()
    _mail2sms_letters_indexes()
    _mail2sms_tokens()
    _mail2sms_tokens_indexes()
    _mail2sms_mailboxes()
    _mail2sms_gateways()
    _mail2sms_gateways_indexes()


def downgrade() -> None:
    op.drop_table("mail2sms_gateways")
    op.drop_table("mail2sms_mailboxes")
    op.drop_table("mail2sms_tokens")
    op.drop_table("mail2sms_letters")
    op.drop_table("mail2sms_sendings")
    op.drop_table("mail2sms_mails")


def _mail2sms_mails() -> None:
    op.create_table(
        "mail2sms_mails",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("installation_id", schema.Id(), nullable=False),
        sa.Column("intake", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("refs", sa.Text(), nullable=True),
        sa.Column("tier", sa.BigInteger(), nullable=True),
        sa.Column("quiet", sa.BigInteger(), nullable=True),
        sa.Column("recipients", sa.BigInteger(), nullable=False),
        sa.Column("draft", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("state_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("installation_id", "digest", name="uq_mail2sms_mails_installation_id_digest"),
    )


def _mail2sms_mails_indexes() -> None:
    op.create_index("ix_mail2sms_mails_created_at", "mail2sms_mails", ["created_at"], unique=False)
    op.create_index("ix_mail2sms_mails_installation_id_id", "mail2sms_mails", ["installation_id", "id"], unique=False)
    op.create_index("ix_mail2sms_mails_state_state_at", "mail2sms_mails", ["state", "state_at"], unique=False)


def _mail2sms_sendings() -> None:
    op.create_table(
        "mail2sms_sendings",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("installation_id", schema.Id(), nullable=False),
        sa.Column("mail_id", schema.Id(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("message_id", schema.Id(), nullable=True),
        sa.Column("campaign_id", schema.Id(), nullable=True),
        sa.Column("token_id", schema.Id(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "key", name="uq_mail2sms_sendings_account_id_key"),
    )


def _mail2sms_sendings_indexes() -> None:
    op.create_index("ix_mail2sms_sendings_campaign_id", "mail2sms_sendings", ["campaign_id"], unique=False)
    op.create_index("ix_mail2sms_sendings_created_at", "mail2sms_sendings", ["created_at"], unique=False)
    op.create_index(
        "ix_mail2sms_sendings_installation_id_created_at",
        "mail2sms_sendings",
        ["installation_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_mail2sms_sendings_installation_id_number_id",
        "mail2sms_sendings",
        ["installation_id", "number", "id"],
        unique=False,
    )
    op.create_index(
        "ix_mail2sms_sendings_installation_id_sender_created_at",
        "mail2sms_sendings",
        ["installation_id", "sender", "created_at"],
        unique=False,
    )
    op.create_index("ix_mail2sms_sendings_mail_id", "mail2sms_sendings", ["mail_id"], unique=False)
    op.create_index("ix_mail2sms_sendings_message_id", "mail2sms_sendings", ["message_id"], unique=False)
    op.create_index(
        "ix_mail2sms_sendings_named",
        "mail2sms_sendings",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("sender != ''"),
        sqlite_where=sa.text("sender != ''"),
    )
    op.create_index(
        "ix_mail2sms_sendings_token_id_created_at", "mail2sms_sendings", ["token_id", "created_at"], unique=False
    )


def _mail2sms_letters() -> None:
    op.create_table(
        "mail2sms_letters",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("installation_id", schema.Id(), nullable=False),
        sa.Column("mail_id", schema.Id(), nullable=True),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("given_up_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("installation_id", "occasion", name="uq_mail2sms_letters_installation_id_occasion"),
    )


def _mail2sms_letters_indexes() -> None:
    op.create_index("ix_mail2sms_letters_created_at", "mail2sms_letters", ["created_at"], unique=False)
    op.create_index(
        "ix_mail2sms_letters_installation_id_to_created_at",
        "mail2sms_letters",
        ["installation_id", "to", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_mail2sms_letters_unsent",
        "mail2sms_letters",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("sent_at IS NULL AND given_up_at IS NULL"),
        sqlite_where=sa.text("sent_at IS NULL AND given_up_at IS NULL"),
    )


def _mail2sms_tokens() -> None:
    op.create_table(
        "mail2sms_tokens",
        sa.Column("id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.Column("installation_id", schema.Id(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("recipients", sa.Text(), nullable=True),
        sa.Column("per_day", sa.BigInteger(), nullable=True),
        sa.Column("sending_id", schema.Id(), nullable=True),
        sa.Column("mail_id", schema.Id(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest", name="uq_mail2sms_tokens_digest"),
    )


def _mail2sms_tokens_indexes() -> None:
    op.create_index("ix_mail2sms_tokens_expires_at", "mail2sms_tokens", ["expires_at"], unique=False)
    op.create_index(
        "ix_mail2sms_tokens_installation_id_kind_id", "mail2sms_tokens", ["installation_id", "kind", "id"], unique=False
    )


def _mail2sms_mailboxes() -> None:
    op.create_table(
        "mail2sms_mailboxes",
        sa.Column("installation_id", schema.Id(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("connected", sa.Text(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("installation_id"),
    )


def _mail2sms_gateways() -> None:
    op.create_table(
        "mail2sms_gateways",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("installation_id", schema.Id(), nullable=False),
        sa.Column("account_id", schema.Id(), nullable=False),
        sa.PrimaryKeyConstraint("gateway"),
        sa.UniqueConstraint("installation_id", name="uq_mail2sms_gateways_installation_id"),
    )


def _mail2sms_gateways_indexes() -> None:
    op.create_index("ix_mail2sms_gateways_domain", "mail2sms_gateways", ["domain"], unique=False)
