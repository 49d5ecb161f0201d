"""A letter as a mail: RFC 5322 with CRLF, plain text in UTF-8, all of it in 7 bits, so that it passes everywhere as it is."""

import quopri
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.header import Header
from email.utils import format_datetime
from typing import Final

from connectors.mail2sms.answer.heads import CONTROLS, Heads, bracketed, one_line

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def mail(heads: Heads, *, letter_id: str, gateway: str, to: str, at: int, language: str, body: str) -> bytes:
    """The bytes of a mail. letter_id: makes its Message-ID, the same however often it is written. at: of Date (ms).

    It says that a machine wrote it, so that no machine answers (RFC 3834 section 5), and by X-Loop whose it is, should it come back.
    """
    lines = [
        f"From: {_named(heads.name, heads.sender)}",
        f"To: <{to}>",
        f"Subject: {_encoded(heads.subject, 'Subject')}",
        f"Date: {format_datetime(_EPOCH + timedelta(milliseconds=at))}",
        f"Message-ID: <{letter_id}@{gateway.rpartition('@')[2]}>",
        *_threading(heads),
        "Auto-Submitted: auto-replied",
        "X-Auto-Response-Suppress: All",
        f"X-Loop: {gateway}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        f"Content-Language: {language}",
    ]
    return "\r\n".join([*lines, "", _quoted_printable(body)]).encode("ascii")


def _threading(heads: Heads) -> Iterator[str]:
    if heads.reply_to:
        yield f"Reply-To: {_named(heads.name, heads.reply_to)}"
    if heads.in_reply_to:
        yield f"In-Reply-To: <{heads.in_reply_to}>"
    if heads.references:
        yield "References: " + "\r\n ".join(bracketed(heads.references))  # each on a line of its own: none is ever cut


def _named(name: str, address: str) -> str:
    """A display name with its address. Ours are digits, blanks, + and letters: quoted, they need no escape."""
    return f'"{name}" <{address}>'


def _encoded(text: str, header: str) -> str:
    """As encoded words where it is not ASCII (RFC 2047), folded."""
    line = one_line(text)
    charset = "us-ascii" if line.isascii() and "=?" not in line else "utf-8"
    return Header(line, charset, header_name=header).encode(linesep="\r\n")


def _quoted_printable(body: str) -> str:
    """RFC 2045 section 6.7. Of control characters only line ends and tabs are left."""
    clean = CONTROLS.sub("", body)
    return quopri.encodestring(clean.encode()).decode("ascii").replace("\n", "\r\n")
