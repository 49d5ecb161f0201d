"""Whose gateway is whose: by it an SMTP session finds the installation that a mail is for.

A domain belongs to who claimed it first, and so do all addresses at it. An ordinary mailbox that is read by IMAP may stand in somebody
else's domain (as everybody's do who has theirs at a large provider): its mails come by IMAP alone.
"""

from typing import Final

from sqlalchemy import ColumnElement, delete, select

from connectors.mail2sms.settings import Office
from connectors.mail2sms.tables import gateways
from core import Refused, Tx

TAKEN: Final = "Another account sends SMS by this domain, or by an address in it: choose another one."


def claim(tx: Tx, office: Office) -> None:
    """From now on its gateway is its own, and no other one is. Refuses (`already_exists`) what is another account's."""
    others = select(gateways.c.gateway).where(_near(office), gateways.c.account_id != office.account_id)
    if tx.one(others.limit(1)) is not None:
        raise _taken()
    mine = gateways.c.installation_id == office.id
    tx.execute(delete(gateways).where(mine))
    row = {"gateway": office.gateway, "domain": office.domain}
    whose = {"installation_id": office.id, "account_id": office.account_id}
    tx.execute(tx.upsert(gateways).values(**row, **whose).on_conflict_do_nothing())
    if tx.one(select(gateways.c.gateway).where(mine)) is None:  # somebody was quicker
        raise _taken()


def release(tx: Tx, installation_id: str) -> None:
    tx.execute(delete(gateways).where(gateways.c.installation_id == installation_id))


def find(tx: Tx, local: str, domain: str) -> str | None:
    """The id of the installation that mails to <local>[+...]@<domain> are for. Both in lower case, local without what follows its plus."""
    names = (domain, f"{local}@{domain}")
    rows = tx.all(select(gateways.c.gateway, gateways.c.installation_id).where(gateways.c.gateway.in_(names)))
    found = {row.gateway: str(row.installation_id) for row in rows}
    return found.get(domain) or found.get(names[1])


def _near(office: Office) -> ColumnElement[bool]:
    """What may not be somebody else's: of a domain all in it, of an address itself, and the domain where its mails come by SMTP."""
    if not office.local:
        return gateways.c.domain == office.domain
    return gateways.c.gateway.in_([office.gateway, *([] if office.mailbox else [office.domain])])


def _taken() -> Refused:
    return Refused.at("/settings/domain", "already_exists", TAKEN)
