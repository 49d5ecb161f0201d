"""One page ahead: while a page of a campaign is written, the next is read, composed and drawn for COPY, so that Python and the database
work at once.

What is read ahead is a suggestion. Whoever writes it looks, under the campaign's lock, whether it begins where the campaign stands
and has the terms of the account as they are now, and otherwise reads again.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

from sqlalchemy import Row, select

from core import accounts
from core.accounts import Account
from core.errors import Refused
from core.runtime import Runtime, Tx
from core.schema import campaigns
from core.sending import births, pages, recipients
from core.sending import campaigns as book
from core.sending.pages import Composed
from core.sending.terms import Terms, settle


class Ahead:
    """At most one page of one campaign, whose first is of `size`. Used by one thread, which reads with another."""

    def __init__(self, runtime: Runtime, campaign_id: str, size: int) -> None:
        self.size = size
        self._runtime = runtime
        self._campaign_id = campaign_id
        self._threads = ThreadPoolExecutor(1, "campaign-ahead")
        self._page: Future[Composed | None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def start(self, after: int, size: int) -> None:
        """Begin to read the page of so many after this number."""
        self._page = self._threads.submit(_read, self._runtime, self._campaign_id, after, size)

    def take(self) -> Composed | None:
        """The page that was begun, waited for; None when there is none."""
        page, self._page = self._page, None
        return page.result() if page else None


def _read(runtime: Runtime, campaign_id: str, after: int, size: int) -> Composed | None:
    """None where the campaign is gone or its terms are refused: whoever writes finds the same, and says so."""
    with runtime.read() as tx:
        row = tx.one(select(campaigns).where(campaigns.c.id == campaign_id))
        if row is None:
            return None
        try:
            account = accounts.get(tx, row.account_id)
            return page_of(tx, account, row, terms_of(tx, account, row), after, size)
        except Refused:
            return None


def terms_of(tx: Tx, account: Account, row: Row[Any]) -> Terms:
    """The terms of an accepted campaign, by the rules of its account as they are now."""
    stop = book.stop_of(account, row)
    return settle(tx, account, text=row.text, sender=row.sender, purpose=row.purpose, stop=stop, merge=True)


def page_of(tx: Tx, account: Account, row: Row[Any], terms: Terms, after: int, size: int) -> Composed:
    """The campaign's next page, ready to be written: explicit recipients first, then the groups in their order."""
    groups = [recipients.in_group(tx, group_id) for group_id in book.groups_of(row)]
    return births.named(tx, pages.read(tx, account, terms, [recipients.stored(tx, row.id), *groups], after, size))
