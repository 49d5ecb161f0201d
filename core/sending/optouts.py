"""Opt-outs on the public page: somebody has shown that a number is theirs, and names no account.

They bind whoever wrote to the number in the last 30 days, with a mention or from the shared code, as a STOP to it would; where nobody did,
everyone on the shared code.
"""

from typing import Final

from sqlalchemy import func, or_, select

from core.blacklist import entries as blacklist
from core.runtime import Tx
from core.schema import messages
from core.sending.message import IN_DOUBT
from core.sending.replies import LOOKED_AT, REMEMBERED_MS
from core.sending.windows import SYSTEM

REASON: Final = "opt-out page"
SOURCE: Final = "web"


def by_page(tx: Tx, number: int) -> None:
    """Never text this number again; again changes nothing. Each account that is bound is told, with the message that it had sent."""
    for scope, message_id in _writers(tx, number).items() or [(tx.rules.short_code, None)]:
        blacklist.add(tx, scope, number, REASON, SOURCE, message_id)


def _writers(tx: Tx, number: int) -> dict[str, str]:
    """The accounts that wrote to this number, in the order of their ids, each with its newest message."""
    left_at = func.coalesce(messages.c.sent_at, messages.c.status_at)
    theirs = select(messages.c.account_id, messages.c.id).where(
        messages.c.number == number,
        messages.c.source != SYSTEM,
        or_(messages.c.charged, messages.c.status.in_(sorted(IN_DOUBT))),
        or_(messages.c.sender == tx.rules.short_code, messages.c.mention),
        left_at > tx.now - REMEMBERED_MS,
    )
    newest = tx.all(theirs.order_by(left_at.desc(), messages.c.id.desc()).limit(LOOKED_AT))
    found = {row.account_id: row.id for row in reversed(newest)}  # the newest of each is the last to be said
    return dict(sorted(found.items()))
