"""Whether anybody wrote a mail (RFC 3834 section 2), so that nothing is sent for machines that talk to each other.

X-Auto-Response-Suppress is no such sign: Exchange writes it on mails of people too. It only asks for no answer.
"""

import re
from typing import Final

from connectors.mail2sms.mail import Address, Wrong
from connectors.mail2sms.parse import address
from connectors.mail2sms.parse.fields import Head

_SYSTEMS: Final = re.compile(
    r"mailer-daemon|postmaster|no[-_.]?reply|do[-_.]?not[-_.]?reply|ne[-_.]?pas[-_.]?repondre|bounces?", re.ASCII
)
_LISTS: Final = frozenset({"bulk", "list", "junk"})
_REPORTS: Final = frozenset({"multipart/report", "message/delivery-status", "message/disposition-notification"})
_CLASSES: Final = ("dsn", "mdn", "recallmessage", "recallreport")  # of Exchange: urn:content-classes:recallmessage
_NULL: Final = frozenset({"", "<>"})


def reason(head: Head, sender: str, kind: str, gateway: str, returns_to: str | None) -> str | None:
    """A code of `refusals`; None where a person may have written it. kind: the content type. returns_to: None where it is not known."""
    if _is_ours(head, sender, gateway):
        return "own_mail"
    if _bounces(head, returns_to):
        return "bounce"
    if kind in _REPORTS or head.first("content-class").lower().endswith(_CLASSES):
        return "report"
    if _SYSTEMS.fullmatch(sender.rpartition("@")[0].partition("+")[0].lower()):
        return "system_sender"
    if precedence(head) in _LISTS or any(name.startswith("list-") for name, _ in head.fields):
        return "list"
    return "automatic" if _answers_by_itself(head) else None


def is_generated(head: Head) -> bool:
    """Whether it says that a machine made it, and is no answer to anything."""
    return "auto-generated" in _submitted(head)


def is_quiet(head: Head) -> bool:
    """Whether it asks for no answer."""
    return any(value.strip().lower() not in {"", "none"} for value in head.all("x-auto-response-suppress"))


def precedence(head: Head) -> str:
    return head.first("precedence").lower()


def _is_ours(head: Head, sender: str, gateway: str) -> bool:
    local, _, domain = gateway.rpartition("@")
    looped = any(value.strip("<> ").lower() == gateway.lower() for value in head.all("x-loop"))
    return looped or isinstance(address.read(sender, local, domain), Address | Wrong)


def _bounces(head: Head, returns_to: str | None) -> bool:
    """The session's word goes before the header that a mail server writes of it."""
    if returns_to is not None:
        return returns_to.strip() in _NULL
    return head.first("return-path").replace(" ", "") == "<>"


def _answers_by_itself(head: Head) -> bool:
    others = ("x-autoreply", "x-autorespond")
    said = any(word != "no" for word in _submitted(head)) or precedence(head) == "auto_reply"
    return said or any(head.first(name).lower() not in {"", "no"} for name in others)


def _submitted(head: Head) -> list[str]:
    """The words of Auto-Submitted, without what follows them (RFC 3834 section 5)."""
    values = head.all("auto-submitted")
    return [re.split(r"[;(\s]", value.strip().lower(), maxsplit=1)[0] for value in values if value.strip()]
