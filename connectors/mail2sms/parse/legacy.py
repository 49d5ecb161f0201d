"""Subjects in the manner of smsmode, for senders that can't be changed: password | number,number | sender."""

import re
from typing import Final

from connectors.mail2sms.mail import Legacy

MOST_NUMBERS: Final = 1000
HIDDEN: Final = "***"
_NUMBER: Final = re.compile(r"\+?[0-9]{6,17}")
_PASSWORD: Final = re.compile(r"[!-~]{1,100}")
_SENDER: Final = re.compile(r"[^\W_][\w .&'+-]{0,39}")


def read(subject: str) -> Legacy | None:
    """What such a subject says; None where it is another."""
    pieces = [piece.strip() for piece in subject.split("|", 3)]
    if len(pieces) not in {2, 3} or not _PASSWORD.fullmatch(pieces[0]):
        return None
    numbers = tuple(re.sub(r"[ .-]", "", number) for number in pieces[1].split(",")[: MOST_NUMBERS + 1])
    sender = pieces[2] if len(pieces) == 3 else ""
    if len(numbers) > MOST_NUMBERS or not all(map(_NUMBER.fullmatch, numbers)):
        return None
    if sender and not _SENDER.fullmatch(sender):
        return None
    return Legacy(pieces[0], numbers, sender or None)


def scrubbed(subject: str) -> str:
    """The subject as it may be kept and quoted: what stands before the first bar may be a password."""
    _, bar, rest = subject.partition("|")
    return f"{HIDDEN} |{rest}" if bar else subject
