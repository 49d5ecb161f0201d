"""Which process reads which mailbox, and how that goes: the rows of mail2sms_mailboxes.

A lease is for one process at a time. Should two have the same mailbox for a moment (one of them was paused), no harm is done: what was sent is
known by its keys, and a mail that is gone is no error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import structlog
from sqlalchemy import Row, func, or_, select, update

from connectors.mail2sms.tables import mailboxes
from core import Runtime, Tx, outages

LEASE_MS: Final = 30_000
RENEWED_MS: Final = 20_000  # of it are left when it is renewed

log = structlog.get_logger()


def held(runtime: Runtime, owner: str, wanted: Sequence[str], most: int) -> set[str]:
    """Of these mailboxes (ids of installations) the ones that this owner has from now on: those that it had, and free ones up to `most`."""
    with runtime.read() as tx:
        rows = _rows(tx, wanted)
        ours = {one for one, row in rows.items() if row.owner == owner}
        old = {one for one in ours if rows[one].lease_until < tx.now + RENEWED_MS}
        free = [one for one in wanted if one not in rows or (one not in ours and _is_free(rows[one], tx.now))]
    taken = free[: max(0, most - len(ours))]
    if not (old or taken):
        return ours
    with runtime.begin() as tx:
        for one in sorted(old.union(taken)):  # in the same order in every process
            _take(tx, owner, one)
        return {one for one, row in _rows(tx, wanted).items() if row.owner == owner}


def release(tx: Tx, owner: str, ids: Sequence[str]) -> None:
    """Others may have these from now on."""
    mine = tx.among(mailboxes.c.installation_id, ids) & (mailboxes.c.owner == owner)
    tx.execute(update(mailboxes).where(mine).values(owner=None, lease_until=0))


def begin_anew(tx: Tx, installation_id: str) -> None:
    """Its settings are others now: what was wrong with those before is over."""
    _change(tx, installation_id, trouble=None, failing_since=None)


def forget(tx: Tx, installation_id: str) -> None:
    """It has no mailbox any more: nothing is to be heard of it."""
    _change(tx, installation_id, heard_at=None, trouble=None, failing_since=None)


def there(tx: Tx, installation_id: str) -> None:
    """There is a row of this mailbox now."""
    new = tx.upsert(mailboxes).values(installation_id=installation_id, owner=None, lease_until=0)
    tx.execute(new.on_conflict_do_nothing(index_elements=["installation_id"]))


def find(tx: Tx, installation_id: str) -> Row[Any] | None:
    """The row of a mailbox."""
    return _rows(tx, [installation_id]).get(installation_id)


@dataclass(slots=True)
class Diary:
    """How reading one mailbox goes, written down for its health: what is wrong at once, that all is well every `every` seconds.

    A database that is away is no reason to stop reading: what is to be written is written the next time.
    """

    runtime: Runtime
    installation_id: str
    every: float
    _trouble: str | None = "unknown"  # as it was written last
    _written: float | None = None
    _taken: bool = False

    def heard(self, trouble: str | None = None, *, taken: bool = False) -> None:
        """The server answers; a mail was taken out; this is still wrong."""
        self._taken = self._taken or taken
        now = monotonic()
        if self._written is not None and trouble == self._trouble and now - self._written < self.every:
            return
        since = None if trouble is None else func.coalesce(mailboxes.c.failing_since, self.runtime.clock())
        at = self.runtime.clock()
        more = {"taken_at": at} if self._taken else {}
        if self._write(heard_at=at, trouble=trouble, failing_since=since, **more):
            self._trouble, self._written, self._taken = trouble, now, False

    def failing(self, sentence: str) -> None:
        """It can't be read now."""
        since = func.coalesce(mailboxes.c.failing_since, self.runtime.clock())
        if sentence != self._trouble and self._write(trouble=sentence, failing_since=since):
            self._trouble = sentence

    def _write(self, **values: Any) -> bool:
        try:
            with self.runtime.begin() as tx:
                _change(tx, self.installation_id, **values)
        except outages.ERRORS as error:
            if outages.of(error) is None:
                raise
            return False
        return True


def _rows(tx: Tx, ids: Sequence[str]) -> Mapping[str, Row[Any]]:
    if not ids:
        return {}
    found = tx.all(select(mailboxes).where(tx.among(mailboxes.c.installation_id, ids)))
    return {row.installation_id: row for row in found}


def _is_free(row: Row[Any], now: int) -> bool:
    return row.owner is None or row.lease_until <= now


def _take(tx: Tx, owner: str, installation_id: str) -> None:
    there(tx, installation_id)
    free = or_(mailboxes.c.owner.is_(None), mailboxes.c.owner == owner, mailboxes.c.lease_until <= tx.now)
    mine = {"owner": owner, "lease_until": tx.now + LEASE_MS}
    tx.execute(update(mailboxes).where(mailboxes.c.installation_id == installation_id, free).values(**mine))


def _change(tx: Tx, installation_id: str, **values: Any) -> None:
    tx.execute(update(mailboxes).where(mailboxes.c.installation_id == installation_id).values(**values))
