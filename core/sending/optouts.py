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
from core.sending.replies import REMEMBERED_MS
from core.sending.windows import SYSTEM

REASON: Final = "opt-out page"
SOURCE: Final = "web"


def by_page(tx: Tx, number: int) -> None:
    """Never text this number again; again changes nothing. Each account that is bound is told, with the message that it had sent."""
    for scope, message_id in _writers(tx, number).items() or [(tx.rules.short_code, None)]:
        blacklist.add(tx, scope, number, REASON, SOURCE, message_id)


def _writers(tx: Tx, number: int) -> dict[str, str]:
    """The accounts that wrote to this number, in the order of their ids, each with its newest message. None is hidden by what others wrote."""
    left_at = func.coalesce(messages.c.sent_at, messages.c.status_at)
    newest_first = (left_at.desc(), messages.c.id.desc())
    place = func.row_number().over(partition_by=messages.c.account_id, order_by=newest_first).label("place")
    theirs = select(messages.c.account_id, messages.c.id, place).where(
        messages.c.number == number,
        messages.c.source != SYSTEM,
        or_(messages.c.charged, messages.c.status.in_(sorted(IN_DOUBT))),
        or_(messages.c.sender == tx.rules.short_code, messages.c.mention),
        left_at > tx.now - REMEMBERED_MS,
    )
    each = theirs.subquery()
    newest = select(each.c.account_id, each.c.id).where(each.c.place == 1).order_by(each.c.account_id)
    return {row.account_id: row.id for row in tx.all(newest)}
