"""Idempotency keys: a request that was answered is answered the same again, and its work is not done twice.

The row commits in the transaction of the work, so there is never one without the other. While a transaction is at it, PostgreSQL
holds an advisory lock on the key; SQLite has one writer, and the hub's own process tells who is at what. Behind both stands the
primary key: of two that work at once, one commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Row, Text, delete, func, select

from core.errors import Refused
from core.runtime import Tx
from core.schema import Id, idempotency

KEEP_MS: Final = 7 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request that carries a key. `fingerprint` tells the same request from another: a digest of method, path and body."""

    account_id: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered before: an HTTP status, and the text of the body."""

    status: int
    body: str


def find(tx: Tx, keyed: Keyed) -> Answered | None:
    """What this request was answered before; None the first time. In a write transaction it also takes the key until the end.

    Refuses `idempotency_conflict` where the key belongs to another request, `idempotency_in_progress` where another works at it.
    """
    found = find_many(tx, [keyed])[0]
    if isinstance(found, Refused):
        raise found
    return found


def find_many(tx: Tx, requests: Sequence[Keyed]) -> list[Answered | Refused | None]:
    """`find` for many requests at once (a group commit), in their order; a refusal is an item, so that it does not fail its neighbours."""
    if not requests:
        return []
    taken = _taken(tx, requests)
    wanted = tx.values("wanted", {"account_id": Id, "key": Text}, [(one.account_id, one.key) for one in requests])
    same = (idempotency.c.account_id == wanted.c.account_id) & (idempotency.c.key == wanted.c.key)
    rows = {(row.account_id, row.key): row for row in tx.all(select(idempotency).join(wanted, same))}
    return [
        busy() if place in taken else _judged(one, rows.get((one.account_id, one.key)))
        for place, one in enumerate(requests)
    ]


def keep(tx: Tx, keyed: Keyed, answered: Answered) -> None:
    """Remember the answer, in the transaction of the work."""
    keep_many(tx, [(keyed, answered)])


def keep_many(tx: Tx, pairs: Sequence[tuple[Keyed, Answered]]) -> None:
    """Remember the answers of a group commit."""
    rows = [
        {
            "account_id": one.account_id,
            "key": one.key,
            "fingerprint": one.fingerprint,
            "status": answered.status,
            "body": answered.body,
        }
        for one, answered in pairs
    ]
    if rows:  # not by tx.insert: whoever was slower is to get SQLAlchemy's IntegrityError, the same on both databases
        tx.execute(idempotency.insert().values(created_at=tx.now), rows)


def prune(tx: Tx, rows: int = 1000) -> int:
    """Forget some answers older than seven days; how many. Called until it is 0: `rows` at a time (more where they were made at the same moment)."""
    old = idempotency.c.created_at < tx.now - KEEP_MS
    last = select(idempotency.c.created_at).where(old).order_by(idempotency.c.created_at).offset(rows - 1).limit(1)
    upto = tx.scalar(last)
    return tx.execute(delete(idempotency).where(old if upto is None else idempotency.c.created_at <= upto))


def busy() -> Refused:
    """The refusal of a request whose key is being worked on."""
    detail = "A request with this Idempotency-Key is being worked on: wait a moment and ask again for its answer."
    return Refused("idempotency_in_progress", detail)


def _judged(keyed: Keyed, row: Row[Any] | None) -> Answered | Refused | None:
    if row is None:
        return None
    if row.fingerprint != keyed.fingerprint:
        detail = "This Idempotency-Key was used for another request: send the same request, or take a new key."
        return Refused("idempotency_conflict", detail)
    return Answered(row.status, row.body)


def _taken(tx: Tx, requests: Sequence[Keyed]) -> set[int]:
    """Places of those that are at work elsewhere, or stand earlier among these."""
    names = [f"{one.account_id}/{one.key}" for one in requests]
    first = {name: place for place, name in reversed(list(enumerate(names)))}
    repeated = {place for place, name in enumerate(names) if first[name] != place}
    if not tx.postgresql:
        return repeated
    # Before the rows are read, and in a statement of its own: the next one sees what the last holder of the lock committed.
    asked = tx.values("asked", {"place": BigInteger, "name": Text}, list(enumerate(names)))
    locked = func.pg_try_advisory_xact_lock(func.hashtextextended(asked.c.name, 0))
    return repeated | {row.place for row in tx.all(select(asked.c.place, locked.label("locked"))) if not row.locked}
