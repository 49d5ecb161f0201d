"""What the headers of a mail say, each read in one way only: where two readers could differ, the mail is refused."""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import takewhile
from typing import Final

from connectors.mail2sms.mail import Headers, Wrong
from connectors.mail2sms.parse import automatic, mailboxes, media, words
from connectors.mail2sms.parse.fields import Head

LONGEST_SUBJECT: Final = 200
MOST_REFERENCES: Final = 20
_ONCE: Final = ("To", "Cc", "Subject")  # RFC 5322 section 3.6
_MOST_ENCODED: Final = 8_000  # characters of a subject as it is written

_ID: Final = re.compile(r"<?([!-;=?-~]{1,240})>?")
_IDS: Final = re.compile(r"<([!-;=?-~]{1,240})>")


def read(head: Head, gateway: str, returns_to: str | None) -> Headers | Wrong:
    """Wrong: `from_invalid`, or `headers_invalid` (header)."""
    counts = head.counts()
    sender = _sender(head) if counts.get("from") == 1 else None
    if sender is None:
        return Wrong("from_invalid")
    twice = next((name for name in _ONCE if counts.get(name.lower(), 0) > 1), None)
    to, cc = _addresses(head, "to"), _addresses(head, "cc")
    broken = next((name for name, found in (("To", to), ("Cc", cc)) if found is None), None)
    if twice or broken or to is None or cc is None:
        return Wrong("headers_invalid", {"header": f"more than one {twice}" if twice else str(broken)})
    why = automatic.reason(head, sender, media.read(head).kind, gateway, returns_to)
    return Headers(
        sender=sender,
        message_id=_message_id(head),
        subject=subject(head)[:LONGEST_SUBJECT].rstrip(),
        references=_references(head),
        date=_date(head.first("date")),
        to=to,
        cc=cc,
        delivered_to=_delivered_to(head),
        automatic=why,
        generated=automatic.is_generated(head),
        quiet=why is not None or automatic.is_quiet(head),
    )


def subject(head: Head) -> str:
    """The whole subject, decoded, on one line."""
    return words.decode(head.first("subject")[:_MOST_ENCODED])


def _sender(head: Head) -> str | None:
    """The one address of From. Words without an @ beside it (Martin, Anne <anne@example.org>) are part of her name."""
    found = [one for one in mailboxes.read(head.first("from")) or () if "@" in one.address]
    if len(found) != 1:
        return None
    shown = mailboxes.unquoted(found[0].name)
    return mailboxes.sender(found[0].address) if "@" not in shown or shown == found[0].address else None


def _addresses(head: Head, name: str) -> tuple[str, ...] | None:
    """Those of a header that stands there once; what is no address is left out. None where it can't be taken apart."""
    found = mailboxes.read(head.first(name))
    return None if found is None else tuple(bare for one in found if (bare := mailboxes.bare(one.address)))


def _delivered_to(head: Head) -> tuple[str, ...]:
    """What our own mail server wrote: it stands above the first Received, as every server writes at the top (RFC 5321 section 4.4)."""
    ours = takewhile(lambda field: field[0] != "received", head.fields)
    values = [value.strip().strip("<>") for name, value in ours if name in {"delivered-to", "x-original-to"}]
    return tuple(dict.fromkeys(bare for value in values if (bare := mailboxes.bare(value))))


def _message_id(head: Head) -> str | None:
    values = head.all("message-id")
    found = _ID.fullmatch(values[0].strip()) if len(values) == 1 else None
    return found[1] if found else None


def _references(head: Head) -> tuple[str, ...]:
    """Which mails it belongs to: the one that began it, and the last ones."""
    ids = list(dict.fromkeys(_IDS.findall(f"{head.first('references')} {head.first('in-reply-to')}")))
    return tuple(ids if len(ids) <= MOST_REFERENCES else [ids[0], *ids[1 - MOST_REFERENCES :]])


def _date(text: str) -> int | None:
    try:
        at = parsedate_to_datetime(text[:100])
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()) * 1000  # -0000: a zone that is not told
    except (ValueError, OverflowError, IndexError, TypeError):  # days and zones that no calendar has
        return None
