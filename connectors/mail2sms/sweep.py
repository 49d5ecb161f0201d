"""What is kept for how long: mails and letters ninety days; that something was sent, without who and whom, for four hundred, so that it is

never sent twice. What nobody confirmed in a week is dropped.
"""

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Table, delete, select, update

from connectors.contract import Task, Visit
from connectors.mail2sms.decide import rows, sendings
from connectors.mail2sms.mail import Wrong
from connectors.mail2sms.tables import NAMED, letters, mails, tokens
from connectors.mail2sms.tables import sendings as sent
from core import Runtime, Tx

DAY_MS: Final = 24 * 3600 * 1000
KEEP_MS: Final = 90 * DAY_MS
KEEP_KEYS_MS: Final = 400 * DAY_MS
KEEP_TOKENS_MS: Final = 30 * DAY_MS  # after their end: until then they are told to be over, and later to be unknown
HOLD_MS: Final = 7 * DAY_MS
PAGE: Final = 500  # rows of one transaction
_UNDONE: Final = ("accepted", "held")  # who looks after them will close them


def sweep(visit: Visit, _subject: str) -> None:
    """A page after the other, each in its own transaction."""
    for step in (_expire, _forget_mails, _forget_letters, _forget_people, _forget_keys, _forget_tokens):
        _until_done(visit.runtime, step)


def _until_done(runtime: Runtime, step: Callable[[Tx], int]) -> None:
    while True:
        with runtime.begin() as tx:
            if step(tx) < PAGE:
                return


def _expire(tx: Tx) -> int:
    """Held mails whose sender said nothing."""
    over = select(mails.c.id).where(mails.c.state == "held", mails.c.state_at < tx.now - HOLD_MS)
    found = tx.all(over.order_by(mails.c.state_at).limit(PAGE))
    for row in found:
        if rows.locked(tx, row.id).state == "held":  # else its sender said something just now
            sendings.drop(tx, row.id)
            rows.close(tx, row.id, "rejected", Wrong("confirm_over"))
    return len(found)


def _forget_mails(tx: Tx) -> int:
    return _delete(tx, mails, mails.c.created_at, KEEP_MS, mails.c.state.not_in(_UNDONE))


def _forget_letters(tx: Tx) -> int:
    return _delete(tx, letters, letters.c.created_at, KEEP_MS)


def _forget_people(tx: Tx) -> int:
    old = _oldest(tx, sent, sent.c.created_at, KEEP_MS, NAMED)
    tx.execute(update(sent).where(tx.among(sent.c.id, old)).values(sender="", number=None))
    return len(old)


def _forget_keys(tx: Tx) -> int:
    return _delete(tx, sent, sent.c.created_at, KEEP_KEYS_MS)


def _forget_tokens(tx: Tx) -> int:
    return _delete(tx, tokens, tokens.c.expires_at, KEEP_TOKENS_MS)


def _delete(tx: Tx, table: Table, at: ColumnElement[int], keep_ms: int, *more: ColumnElement[bool]) -> int:
    old = _oldest(tx, table, at, keep_ms, *more)
    tx.execute(delete(table).where(tx.among(table.c.id, old)))
    return len(old)


def _oldest(tx: Tx, table: Table, at: ColumnElement[int], keep_ms: int, *more: ColumnElement[bool]) -> Sequence[str]:
    """The ids of a page of rows that are older than they are kept."""
    return [row.id for row in tx.all(select(table.c.id).where(at < tx.now - keep_ms, *more).order_by(at).limit(PAGE))]


SWEEP: Final = Task("sweep", sweep, every_s=3600)
