"""Whose facts are relayed next. Fair: accounts take turns, however much one of them has waiting.

A turn is shared out among the accounts that have something due, in an order drawn anew each time: so nobody needs to remember who was
served last, and processes that relay at once seldom want the same. One account's backlog of a million facts costs another account's
fact the turn that is under way, and that is short: TURN_BYTES of facts.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import accumulate, chain, islice, zip_longest
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Row, Select, bindparam, func, select, true

from core import Tx, prepared, schema

TURN_ROWS: Final = 200  # of the outbox: single messages are one row each
TURN_BYTES: Final = 200_000  # of payload, some thousand facts: what one turn may keep the others waiting for

Sample = Callable[[Sequence[str], int], list[str]]
_outbox = schema.outbox
_UNTOLD: Final = _outbox.c.relayed_at.is_(None)


class Drawn(NamedTuple):
    """Rows of the outbox without their payloads, and whether some account had its full share of them: then there may be more."""

    rows: Sequence[Row[Any]]
    full: bool


def draw(tx: Tx, sample: Sample, limit: int = TURN_ROWS) -> Drawn:
    """Some rows that are due, each account's oldest first, locked; rows that another transaction has are left to it.

    They stand in turns: everybody's first, then everybody's second. sample: draws so many of the accounts by chance, in any order
    (random.sample).
    """
    waiting = [row[0] for row in tx.tuples(_WAITING) if row[0] is not None]
    if not waiting:
        return Drawn((), full=False)
    served = sample(waiting, min(limit, len(waiting)))
    share = -(-limit // len(served))
    given = prepared.rows(tx, "served", _SERVED, [(one,) for one in served]) | {"share": share, "now": tx.now}
    found = tx.all(_oldest(tx.postgresql), given)
    full = share in Counter(row.account_id for row in found).values()
    return Drawn(list(islice(_by_turns(found, served), limit)), full)


def within(rows: Sequence[Row[Any]]) -> list[str]:
    """Ids of as many of them as fit into a turn; the first one always does."""
    upto = accumulate(row.size for row in rows)
    return [row.id for place, (row, size) in enumerate(zip(rows, upto, strict=True)) if not place or size <= TURN_BYTES]


def read(tx: Tx, ids: Sequence[str]) -> Sequence[Row[Any]]:
    """The rows themselves, in this order."""
    rows = {row.id: row for row in tx.all(select(_outbox).where(tx.among(_outbox.c.id, ids)))}
    return [rows[id_] for id_ in ids]


def _waiting_accounts() -> Select[Any]:
    """Ids of the accounts that have something waiting, and a None: a walk that jumps from one to the next, however much each has."""
    first = select(_outbox.c.account_id).where(_UNTOLD).order_by(_outbox.c.account_id).limit(1)
    walk = select(first.scalar_subquery().label("account_id")).cte("waiting", recursive=True)
    following = first.where(_outbox.c.account_id > walk.c.account_id).correlate(walk).scalar_subquery()
    return select(walk.union_all(select(following).where(walk.c.account_id.is_not(None))))


_WAITING: Final = _waiting_accounts()


_SERVED: Final[prepared.Columns] = {"account_id": schema.Id}


@cache
def _oldest(postgresql: bool) -> Select[Any]:
    """The first `share` rows of each account that are due: id, account, type, time, and bytes of payload, which stays where it is."""
    served = prepared.table("served", _SERVED, postgresql=postgresql)
    share, now = (bindparam(name, type_=BigInteger()) for name in ("share", "now"))
    mine = _outbox.alias("mine")
    due = (mine.c.account_id == served.c.account_id, mine.c.relayed_at.is_(None), mine.c.due_at <= now)
    if not postgresql:
        ids = select(mine.c.id).where(*due).order_by(mine.c.due_at, mine.c.id).limit(share).correlate(served)
        size = func.length(_outbox.c.payload).label("size")
        shown = (_outbox.c.id, _outbox.c.account_id, _outbox.c.type, _outbox.c.due_at, size)
        return select(*shown).select_from(served.join(_outbox, _outbox.c.id.in_(ids)))
    size = func.octet_length(mine.c.payload).label("size")
    first = select(mine.c.id, mine.c.account_id, mine.c.type, mine.c.due_at, size).where(*due)
    first = first.order_by(mine.c.due_at, mine.c.id).limit(share).with_for_update(skip_locked=True)
    rows = first.lateral("oldest")
    return select(rows).select_from(served.join(rows, true()))


def _by_turns(sizes: Sequence[Row[Any]], account_ids: Sequence[str]) -> Iterable[Row[Any]]:
    """Everybody's first, then everybody's second, and so on."""
    of_account: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in sorted(sizes, key=lambda row: (row.due_at, row.id)):
        of_account[row.account_id].append(row)
    rounds = zip_longest(*(of_account[account_id] for account_id in account_ids))
    return (row for row in chain.from_iterable(rounds) if row is not None)
