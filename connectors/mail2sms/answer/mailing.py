"""The job of a letter: it is composed, handed over, and marked as sent. The secret of an address in it is drawn now, and kept as a digest."""

import json
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Row, select, update

from connectors.contract import Visit
from connectors.mail2sms import tokens
from connectors.mail2sms.answer import compose, heads, words
from connectors.mail2sms.answer.bodies import Teller
from connectors.mail2sms.answer.letters import JOB
from connectors.mail2sms.mail import Address
from connectors.mail2sms.settings import Office, office_of
from connectors.mail2sms.tables import UNSENT, letters, sendings
from core import PeerError, Refused, Runtime, Tx, accounts, jobs

ENVELOPE: Final = "envelope_sender"  # SMSHUB_CONNECTOR_MAIL2SMS_ENVELOPE_SENDER: some relays refuse the null sender
PATIENCE_MS: Final = 24 * 3600 * 1000
FIRST_WAIT_MS: Final = 5_000
LONGEST_WAIT_MS: Final = 1_800_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ready:
    """What a letter takes besides its row: the zone of the account, where its answer goes, and what was sent before (of a reply)."""

    zone: ZoneInfo
    answer_to: Address | None
    before_id: str | None


def send(visit: Visit, letter_id: str) -> None:
    """Mail a letter, unless it was. It may go twice after a crash, under one Message-ID.

    Where the mail server does not take it now it is promised again, for a day: other jobs are given up long before.
    """
    letter = _waiting(visit.runtime, letter_id)
    if letter is None:
        return
    try:
        office = office_of(visit.tools.installations.get(letter.installation_id))
    except Refused:  # removed: nobody is there to answer for
        return
    try:
        visit.tools.post(_mail(visit, office, letter), letter.to, str(visit.tools.options.get(ENVELOPE, "")))
    except PeerError as error:
        _not_taken(visit.runtime, letter, error)
        return
    visit.runtime.fault("mail.mailed")
    with visit.runtime.begin() as tx:
        tx.execute(update(letters).where(letters.c.id == letter_id).values(sent_at=tx.now))


def _not_taken(runtime: Runtime, letter: Row[Any], error: PeerError) -> None:
    """Given up where the mail server refused it for good, or took nothing for a day; else tried again when it is twice as old."""
    age = max(0, runtime.clock() - letter.created_at)
    is_over = error.kind == "rejected" or age >= PATIENCE_MS
    with runtime.begin() as tx:
        if is_over:
            tx.execute(update(letters).where(letters.c.id == letter.id).values(given_up_at=tx.now))
        else:
            wait = min(max(age, FIRST_WAIT_MS), LONGEST_WAIT_MS)
            jobs.add(tx, letter.account_id, JOB, letter.id, tx.now + wait)
    late = "mail2sms.letter_given_up" if is_over else "mail2sms.letter_put_off"
    event = "mail2sms.letter_refused" if error.kind == "rejected" else late
    log.warning(event, letter_id=letter.id, kind=letter.kind, why=error.detail)


def _waiting(runtime: Runtime, letter_id: str) -> Row[Any] | None:
    with runtime.read() as tx:
        return tx.one(select(letters).where(letters.c.id == letter_id, UNSENT))


def _mail(visit: Visit, office: Office, letter: Row[Any]) -> bytes:
    facts = json.loads(letter.facts)
    with visit.runtime.begin() as tx:
        ready = _ready(tx, office, letter, facts)
    said = words.of(office.language)
    teller = Teller(said, ready.zone, _before(visit, office, ready.before_id))
    return compose.mail(
        heads.of(letter.kind, facts, office, said, ready.answer_to),
        letter_id=letter.id,
        gateway=office.gateway,
        to=letter.to,
        at=letter.created_at,
        language=office.language,
        body=teller.body(letter.kind, facts),
    )


def _ready(tx: Tx, office: Office, letter: Row[Any], facts: Any) -> Ready:
    """Draws the secret that lets its answer in."""
    zone = accounts.get(tx, office.account_id).zone
    if letter.kind == "held":
        secret = tokens.confirmation(tx, office.installation, letter.mail_id)
        return Ready(zone, Address("thread", letter.mail_id, secret), None)
    if letter.kind != "reply":
        return Ready(zone, None, None)
    sending = tx.one(select(sendings.c.id, sendings.c.message_id).where(sendings.c.id == facts["sending_id"]))
    if sending is None:
        return Ready(zone, None, None)
    if facts["opt_out"]:  # who asked for no more is not to be answered
        return Ready(zone, None, sending.message_id)
    secret = tokens.thread(tx, office.installation, sending.id)
    return Ready(zone, Address("thread", sending.id, secret), sending.message_id)


def _before(visit: Visit, office: Office, message_id: str | None) -> str | None:
    """The text that somebody answered; None where it is not known, or was erased."""
    if message_id is None:
        return None
    caller = visit.tools.installations.caller(office.installation)
    try:
        return str(visit.tools.catalogue.perform(caller, "read_message", message_id=message_id).body["text"])
    except Refused:
        return None
