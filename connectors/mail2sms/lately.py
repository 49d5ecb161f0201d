"""What came in lately, for the people of an account; and what waits, for whoever watches the hub."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, func, select

from connectors.contract import Gauge, Happening, Installation
from connectors.mail2sms.mail import OPEN, TURNED_AWAY
from connectors.mail2sms.tables import UNSENT, letters, mailboxes, mails
from core import Tx

WAITING: Final = (*sorted(OPEN), "held")


def recent(tx: Tx, installation: Installation, most: int) -> Sequence[Happening]:
    """The newest mails, without what they say."""
    mine = select(mails).where(mails.c.installation_id == installation.id)
    return [_happened(row) for row in tx.all(mine.order_by(mails.c.id.desc()).limit(most))]


def _happened(row: Row[Any]) -> Happening:
    what = f"Mail from {row.sender}" if row.sender else "Mail"
    return Happening(row.created_at, what, outcome(row), well=row.state not in TURNED_AWAY)


def outcome(row: Row[Any]) -> str:
    """What became of a mail, in a few words."""
    people = f"{row.recipients} recipient{'' if row.recipients == 1 else 's'}"
    if row.state in ("accepted", "done") and row.recipients:
        return f"{row.state}, {people}"
    return f"{row.state}: {row.detail}" if row.detail else str(row.state)


def waiting(tx: Tx) -> Mapping[str, float]:
    """How many mails wait in each state in which they should not for long."""
    counted = select(mails.c.state, func.count().label("mails")).where(mails.c.state.in_(WAITING))
    return dict.fromkeys(WAITING, 0.0) | {row.state: row.mails for row in tx.all(counted.group_by(mails.c.state))}


def heard(tx: Tx) -> Mapping[str, float]:
    """How long ago each mailbox was last heard of, also where no process reads it any more; since it fails, where nothing was heard yet."""
    at = func.coalesce(mailboxes.c.heard_at, mailboxes.c.failing_since)
    read = select(mailboxes.c.installation_id, at.label("at")).where(at.is_not(None))
    return {row.installation_id: max(0.0, (tx.now - row.at) / 1000) for row in tx.all(read)}


def letters_waiting(tx: Tx) -> Mapping[str, float]:
    """How many letters are to be mailed, by kind."""
    counted = select(letters.c.kind, func.count().label("letters")).where(UNSENT).group_by(letters.c.kind)
    return {row.kind: row.letters for row in tx.all(counted)}


GAUGES: Final = (
    Gauge("smshub_mail2sms_waiting", "Mails that wait, by state.", "state", waiting),
    Gauge(
        "smshub_mail2sms_mailbox_heard_seconds_ago",
        "How long ago the mail server of a mailbox last answered.",
        "installation",
        heard,
    ),
    Gauge("smshub_mail2sms_letters_waiting", "Letters that are still to be mailed, by kind.", "kind", letters_waiting),
)
