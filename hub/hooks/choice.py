"""Which delivery is posted next: of the hook whose turn it is, the oldest that is due.

The statements are made once: making them took longer than running them.
"""

from typing import Any, Final

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Row,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
)

from core import Tx
from hub.hooks.tables import deliveries, hooks

IN_FLIGHT: Final = 4
BURST_MS: Final = 1000

_NOW: Final = bindparam("now", type_=BigInteger)
_LATE: Final = bindparam("late", type_=BigInteger)
_DOUBTFUL: Final = bindparam("doubtful", type_=BigInteger)
_PENDING: Final = deliveries.c.due_at.is_not(None)
_LEASED: Final = and_(deliveries.c.lease_until.is_not(None), deliveries.c.lease_until > _NOW)


def next_hook(tx: Tx, doubtful: int, late_ms: int) -> Row[Any] | None:
    """Of the hooks that have something due, the one that was served longest ago, locked.

    doubtful: how many posts to doubtful hooks may be under way. late_ms: what is left of a lease when its post is late.
    """
    return tx.one(_NEXT_HOOK, {"now": tx.now, "doubtful": doubtful, "late": tx.now + late_ms})


def next_delivery(tx: Tx, hook_id: str) -> Row[Any] | None:
    """Its oldest delivery that is due, locked; None where somebody else has it."""
    return tx.one(_NEXT_DELIVERY, {"now": tx.now, "hook_id": hook_id})


def _next_hook() -> Select[Any]:
    waiting = _waiting_hooks()
    mine = deliveries.c.hook_id == hooks.c.id
    # The first by its time, not EXISTS: without fresh statistics PostgreSQL would read all that is due to answer that.
    first = select(deliveries.c.due_at).where(mine, _PENDING).order_by(deliveries.c.due_at).limit(1)
    something = first.correlate(hooks).scalar_subquery() <= _NOW
    ready = and_(hooks.c.disabled_at.is_(None), hooks.c.paced_at <= _NOW + BURST_MS, hooks.c.held_until <= _NOW)
    trusted = or_(hooks.c.prompt, _doubtful_under_way() < _DOUBTFUL)
    chosen = select(hooks).join(waiting, waiting.c.hook_id == hooks.c.id).where(ready, something, _free(mine), trusted)
    return chosen.order_by(hooks.c.paced_at, hooks.c.id).limit(1).with_for_update(of=hooks, skip_locked=True)


def _free(mine: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a hook may have one more post under way. A late one counts as many: whoever hangs just now is asked no more."""
    weight = case((deliveries.c.lease_until <= _LATE, IN_FLIGHT), else_=1)
    under_way = select(func.coalesce(func.sum(weight), 0)).where(mine, _LEASED).correlate(hooks).scalar_subquery()
    return under_way < case((hooks.c.prompt, IN_FLIGHT), else_=1)


def _waiting_hooks() -> CTE:
    """Ids of the hooks that have something pending: a walk that jumps from one to the next, however much each has."""
    pending = select(deliveries.c.hook_id).where(_PENDING).order_by(deliveries.c.hook_id).limit(1)
    walk = select(pending.scalar_subquery().label("hook_id")).cte("waiting", recursive=True)
    following = pending.where(deliveries.c.hook_id > walk.c.hook_id).correlate(walk).scalar_subquery()
    return walk.union_all(select(following).where(walk.c.hook_id.is_not(None)))


def _doubtful_under_way() -> ScalarSelect[int]:
    """Posts that hold a thread and may hold it long; late ones hold none any more."""
    other = hooks.alias("others")
    leased = select(func.count()).select_from(deliveries.join(other, other.c.id == deliveries.c.hook_id))
    holding = leased.where(_LEASED, deliveries.c.lease_until > _LATE, ~other.c.prompt)
    return holding.correlate(None).scalar_subquery()


_NEXT_HOOK: Final = _next_hook()
_NEXT_DELIVERY: Final = (
    select(deliveries)
    .where(_PENDING, deliveries.c.due_at <= _NOW, deliveries.c.hook_id == bindparam("hook_id"))
    .order_by(deliveries.c.due_at)
    .limit(1)
    .with_for_update(skip_locked=True)
)
