"""Who is never written to: machines that would answer, ourselves, and what is no address that mail can be handed over to."""

import re
from typing import Final

from sqlalchemy import select

from connectors.mail2sms.mail import Address
from connectors.mail2sms.parse import address
from connectors.mail2sms.settings import Office
from connectors.mail2sms.tables import gateways
from core import Tx

# Without quotes, blanks and brackets: in a header or an envelope it can't be anything but one address (RFC 5321 section 4.1.2).
_PLAIN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_MACHINE: Final = re.compile(
    r"(no|do[-_.]?not|ne[-_.]?pas)[-_.]?(reply|respond|repondre).*|mailer[-_.]?daemon|postmaster|nobody|(.+-)?bounces?"
)


def may_be_told(tx: Tx, office: Office, to: str) -> bool:
    """Whether an automatic mail to this address comes to a person, and not back to a gateway of this hub (RFC 3834 section 4)."""
    if not _PLAIN.fullmatch(to):
        return False
    local, _, domain = to.lower().rpartition("@")
    name = local.partition("+")[0]
    own = {domain, f"{name}@{domain}"}
    if own & {office.gateway} or _MACHINE.fullmatch(name):
        return False
    known = tx.all(select(gateways.c.gateway).where(gateways.c.gateway.in_(sorted(own))))
    return not any(_is_read(to, row.gateway) for row in known)


def _is_read(to: str, gateway: str) -> bool:
    """Whether a mail to this address becomes an SMS. Whoever claims a domain does not silence what is told to others in it."""
    local, _, domain = gateway.rpartition("@")
    return isinstance(address.read(to, local, domain), Address)
