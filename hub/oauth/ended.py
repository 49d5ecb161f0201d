"""What follows the end of a grant, by jobs: its connector is told (`oauth.grant_ended`), and the account where a token was stolen.

A connector that is told may take back at the other side what was set up here: Zapier pauses a Zap whose address it is sent a DELETE.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, Select, select

from core import Runtime, accounts, jobs, letters
from hub.hooks.tables import hooks
from hub.oauth.tables import oauth_clients, oauth_grants


@dataclass(frozen=True, slots=True)
class Ended:
    """A grant that has ended. `reason`: revoked, reused, client, user, expired. `urls`: where the hooks posted to that went with it."""

    grant_id: str
    account_id: str
    connector: str
    reason: str
    urls: Sequence[str] = field(repr=False)


Tell = Callable[[Runtime, Ended], None]  # may be called twice; a PeerError has it called again later


def work(listening: Mapping[str, Tell]) -> jobs.Work:
    """The job `oauth.grant_ended`; `listening`: who wants to know, by the name of a connector."""

    def tell(runtime: Runtime, job: jobs.Job) -> None:
        ended = read(runtime, job.subject_id)
        if ended is not None and (listener := listening.get(ended.connector)) is not None:
            listener(runtime, ended)

    return tell


def read(runtime: Runtime, grant_id: str) -> Ended | None:
    """What there is to tell; None for a grant of no connector, and for one that was swept away."""
    with runtime.read() as tx:
        row = tx.one(_grant(grant_id))
        if row is None or row.ended_at is None or row.connector is None:
            return None
        theirs = select(hooks.c.url).where(hooks.c.grant_id == grant_id, hooks.c.disabled_at >= row.ended_at)
        urls = [hook.url for hook in tx.all(theirs.order_by(hooks.c.id))]
    return Ended(grant_id, row.account_id, row.connector, row.ended_reason, urls)


def send_mail(runtime: Runtime, grant_id: str, public_url: str) -> None:
    """The job `mail.grant_reused`: tell the account that a code or token was used twice."""
    with runtime.read() as tx:
        row = tx.one(_grant(grant_id))
        name = accounts.get(tx, row.account_id).name if row else ""
    if row is not None:
        letters.tell(
            runtime, row.account_id, f"An application was locked out: {row.name}", _letter(row, name, public_url)
        )


def _grant(grant_id: str) -> Select[Any]:
    of_client = oauth_grants.join(oauth_clients, oauth_clients.c.id == oauth_grants.c.client_id)
    wanted = select(oauth_grants, oauth_clients.c.connector, oauth_clients.c.name)
    return wanted.select_from(of_client).where(oauth_grants.c.id == grant_id)


def _letter(row: Row[Any], account: str, public_url: str) -> str:
    return (
        f"A code or token of the application {row.name}, which acted for {account}, was used twice. Either the application\n"
        "is at fault, or somebody stole it. So the application was locked out: what it had opens nothing any more, and\n"
        "the webhooks that it made are gone.\n\n"
        "Look at what was sent lately. If all is well, connect the application again. What else may act for the account:\n\n"
        f"{public_url}/console/apps\n"
    )
