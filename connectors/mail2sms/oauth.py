"""Tokens instead of a password: what the settings say of their issuer is made a connection of the hub's, which renews them from then on.

A job does it, as the issuer is asked over the network. It is done once for each change of these settings: an issuer that gives a new refresh
token each time takes the second use of one for theft, and ends the grant (RFC 9700 section 4.14).
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from sqlalchemy import update

from connectors.contract import Installation, Issuer, Task, Visit
from connectors.mail2sms.intake import leases
from connectors.mail2sms.settings import Mailbox, office_of
from connectors.mail2sms.tables import mailboxes
from core import PeerError, Refused, Tx, jobs

JOB: Final = "mail2sms.connect"


def kept(tx: Tx, installation: Installation) -> None:
    """Settings are new or changed: tokens are asked for, or forgotten, by a job, where that is needed."""
    row = leases.find(tx, installation.id)
    if (row.connected if row else None) != _digest(office_of(installation).mailbox):
        jobs.add(tx, installation.account_id, JOB, installation.id)


def connect(visit: Visit, installation_id: str) -> None:
    """The job. Raises PeerError where the issuer can't be asked now."""
    try:
        installation = visit.tools.installations.get(installation_id)
    except Refused:
        return  # it was removed meanwhile
    mailbox = office_of(installation).mailbox
    digest = _digest(mailbox)
    with visit.runtime.read() as tx:
        row = leases.find(tx, installation_id)
    if (row.connected if row else None) == digest:
        return
    if mailbox is None or mailbox.oauth is None:
        visit.tools.tokens.disconnect(installation)
        _record(visit, installation_id, None, None)
        return
    _ask(visit, installation, mailbox.oauth, digest)


def _ask(visit: Visit, installation: Installation, given: Mapping[str, str], digest: str | None) -> None:
    try:
        visit.tools.tokens.connect(installation, issuer_of(given), grant_of(given))
    except Refused as refusal:
        _record(visit, installation.id, None, refusal.detail)
    except PeerError as error:
        is_over = error.kind == "rejected"  # to ask the same again would be of no use
        cure = (
            "set mailbox.oauth again" if is_over else "it is asked again by itself; if that stays so, see mailbox.oauth"
        )
        _record(visit, installation.id, None, f"There are no tokens for the mailbox: {error.detail}; {cure}.")
        if not is_over:
            raise
    else:
        _record(visit, installation.id, digest, None)
        _look_again(visit, installation.id)


def _look_again(visit: Visit, installation_id: str) -> None:
    """The settings may have changed while their issuer was asked, and another worker may have been quicker with the new ones."""
    with suppress(Refused):
        now = visit.tools.installations.get(installation_id)
        with visit.runtime.begin() as tx:
            kept(tx, now)


def issuer_of(given: Mapping[str, str]) -> Issuer:
    """Who issues the tokens. A scope is said whenever tokens are asked for: Microsoft's issuer wants it each time."""
    scope, secret = given.get("scope"), given.get("client_secret")
    more = {"scope": scope} if scope and "refresh_token" in given else {}
    return Issuer(given["token_url"], given["client_id"], secret, "basic" if secret else "none", scope, more)


def grant_of(given: Mapping[str, str]) -> Mapping[str, str] | None:
    """The fields that get the first tokens; None: the client's own credentials are all it takes (RFC 6749 section 4.4)."""
    token = given.get("refresh_token")
    return {"grant_type": "refresh_token", "refresh_token": token} if token else None


def _digest(mailbox: Mailbox | None) -> str | None:
    """Of all that tokens depend on (their secrets are drawn and long, so it gives none away); None where there is no OAuth."""
    if mailbox is None or mailbox.oauth is None:
        return None
    return hashlib.sha256(json.dumps(mailbox.oauth, sort_keys=True).encode()).hexdigest()


def _record(visit: Visit, installation_id: str, connected: str | None, refused: str | None) -> None:
    with visit.runtime.begin() as tx:
        leases.there(tx, installation_id)
        values = {"connected": connected, "refused": refused}
        tx.execute(update(mailboxes).where(mailboxes.c.installation_id == installation_id).values(**values))


CONNECT: Final = Task("connect", connect)
