"""What is mailed to people who want to come in, in their language: the job `mail.link`."""

from typing import Final

from core import Runtime, accounts, jobs
from hub.console import language
from hub.people import links
from hub.people.links import INVITATION, RESET, Link
from hub.settings import Settings


def write(runtime: Runtime, job: jobs.Job, settings: Settings) -> None:
    """Mail a link that was promised; nothing where it is over meanwhile. Raises PeerError when the mail server fails."""
    drawn = links.draw(runtime, job.subject_id)
    if drawn is None or runtime.mail is None:
        return
    link, secret = drawn
    with runtime.read() as tx:
        known = links.is_known(tx, link.email)
        name = accounts.get(tx, link.account_id).name if link.account_id else ""
    if link.purpose == RESET and not known:
        return  # nobody is reminded of a hub that they do not use
    address = settings.public_url
    if link.purpose == RESET or not known:
        address = f"{address}/console/link/{secret}"
    key = link.purpose if link.purpose == RESET or not known else f"{link.purpose}_known"
    said = {"url": address, "hub": settings.public_url, "account": name, "role": _role(link), "hours": _hours(link)}
    runtime.mail.send(
        link.email,
        language.plain(link.language, f"mail.{key}.subject", **said),
        language.plain(link.language, f"mail.{key}.body", **said),
    )


def _role(link: Link) -> str:
    return language.words(link.language)[f"role.{link.role}"] if link.purpose == INVITATION else ""


def _hours(link: Link) -> int:
    return (link.ends_at - link.created_at) // _HOUR_MS


_HOUR_MS: Final = 3_600_000
