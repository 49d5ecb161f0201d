"""Single messages go together: a window that is not full takes what waits in other chunks of its account, purpose and carrier.

Each message that is asked for by itself has a chunk of its own. With a window a chunk, a lane would wait for its carrier once a
message: at a tenth of a second an answer, that is ten messages a second, however fast the carrier is.
"""

from functools import cache
from typing import Any, Final

from sqlalchemy import (
    CTE,
    BigInteger,
    Row,
    Select,
    TableValuedAlias,
    Text,
    UpdateBase,
    bindparam,
    column,
    exists,
    func,
    select,
    true,
    update,
)

from core.prepared import among, array, listed
from core.runtime import Tx
from core.schema import Id, chunks, messages
from core.sending import chunks as queue

MOST: Final = 200  # chunks that are looked at


def fold(tx: Tx, chunk: Row[Any], most: int, after: str) -> int:
    """Move up to `most` messages that are queued in the account's other chunks into this one, where none waits `after` that message;
    how many. Chunks that are empty then are done.

    A campaign's messages stay where they are: its chunks are full. A message that somebody holds, perhaps to call it off, stays too.
    """
    if chunk.campaign_id is not None or most < 1 or tx.tuples(_WAITING, {"this": chunk.id, "after": after}):
        return 0
    given = {
        "at_carrier": chunk.carrier,
        "of_purpose": chunk.purpose,
        "of_account": chunk.account_id,
        "this": chunk.id,
        "now": tx.now,
    }
    others = [id_ for (id_,) in tx.tuples(_OTHERS, given)]
    if not others:
        return 0
    these = listed(tx, others)
    moved = tx.tuples(_moving(tx.postgresql), {"others": these, "most": most, "this": chunk.id})
    if moved:
        tx.connection.execute(_emptied(tx.postgresql), {"others": these})
        _sooner(tx, chunk, min(expires_at for (expires_at,) in moved))
    return len(moved)


def _sooner(tx: Tx, chunk: Row[Any], expires_at: int) -> None:
    """Not all that came may fit into the window: what is left behind expires here. Whoever folds has locked the chunk already."""
    if expires_at < chunk.expires_at:
        tx.connection.execute(_LOWERING, {"this": chunk.id, "first": expires_at})


_LOWERING: Final = (
    update(chunks)
    .where(chunks.c.id == bindparam("this", type_=Id()))
    .values(expires_at=bindparam("first", type_=BigInteger()))
)


_WAITING: Final = (
    select(messages.c.id)
    .where(
        messages.c.chunk_id == bindparam("this", type_=Id()),
        messages.c.id > bindparam("after", type_=Id()),
        messages.c.status == "queued",
    )
    .limit(1)
)


def _others() -> Select[Any]:
    now = bindparam("now", type_=BigInteger())
    theirs = (
        queue.SENDABLE,
        chunks.c.carrier == bindparam("at_carrier", type_=Text()),
        chunks.c.purpose == bindparam("of_purpose", type_=Text()),
        chunks.c.account_id == bindparam("of_account", type_=Id()),
        chunks.c.due_at <= now,
        chunks.c.lease_until <= now,
        chunks.c.campaign_id.is_(None),
        chunks.c.id != bindparam("this", type_=Id()),
    )
    oldest = select(chunks.c.id).where(*theirs).order_by(chunks.c.due_at, chunks.c.id).limit(MOST)
    return oldest.with_for_update(skip_locked=True)


_OTHERS: Final = _others()


@cache
def _moving(postgresql: bool) -> UpdateBase:
    going = messages.c.id.in_(select(_free(postgresql).c.id))
    return update(messages).where(going).values(chunk_id=bindparam("this", type_=Id())).returning(messages.c.expires_at)


def _free(postgresql: bool) -> CTE:
    """The first messages in the chunks, a chunk after the other: PostgreSQL reads and sorts all messages for a list of chunks where its
    statistics, made when nothing waited, say that few are queued.
    """
    most = bindparam("most", type_=BigInteger())
    queued = select(messages.c.id).where(messages.c.status == "queued").limit(most).with_for_update(skip_locked=True)
    if not postgresql:
        theirs = among(messages.c.chunk_id, "others", Id, postgresql=False)
        return queued.where(theirs).order_by(messages.c.chunk_id, messages.c.id).cte("free")
    each = _each()
    first = queued.where(messages.c.chunk_id == each.c.id).order_by(messages.c.id).lateral("first")
    return select(first.c.id).select_from(each.join(first, true())).limit(most).cte("free").prefix_with("MATERIALIZED")


def _each() -> TableValuedAlias:
    """The list as rows. From a query of its own it is read once, not with each row that is compared, and counts as short: for a plan
    that seems dear PostgreSQL writes a program (JIT), which takes longer than the plan does.
    """
    given = select(array("others", Id)).scalar_subquery()
    return func.unnest(given).table_valued(column("id", Id())).render_derived("each")


@cache
def _emptied(postgresql: bool) -> UpdateBase:
    """Their messages are all gone: nobody waits for a receipt of a message in here."""
    empty = ~exists().where(messages.c.chunk_id == chunks.c.id)
    mine = chunks.c.id == _each().c.id if postgresql else among(chunks.c.id, "others", Id, postgresql=False)
    return update(chunks).where(mine, empty).values(owner=None, lease_until=0, status="done")
