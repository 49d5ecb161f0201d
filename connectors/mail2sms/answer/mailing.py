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
from connectors.mail2sms.mail import Address
from connectors.mail2sms.settings import Office, office_of
from connectors.mail2sms.tables import letters, sendings
from core import PeerError, Refused, Runtime, Tx, accounts

ENVELOPE: Final = "envelope_sender"  # SMSHUB_CONNECTOR_MAIL2SMS_ENVELOPE_SENDER: some relays refuse the null sender

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ready:
    """What a letter takes besides its row: the zone of the account, where its answer goes, and what was sent before (of a reply)."""

    zone: ZoneInfo
    answer_to: Address | None
    before_id: str | None


def send(visit: Visit, letter_id: str) -> None:
    """Mail a letter, unless it was. It may go twice after a crash, under one Message-ID. Raises PeerError where it is to be tried again."""
    letter = _waiting(visit.runtime, letter_id)
    if letter is None:
        return
    try:
        office = office_of(visit.tools.installations.get(letter.installation_id))
    except Refused:  # removed: nobody is there to answer for
        return
    if _posted(visit, letter, _mail(visit, office, letter)):
        visit.runtime.fault("mail.mailed")
        with visit.runtime.begin() as tx:
            tx.execute(update(letters).where(letters.c.id == letter_id).values(sent_at=tx.now))


def _posted(visit: Visit, letter: Row[Any], raw: bytes) -> bool:
    """False where the mail server refused it for good."""
    try:
        visit.tools.post(raw, letter.to, str(visit.tools.options.get(ENVELOPE, "")))
    except PeerError as error:
        if error.kind != "rejected":
            raise
        log.warning("mail2sms.letter_refused", letter_id=letter.id, kind=letter.kind, why=error.detail)
        return False
    return True


def _waiting(runtime: Runtime, letter_id: str) -> Row[Any] | None:
    with runtime.read() as tx:
        return tx.one(select(letters).where(letters.c.id == letter_id, letters.c.sent_at.is_(None)))


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
