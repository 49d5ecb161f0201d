"""What comes and goes with an installation: its gateway, what a schema can't judge of its settings, and its rows."""

import ipaddress
from typing import Final

from sqlalchemy import delete

from connectors.contract import Installation
from connectors.mail2sms import gateways, oauth, tables
from connectors.mail2sms.intake import leases
from connectors.mail2sms.settings import Mailbox, office_of
from core import Refused, Tx

NO_WAY_IN: Final = "/settings/mailbox/password"
TLS: Final = "/settings/mailbox/tls"


def kept(tx: Tx, installation: Installation) -> None:
    """Settings are new or changed. Refuses what can't work, and a gateway that is another account's."""
    office = office_of(installation)
    if office.mailbox is not None:
        _check(office.mailbox)
    else:
        leases.forget(tx, office.id)
    gateways.claim(tx, office)
    oauth.kept(tx, installation)


def dropped(tx: Tx, installation: Installation) -> None:
    """The installation is removed, and what it did with it."""
    for table in (
        tables.gateways,
        tables.mails,
        *tables.TABLES,
    ):  # no mail is kept from now on, and none that is here is decided
        tx.execute(delete(table).where(table.c.installation_id == installation.id))


def _check(mailbox: Mailbox) -> None:
    if not (mailbox.password or mailbox.oauth):
        raise Refused.at(
            NO_WAY_IN, "invalid_request", "Give the mailbox a password, or oauth where its server takes none."
        )
    if mailbox.tls == "none" and not _is_here(mailbox.host):
        raise Refused.at(
            TLS,
            "invalid_request",
            "Without encryption only this machine's own mail server is read: set tls or starttls.",
        )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
