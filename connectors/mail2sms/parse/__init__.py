"""Bytes of a mail, read: who wrote it, for whom, what it says. Pure, bounded, and linear in the length of the mail.

`fields` takes heads apart, `parts` bodies; `headers` and `automatic` say what the first mean, `body`, `cut` and `directives` what is to be
sent, `lists` to whom else. `address` is the grammar of the gateway's addresses.
"""

from dataclasses import replace
from typing import Final

from connectors.mail2sms.mail import Headers, Parsed, Wrong
from connectors.mail2sms.parse import content, fields, headers
from connectors.mail2sms.parse import legacy as old_subjects

__all__ = ["MOST_HEAD", "parse"]

MOST_HEAD: Final = 512 * 1024  # octets: 5,000 recipients have 150,000


def parse(raw: bytes, gateway: str, *, returns_to: str | None = None, legacy: bool = False) -> Parsed:
    """A mail to `gateway` (a domain, or an ordinary mailbox). Never raises: what can't be read is Wrong.

    returns_to: its envelope sender, "" for the null one, None where no session said it. legacy: its subject may be an old one, whose
    password is then in `legacy` and in no header.
    """
    head = fields.read(raw, 0, len(raw), MOST_HEAD)
    if head is None:
        return _unread(Wrong("headers_invalid", {"header": "there are too many"}))
    found = headers.read(head, gateway, returns_to)
    if isinstance(found, Wrong):
        return _unread(found)
    said = content.read(raw, head)
    if not legacy:
        return Parsed(found, said)
    subject = headers.subject(head)
    return Parsed(_scrubbed(found), said, old_subjects.read(subject))


def _unread(why: Wrong) -> Parsed:
    return Parsed(why, why)


def _scrubbed(found: Headers) -> Headers:
    return replace(found, subject=old_subjects.scrubbed(found.subject))
