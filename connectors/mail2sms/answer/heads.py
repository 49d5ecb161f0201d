"""The headers of a letter: whose it seems, where its answer goes, what it belongs to. Values only; nothing that was read can add one."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from connectors.mail2sms.answer.words import Words
from connectors.mail2sms.mail import Address
from connectors.mail2sms.parse import address
from connectors.mail2sms.settings import Office
from core import number

NAME: Final = "SMS"
NO_REPLY: Final = "no-reply"
LONGEST_SUBJECT: Final = 200  # characters
MOST_REFERENCES: Final = 20
# Control characters but for tabs and line feeds, separators of lines, halves of characters, and what turns the way of writing around.
CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ID: Final = re.compile(
    r"[\x21-\x3b\x3d\x3f-\x7e]{1,240}"
)  # within brackets; a longer line than 998 is no mail (RFC 5322 section 2.1.1)
_ANSWER: Final = re.compile(r"(re|aw|sv|tr|rép|ré)\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heads:
    """name, sender: of From. reply_to: an address that answers go to, where they don't go to `sender`. references: oldest first."""

    name: str
    sender: str
    subject: str
    reply_to: str | None = field(default=None, repr=False)
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()


def of(kind: str, facts: Mapping[str, Any], office: Office, words: Words, answer_to: Address | None) -> Heads:
    """The headers of a letter; answer_to: the address that its answer goes to, where it may be answered."""
    ids = [one for one in (*facts.get("refs", ()), facts.get("message_id")) if one and _ID.fullmatch(one)]
    answered = ids[-1] if ids and ids[-1] == facts.get("message_id") else None
    plain = Heads(NAME, _own(office), "", None, answered, tuple(ids[-MOST_REFERENCES:]))
    to = address.write(answer_to, office.local, office.domain) if answer_to else None
    if kind != "reply":
        return replace(plain, subject=_subject(facts, office, words.say("subject")), reply_to=to)
    name = number.display(facts["number"])
    subject = _subject(facts, office, words.say("subject.reply", number=name))
    # Some relays write their own account into From: Reply-To says it once more.
    return replace(plain, name=name, sender=to or plain.sender, subject=subject, reply_to=to)


def one_line(text: str) -> str:
    """A text that is one line of a header: no control character, and no line end of any alphabet, gets through (RFC 5322 section 2.2)."""
    return " ".join(CONTROLS.sub(" ", text.replace("\n", " ")).split())


def _own(office: Office) -> str:
    """Where no answer is read: an ordinary mailbox has no other address than its own."""
    return office.gateway if office.local else f"{NO_REPLY}@{office.domain}"


def _subject(facts: Mapping[str, Any], office: Office, neutral: str) -> str:
    """That of the mail that is answered; another one where it may hold a token (`legacy_subject`)."""
    subject = one_line(facts.get("subject") or "")[:LONGEST_SUBJECT].strip()
    if not subject or (office.legacy_subject and "|" in subject):
        return neutral
    return subject if _ANSWER.match(subject) else f"Re: {subject}"


def bracketed(ids: Iterable[str]) -> list[str]:
    return [f"<{one}>" for one in ids]
