"""Whose job is next. Accounts are found by going from one to the next in an index, however many jobs each of them has."""

from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, Text, func, literal, or_, select

from core.runtime import Tx
from core.schema import job_turns, jobs

LOOKED_AT: Final = 16  # accounts; all but the first ones are for when others claim at the same time
OPEN: Final = jobs.c.done_at.is_(None)


class Turn(NamedTuple):
    """Of an account that has a due job of this kind."""

    kind: str
    account_id: str


def in_turn(tx: Tx, kinds: Collection[str], each: int) -> Iterator[Turn]:
    """Who has the fewest leased jobs of these kinds first; then who had no turn for longest; then who waits longest.

    Left out are accounts with `each` leased ones, and those that another worker claims for just now.
    """
    if tx.one(select(jobs.c.id).where(*_free(tx)).order_by(jobs.c.due_at).limit(1)) is None:
        return  # as nearly always: nothing is due, of whatever kind
    for row in tx.all(_turns(tx, kinds, each)):
        if _locked(tx, row.account_id):
            yield Turn(row.kind, row.account_id)


def take(tx: Tx, turn: Turn, kinds: Collection[str], each: int) -> Row[Any] | None:
    """The job that has been due longest, locked; None where others took it, or the account has `each` by now."""
    account_id = literal(turn.account_id, jobs.c.account_id.type)
    theirs = _in_order(select(jobs), literal(turn.kind), account_id)
    due = theirs.where(*_free(tx), _leased(tx, kinds, account_id) < each)
    row = tx.one(due.limit(1).with_for_update(skip_locked=True))
    if row is not None:
        had = tx.upsert(job_turns).values(**turn._asdict(), at=tx.now)
        tx.execute(had.on_conflict_do_update(index_elements=["kind", "account_id"], set_={"at": tx.now}))
    return row


def another_waits(tx: Tx, account_id: str, kinds: Collection[str]) -> bool:
    """Whether a job is due of an account that has fewer leased ones than this one."""
    mine = int(tx.scalar(select(_leased(tx, kinds, literal(account_id, jobs.c.id.type)))))
    return tx.one(_turns(tx, kinds, mine)) is not None  # who has as many is not among them


def _turns(tx: Tx, kinds: Collection[str], each: int) -> Select[Any]:
    """One row an account and kind; https://wiki.postgresql.org/wiki/Loose_indexscan"""
    wanted = tx.values("kinds", {"kind": Text}, [(kind,) for kind in sorted(kinds)])
    following = jobs.alias("following")
    begins = select(following.c.account_id).where(following.c.done_at.is_(None), following.c.kind == wanted.c.kind)
    begin = begins.order_by(following.c.account_id).limit(1).correlate(wanted).scalar_subquery()
    walk = select(wanted.c.kind, begin.label("account_id")).cte("walk", recursive=True)
    here = walk.alias("here")
    goes_on = (following.c.kind == here.c.kind) & (following.c.account_id > here.c.account_id)
    onward = select(following.c.account_id).where(following.c.done_at.is_(None), goes_on)
    onward = onward.order_by(following.c.account_id).limit(1)
    step = onward.correlate(here).scalar_subquery()
    walk = walk.union_all(select(here.c.kind, step).where(here.c.account_id.is_not(None)))
    oldest = _in_order(select(jobs.c.due_at), walk.c.kind, walk.c.account_id).where(OPEN, _unleased(tx)).limit(1)
    had = select(job_turns.c.at).where(job_turns.c.kind == walk.c.kind, job_turns.c.account_id == walk.c.account_id)
    lines = select(
        *(walk.c.kind, walk.c.account_id),
        oldest.correlate(walk).scalar_subquery().label("due_at"),
        func.coalesce(had.correlate(walk).scalar_subquery(), 0).label("had_at"),
        _leased(tx, kinds, walk.c.account_id).label("leased"),
    )
    one = lines.where(walk.c.account_id.is_not(None)).subquery("one").c
    waiting = select(one.kind, one.account_id).where(one.due_at <= tx.now, one.leased < each)
    return waiting.order_by(one.leased, one.had_at, one.due_at).limit(LOOKED_AT)


def _in_order(wanted: Select[Any], kind: ColumnElement[str], account_id: ColumnElement[str]) -> Select[Any]:
    """Jobs of one kind and account, oldest first, by the index that has them in this order.

    Were the account said to be equal, PostgreSQL would as gladly walk all that is due until it meets one of its jobs.
    """
    theirs = (jobs.c.kind == kind, jobs.c.account_id >= account_id, jobs.c.account_id <= account_id)
    return wanted.where(*theirs).order_by(jobs.c.account_id, jobs.c.due_at)


def _free(tx: Tx) -> tuple[ColumnElement[bool], ...]:
    return OPEN, jobs.c.due_at <= tx.now, _unleased(tx)


def _unleased(tx: Tx) -> ColumnElement[bool]:
    return or_(jobs.c.lease_until.is_(None), jobs.c.lease_until <= tx.now)


def _leased(tx: Tx, kinds: Collection[str], account_id: ColumnElement[str]) -> ColumnElement[int]:
    """How many jobs of these kinds an account has leased."""
    other = jobs.alias("leased_job")
    leased = (other.c.done_at.is_(None), other.c.lease_until > tx.now, other.c.kind.in_(sorted(kinds)))
    counted: ColumnElement[int] = (
        select(func.count()).select_from(other).where(*leased, other.c.account_id == account_id).scalar_subquery()
    )
    return counted


def _locked(tx: Tx, account_id: str) -> bool:
    """Two workers do not claim for one account at once: each would see that it has none. SQLite has one writer."""
    if not tx.postgresql:
        return True
    key = func.hashtextextended(literal(f"jobs/{account_id}"), 0)
    return bool(tx.scalar(select(func.pg_try_advisory_xact_lock(key))))
