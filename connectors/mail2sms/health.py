"""What is wrong with an installation, in sentences for its people. It asks the database only: mail servers are asked all the time."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Row

from connectors.contract import Visit
from connectors.mail2sms.intake import leases
from connectors.mail2sms.moments import iso
from connectors.mail2sms.settings import office_of

SILENT_MS: Final = 300_000
NEW_MS: Final = 60_000  # settings that are so young may not have been seen yet

NO_WAY: Final = "Mails have no way in: set mailbox, or have the operator set SMSHUB_SMTP_LISTEN."
NOBODY: Final = (
    "No process of the hub reads the mailbox: see that one runs that listens (`smshub serve` or `smshub listen`), and that it has "
    "not too many mailboxes already."
)


def health(visit: Visit) -> Sequence[str]:
    """Sentences; none when all is well."""
    installation = visit.installed
    if office_of(installation).mailbox is None:
        return () if visit.tools.options.get("smtp_listen") else (NO_WAY,)
    with visit.runtime.read() as tx:
        row, now = leases.find(tx, installation.id), tx.now
    return list(_told(row, now, is_new=now - installation.updated_at < NEW_MS))


def _told(row: Row[Any] | None, now: int, *, is_new: bool) -> Iterator[str]:
    if row is not None and row.refused is not None:
        yield row.refused
    if row is None or row.owner is None or row.lease_until <= now:
        if not is_new:
            yield NOBODY
    elif row.trouble is not None:
        yield f"{row.trouble} This is so since {iso(row.failing_since)}."
    elif not is_new and (row.heard_at is None or now - row.heard_at >= SILENT_MS):
        since = "" if row.heard_at is None else f" since {iso(row.heard_at)}"
        yield f"Nothing was heard of the mail server{since}: see that it is up, and that the hub is."
