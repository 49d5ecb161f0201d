"""What is done with a mail, whoever brought it: kept, read, decided. Its bytes stay with who brought them until that is over.

A crash before the decision has done nothing but count an attempt. After it, the digest of the bytes says what became of them; where they
came another way, the keys of what they sent do.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, Protocol

import structlog

from connectors.contract import Visit
from connectors.mail2sms.authenticate import authenticate
from connectors.mail2sms.decide import accept, rows
from connectors.mail2sms.decide.confirm import confirm
from connectors.mail2sms.decide.judge import Case, Confirm, Judged, Refuse, Send, ignored, judge
from connectors.mail2sms.decide.known import Known, know
from connectors.mail2sms.decide.recipients import Addressed, addressed
from connectors.mail2sms.decide.rows import Kept
from connectors.mail2sms.decide.told import Arrival
from connectors.mail2sms.intake.child import Stopped, Task, Unread
from connectors.mail2sms.mail import MOST_BYTES, Found, Outcome, Proof, Read, Wrong
from connectors.mail2sms.parse import parse
from connectors.mail2sms.refusals import REFUSALS
from connectors.mail2sms.settings import Office
from core import outages

PATIENCE_MS: Final = 24 * 3600 * 1000  # a name server that is silent for so long is not waited for any more
MOST_HEADERS: Final = 1024 * 1024  # bytes, of a mail that is too large to be read
REMOVED: Final = Outcome("retry", "busy", REFUSALS["busy"].en)  # the installation is: its mails are nobody's to take
_MOST: Final = {"most": MOST_BYTES}

log = structlog.get_logger()


class Reads(Protocol):
    """Who reads mails (`child.Reader`)."""

    def read(self, task: Task) -> Read:
        """What it says and proves. Raises Unread."""
        ...


def take(visit: Visit, office: Office, found: Found, reader: Reads) -> Outcome:
    """Keep, read and decide a mail; what became of it, also where that was long ago. `retry`: leave it where it is.

    What it raises is a fault of ours or of the database, and leaves the mail where it is too.
    """
    try:
        return _taken(visit, office, found, reader)
    except rows.Gone:
        return REMOVED


def _taken(visit: Visit, office: Office, found: Found, reader: Reads) -> Outcome:
    with visit.runtime.begin() as tx:
        kept = rows.keep(tx, office, found.intake, rows.digest_of(found))
    visit.runtime.fault("mail.kept")
    if kept.outcome is not None:
        return _known_already(kept, found.intake, kept.outcome)
    try:
        read = reader.read(_task(office, found))
    except Stopped:
        with visit.runtime.begin() as tx:
            return rows.put_back(tx, kept.id, Wrong("busy"))
    except Unread as why:
        return _unread(visit, found.intake, kept, why)
    visit.runtime.fault("mail.read")
    return _over(visit, found.intake, kept, lambda: _decided(visit, office, found, kept, _patient(visit, kept, read)))


def too_large(visit: Visit, office: Office, size: int, headers: bytes) -> Outcome:
    """Refuse a mail that nobody fetched for its size, by its headers. They alone prove nothing but what our own mail server says in them."""
    try:
        return _turned_away(visit, office, size, headers[:MOST_HEADERS])
    except rows.Gone:
        return REMOVED


def _turned_away(visit: Visit, office: Office, size: int, raw: bytes) -> Outcome:
    with visit.runtime.begin() as tx:
        kept = rows.keep(tx, office, "imap", hashlib.sha256(b"%d\0%b" % (size, raw)).hexdigest())
    if kept.outcome is not None:
        return _known_already(kept, "imap", kept.outcome)
    parsed = parse(raw, office.gateway)
    if isinstance(parsed.headers, Wrong):
        return _over(visit, "imap", kept, lambda: accept.refuse_unread(visit, kept.id, Wrong("too_large", _MOST)))
    sender, now = parsed.headers.sender, visit.runtime.clock()
    proof = authenticate(raw, sender, now, office.authserv_id, lambda _name: ()) if office.authserv_id else Proof()
    trusted = proof.aligned and office.allows(sender)
    arrival = Arrival(kept.id, office, parsed.headers, "imap", answerable=trusted, trusted=trusted)
    code = ignored(office, parsed.headers)
    wrong = Wrong("too_large", _MOST) if code is None else Wrong(code)
    return _over(visit, "imap", kept, lambda: accept.refuse(visit, arrival, wrong))


def _over(visit: Visit, intake: str, kept: Kept, decide: Callable[[], Outcome]) -> Outcome:
    """What is decided is told to the log, by no word of the mail. An outage of the database is not the mail's fault."""
    try:
        outcome = decide()
    except outages.ERRORS as error:
        if outages.of(error) is not None:
            with suppress(*outages.ERRORS), visit.runtime.begin() as tx:
                rows.put_back(tx, kept.id, Wrong("busy"))
        raise
    visit.runtime.fault("mail.accepted")
    return _told(kept, intake, outcome)


def _told(kept: Kept, intake: str, outcome: Outcome) -> Outcome:
    """What became of a mail, for the log. One that was given up is worth a look."""
    tell = log.warning if outcome.state == "poison" else log.info
    tell("mail2sms.mail", mail_id=kept.id, intake=intake, state=outcome.state, code=outcome.code)
    return outcome


def _known_already(kept: Kept, intake: str, outcome: Outcome) -> Outcome:
    """It was decided before, and told then; but for the one whose attempts came to an end just now."""
    return _told(kept, intake, outcome) if kept.is_given_up else outcome


def _task(office: Office, found: Found) -> Task:
    return Task(
        raw=found.raw,
        gateway=office.gateway,
        returns_to=found.returns_to,
        legacy=office.legacy_subject,
        authserv_id=office.authserv_id,
        received_at=found.received_at,
    )


def _unread(visit: Visit, intake: str, kept: Kept, why: Unread) -> Outcome:
    """It took too long, or its reader died: the third time it is given up, so that the others are read."""
    log.warning("mail2sms.unread", mail_id=kept.id, attempts=kept.attempts, why=str(why))
    if kept.attempts < rows.MOST_ATTEMPTS:
        return Outcome("retry", "busy", REFUSALS["busy"].en)
    with visit.runtime.begin() as tx:
        outcome = rows.give_up(tx, kept.id)
    return _told(kept, intake, outcome)


def _patient(visit: Visit, kept: Kept, read: Read) -> Read:
    """A name server is waited for, but not for ever: then the mail is what it proves without it."""
    if visit.runtime.clock() - kept.created_at < PATIENCE_MS:
        return read
    return replace(read, proof=replace(read.proof, temporary=False))


def _decided(visit: Visit, office: Office, found: Found, kept: Kept, read: Read) -> Outcome:
    headers, legacy = read.parsed.headers, read.parsed.legacy
    if isinstance(headers, Wrong):
        return accept.refuse_unread(visit, kept.id, headers)
    of = addressed(office, found, headers, read.proof, legacy)
    arrival = Arrival(kept.id, office, headers, found.intake, legacy=legacy is not None)
    if code := ignored(office, headers):
        return accept.refuse(visit, arrival, Wrong(code), **_noted(of, code))
    with visit.runtime.read() as tx:
        known = know(tx, office, of)
    judged = judge(Case(office, read, headers, found, of, known))
    return _carried_out(visit, _known_by(arrival, judged, known), judged.verdict, read)


def _known_by(arrival: Arrival, judged: Judged, known: Known) -> Arrival:
    """The same, now that it is known who wrote."""
    ids = {key.id for key in judged.keys}
    return replace(
        arrival,
        answerable=judged.answerable,
        trusted=judged.writer.trusted,
        tokens=tuple(token for token in known.tokens.values() if token.id in ids),
        tier=judged.verdict.plan.tier if isinstance(judged.verdict, Send) else None,
    )


def _carried_out(visit: Visit, arrival: Arrival, verdict: Refuse | Confirm | Send, read: Read) -> Outcome:
    if isinstance(verdict, Refuse):
        return accept.refuse(visit, arrival, verdict.wrong)
    if isinstance(verdict, Confirm):
        return confirm(visit, arrival, verdict.mail_id, read)
    return accept.accept(visit, arrival, verdict.plan, verdict.hold)


def _noted(of: Addressed, code: str) -> dict[str, str]:
    """A mail that came back to a conversation says in its row to which."""
    threads = [one.address.value for one in of.recipients if one.address.kind == "thread"]
    return {"detail": f"{REFUSALS[code].en} It came to the conversation {threads[0]}."} if threads else {}
