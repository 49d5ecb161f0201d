"""Tables of Mail2SMS: mails, what they sent, letters that go out, tokens of addresses, mailboxes, and whose gateway is whose."""

from typing import Final

from sqlalchemy import Index, MetaData, Table, UniqueConstraint, literal_column

from core import schema

metadata: Final = MetaData()
ident, text, whole = schema.ident, schema.text, schema.whole

# A mail that came in. Its body is not kept: until it is decided, whoever brought it has it (the mailbox, or the sending server).
mails = Table(
    "mail2sms_mails",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    ident("installation_id"),
    text("intake"),  # imap, smtp
    text("digest"),  # SHA-256 of its bytes and its envelope's recipients
    text("state"),  # mail.State
    text("code", nullable=True),  # of `refusals`
    text("detail", nullable=True),
    whole("attempts"),
    text("sender", nullable=True),  # From
    text("subject", nullable=True),
    text("message_id", nullable=True),
    text("refs", nullable=True),  # JSON array: References, oldest first
    whole("tier", nullable=True),
    whole("quiet", nullable=True),  # 1: whoever wrote it wants no automatic answer (answer.about tells)
    whole("recipients"),  # how many people it was accepted or held for
    text("draft", nullable=True),  # JSON, while it is held
    whole("created_at"),
    whole("state_at"),
    UniqueConstraint("installation_id", "digest", name="uq_mail2sms_mails_installation_id_digest"),
    Index("ix_mail2sms_mails_installation_id_id", "installation_id", "id"),
    Index("ix_mail2sms_mails_state_state_at", "state", "state_at"),
    Index("ix_mail2sms_mails_created_at", "created_at"),
)

# What one mail sent to one recipient (a number, a group or a list): the key makes it once, whatever comes twice. Also the thread in
# which that person's replies come back, and what the caps count.
sendings = Table(
    "mail2sms_sendings",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    ident("installation_id"),
    ident("mail_id"),
    text("sender"),  # the address that wrote
    text("key"),  # SHA-256 of Message-ID (or of what stands for one) and recipient
    text("digest"),  # of the body
    whole("number", nullable=True),  # of one person
    whole("people"),
    ident("message_id", nullable=True),
    ident("campaign_id", nullable=True),
    ident("token_id", nullable=True),  # what let it in, where nothing proved who wrote it
    text("status"),  # of the message, as it was last heard; or held, or refused; of a group or list: sent
    text("code", nullable=True),
    whole("created_at"),
    UniqueConstraint("account_id", "key", name="uq_mail2sms_sendings_account_id_key"),
    Index("ix_mail2sms_sendings_message_id", "message_id"),
    Index("ix_mail2sms_sendings_mail_id", "mail_id"),
    Index("ix_mail2sms_sendings_campaign_id", "campaign_id"),
    Index("ix_mail2sms_sendings_installation_id_number_id", "installation_id", "number", "id"),
    Index("ix_mail2sms_sendings_installation_id_sender_created_at", "installation_id", "sender", "created_at"),
    Index("ix_mail2sms_sendings_installation_id_created_at", "installation_id", "created_at"),
    Index("ix_mail2sms_sendings_token_id_created_at", "token_id", "created_at"),
    Index("ix_mail2sms_sendings_created_at", "created_at"),
)
# Those that still say who wrote, and to whom. Word for word what the index says, or no database sees that it would do.
NAMED: Final = sendings.c.sender != literal_column("''")
Index("ix_mail2sms_sendings_named", sendings.c.created_at, postgresql_where=NAMED, sqlite_where=NAMED)

# A mail that goes out, as what it is about; it is written when it is sent. occasion: makes it once.
letters = Table(
    "mail2sms_letters",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    ident("installation_id"),
    ident("mail_id", nullable=True),
    text("occasion"),
    text("kind"),
    text("to"),
    text("facts"),  # JSON
    whole("created_at"),
    whole("sent_at", nullable=True),
    whole("given_up_at", nullable=True),  # refused for good, or not taken for a day
    UniqueConstraint("installation_id", "occasion", name="uq_mail2sms_letters_installation_id_occasion"),
    Index("ix_mail2sms_letters_created_at", "created_at"),
    Index("ix_mail2sms_letters_installation_id_to_created_at", "installation_id", "to", "created_at"),
)
UNSENT: Final = letters.c.sent_at.is_(None) & letters.c.given_up_at.is_(None)
Index("ix_mail2sms_letters_unsent", letters.c.created_at, postgresql_where=UNSENT, sqlite_where=UNSENT)

# Secrets in addresses. Only their digests are kept.
tokens = Table(
    "mail2sms_tokens",
    metadata,
    ident("id", primary_key=True),
    ident("account_id"),
    ident("installation_id"),
    text("kind"),  # address: handed out; thread: answers to one person; confirm: lets a held mail go
    text("digest"),
    text("name", nullable=True),
    text(
        "recipients", nullable=True
    ),  # JSON array of numbers, E.164 without +; none: whoever proves to be an allowed sender
    whole("per_day", nullable=True),
    ident("sending_id", nullable=True),  # of a thread
    ident("mail_id", nullable=True),  # of a held mail
    whole("expires_at", nullable=True),
    whole("revoked_at", nullable=True),
    whole("used_at", nullable=True),
    whole("created_at"),
    UniqueConstraint("digest", name="uq_mail2sms_tokens_digest"),
    Index("ix_mail2sms_tokens_installation_id_kind_id", "installation_id", "kind", "id"),
    Index("ix_mail2sms_tokens_expires_at", "expires_at"),
)

# Mailboxes that are read: by which process, until when, and how that goes.
mailboxes = Table(
    "mail2sms_mailboxes",
    metadata,
    ident("installation_id", primary_key=True),
    text("owner", nullable=True),
    whole("lease_until"),
    whole("heard_at", nullable=True),  # the last time that its server answered
    whole("taken_at", nullable=True),  # the last time that a mail was taken out
    text("trouble", nullable=True),  # one sentence
    whole("failing_since", nullable=True),
    text("connected", nullable=True),  # SHA-256 of the OAuth settings that its tokens came of
    text("refused", nullable=True),  # why these settings gave none: a sentence
)

# gateway: a domain whose local parts are numbers, or an address of which they are the part behind +.
gateways = Table(
    "mail2sms_gateways",
    metadata,
    text("gateway", primary_key=True),
    text("domain"),
    ident("installation_id"),
    ident("account_id"),
    UniqueConstraint("installation_id", name="uq_mail2sms_gateways_installation_id"),
    Index("ix_mail2sms_gateways_domain", "domain"),
)

TABLES: Final = tuple(metadata.sorted_tables)
