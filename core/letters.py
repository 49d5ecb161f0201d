"""Mails to the people of an account: to its address or, where it has none, to its owners."""

import structlog
from sqlalchemy import select

from core.runtime import Runtime, Tx
from core.schema import accounts, users

log = structlog.get_logger()


def tell(runtime: Runtime, account_id: str, subject: str, body: str) -> None:
    """Send one plain mail. Says in the log when there is nobody to send it to. Raises PeerError when the mail server fails."""
    with runtime.read() as tx:
        addresses = _addresses(tx, account_id)
    if runtime.mail is None or not addresses:
        log.warning(
            "mail.nobody", account_id=account_id, cure="smshub account set ACCOUNT --email, or make a user its owner"
        )
        return
    for address in addresses:
        runtime.mail.send(address, subject, body)


def _addresses(tx: Tx, account_id: str) -> list[str]:
    own = tx.scalar(select(accounts.c.email).where(accounts.c.id == account_id))
    if own:
        return [own]
    owners = select(users.c.email).where(users.c.account_id == account_id, users.c.role == "owner")
    return [row.email for row in tx.all(owners.order_by(users.c.id))]
