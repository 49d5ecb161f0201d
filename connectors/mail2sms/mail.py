"""A mail as the rooms of this connector hand it on: what was found, what it says, what it proves, what became of it. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["number", "group", "list", "template", "thread", "nobody"]
MOST_BYTES: Final = 10 * 1024 * 1024  # of a mail: more is refused by its size, unread


@dataclass(frozen=True, slots=True)
class Options:
    """What stands behind dots in an address, or in `#` lines before the text. None: nothing was said.

    purpose: marketing or notification. sender: a sender id, or its slug (letters and digits, blanks as dashes). send_at: as it was
    written (20261224T0900, or ISO 8601), read in the account's zone. test: tell what it would cost, and send nothing.
    """

    purpose: str | None = None
    max_segments: int | None = None
    sender: str | None = None
    send_at: str | None = None
    test: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """An address of the gateway: <dest>["+"<token>]("."<option>)*. value: digits with or without + or 00, a slug, or the id of a sending.

    kind `list` stands for the people in the attached CSV file, `template` for a text that goes to the others that the mail names.
    kind `nobody` is an address that no mail is for (no-reply, postmaster, mailer-daemon), or the mailbox's own without a number.
    """

    kind: Kind
    value: str
    token: str | None = field(default=None, repr=False)
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why something can't be taken: a code of `refusals`, and what the sentence of that code needs to be filled in."""

    code: str
    facts: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Headers:
    """What the headers of a mail say.

    sender: the one address of From; its domain is ASCII and lower case. message_id: without brackets; None where it is absent or
    garbage. subject: decoded, one line, at most 200 characters. references: ids without brackets, oldest first, at most 20.
    date: of the header, in ms. to, cc: bare addresses. delivered_to: those that our own mail server wrote (above the first Received).
    automatic: why nobody wrote it (RFC 3834, bounces, lists, our own), a code of `refusals`; generated: it says `auto-generated`, as
    monitoring does. quiet: it asks for no answer.
    """

    sender: str
    message_id: str | None
    subject: str
    references: tuple[str, ...]
    date: int | None
    to: tuple[str, ...]
    cc: tuple[str, ...]
    delivered_to: tuple[str, ...]
    automatic: str | None
    generated: bool
    quiet: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a CSV attachment: the cell of the number as it stands, and its other columns by their name in lower case."""

    number: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Legacy:
    """A subject in the manner of smsmode: password | numbers | sender."""

    password: str = field(repr=False)
    numbers: tuple[str, ...]
    sender: str | None


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be sent: the new text without quotes and signature, what `#` lines before it said, and a CSV's lines.

    digest: SHA-256 of the decoded body as it came: tells the same mail from another under the same Message-ID.
    """

    text: str
    digest: str
    said: Options = field(default_factory=Options)
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """A mail as it was read. Where its headers are Wrong nobody knows who wrote it; where its content is, who did can be told."""

    headers: Headers | Wrong
    content: Content | Wrong
    legacy: Legacy | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What a mail proves about who sent it.

    aligned: a valid signature, or our mail server's word for one or for SPF, is of the domain in From (RFC 7489 section 3.1).
    covered: which headers the aligned signature covers, in lower case (none where it is our server's word). signed_body: the digest of
    the body in that signature, "" where it is our server's word. spf: our mail server says that SPF passed for the domain in From. signed_at: when it was signed (ms), where that is said.
    temporary: a name server did not answer, so that nothing is proven yet. why: what was found, in a few words for the log.
    """

    aligned: bool = False
    covered: frozenset[str] = frozenset()
    signed_body: str = ""
    spf: bool = False
    signed_at: int | None = None
    temporary: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """Both, as the reading process gives them back."""

    parsed: Parsed
    proof: Proof


@dataclass(frozen=True, slots=True)
class Found:
    """A mail that came in. `envelope` are its recipients where an SMTP session said so (else the headers must do), `returns_to` its

    envelope sender ("" for the null one; None where it is not known). received_at: when our side got it (ms).
    """

    intake: Literal["imap", "smtp"]
    raw: bytes = field(repr=False)
    received_at: int
    envelope: tuple[str, ...] = ()
    returns_to: str | None = None


State = Literal["received", "retry", "accepted", "done", "rejected", "held", "duplicate", "ignored", "poison"]
OPEN: Final = frozenset({"received", "retry"})
TURNED_AWAY: Final = frozenset({"rejected", "poison"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mail. code: a code of `refusals`, where it was not simply accepted. detail: one sentence, in English."""

    state: State
    code: str = ""
    detail: str = ""
