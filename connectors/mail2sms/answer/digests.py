"""Digests: one letter for each mail, once nothing more is to be heard of its messages, or after a day.

The sinks promise a job for a mail when one of its messages has come to an end; the job looks whether the others have too. A task finds those
that nothing was heard of.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Row, select, update

from connectors.contract import Visit
from connectors.mail2sms.answer.figures import NOTHING, Figures, figures, of_mail
from connectors.mail2sms.answer.letters import put
from connectors.mail2sms.settings import Office, office_of
from connectors.mail2sms.tables import mails
from core import Refused, Tx, jobs

JOB: Final = "mail2sms.digest"
MINUTE_MS: Final = 60_000  # so that changes come together
DAY_MS: Final = 24 * 3_600_000
PAGE: Final = 1000


def promise(tx: Tx, account_id: str, mail_id: str) -> None:
    """Look at a mail in a minute."""
    jobs.add(tx, account_id, JOB, mail_id, tx.now + MINUTE_MS)


def run(visit: Visit, subject: str) -> None:
    """The job of one mail; as a task, of all that were accepted a day ago."""
    if subject:
        look(visit, subject)
    else:
        find_overdue(visit)


def look(visit: Visit, mail_id: str) -> None:
    """Write its digest, if it is due; else look again later. It may be done twice."""
    with visit.runtime.read() as tx:
        mail = tx.one(select(mails).where(mails.c.id == mail_id, mails.c.state == "accepted"))
        rows = of_mail(tx, mail_id)
    if mail is None:
        return
    office = _office(visit, mail)
    found = figures(visit, office, rows) if office else NOTHING
    with visit.runtime.begin() as tx:
        age = tx.now - mail.state_at
        if found.scheduled:  # its day begins when it is sent
            tx.execute(update(mails).where(mails.c.id == mail_id).values(state_at=tx.now))
        elif found.open and age < DAY_MS:
            jobs.add(tx, mail.account_id, JOB, mail_id, tx.now + min(max(age, MINUTE_MS), DAY_MS - age))
        else:
            _close(tx, office, mail, found)


def find_overdue(visit: Visit) -> None:
    """Promise a look at mails that were accepted a day ago and have no end yet, the oldest first."""
    with visit.runtime.begin() as tx:
        old = (mails.c.state == "accepted") & (mails.c.state_at <= tx.now - DAY_MS)
        for row in tx.all(select(mails.c.id, mails.c.account_id).where(old).order_by(mails.c.state_at).limit(PAGE)):
            jobs.add(tx, row.account_id, JOB, row.id)


def _close(tx: Tx, office: Office | None, mail: Row[Any], found: Figures) -> None:
    """Its end: what became of it is told once, where that is news."""
    if office and mail.sender and found.news:
        put(tx, office, "digest", f"digest/{mail.id}", mail.sender, _facts(mail, found), mail.id)
    mine = (mails.c.id == mail.id) & (mails.c.state == "accepted")
    tx.execute(update(mails).where(mine).values(state="done", state_at=tx.now))


def _facts(mail: Row[Any], found: Figures) -> Mapping[str, Any]:
    told = {"counts": dict(found.counts), "failed": list(found.failed), "more": found.more}
    return about_row(mail) | told


def about_row(mail: Row[Any]) -> dict[str, Any]:
    """What a letter holds of the mail that it answers, as `letters.about`, out of the row that was kept of it."""
    refs = json.loads(mail.refs) if mail.refs else []
    return {"subject": mail.subject or "", "message_id": mail.message_id, "refs": refs, "quiet": bool(mail.quiet)}


def _office(visit: Visit, mail: Row[Any]) -> Office | None:
    """Whose it is; None where the installation is gone."""
    try:
        return office_of(visit.tools.installations.get(mail.installation_id))
    except Refused:
        return None
