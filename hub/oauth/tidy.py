"""Clearing up, a page at a time: what is too old opens nothing, but lies in the way."""

from typing import Final

from sqlalchemy import Column, ColumnElement, Table, and_, delete, exists, func, or_, select, update

from core import Runtime, Tx, schema
from hub.hooks.tables import hooks
from hub.oauth import grants
from hub.oauth.tables import oauth_clients, oauth_codes, oauth_grants, oauth_tokens
from hub.oauth.tokens import GRACE_MS

PAGE: Final = 500
DAY_MS: Final = 24 * 3_600_000
KEPT_MS: Final = 30 * DAY_MS  # for which a grant that has ended is known
SYSTEM: Final = "system"


def tidy(runtime: Runtime) -> int:
    """A page of each: dead tokens, successors that nobody may have any more, grants that lead nowhere, and ended ones; how many rows."""
    with runtime.begin() as tx:
        return _drop_tokens(tx) + _forget_successors(tx) + _end_orphans(tx) + _end_unused(tx) + _drop_ended(tx)


def _drop_tokens(tx: Tx) -> int:
    return _delete(tx, oauth_tokens, oauth_tokens.c.digest, oauth_tokens.c.ends_at <= tx.now, oauth_tokens.c.ends_at)


def _forget_successors(tx: Tx) -> int:
    past = oauth_tokens.c.successor.is_not(None) & (oauth_tokens.c.spent_at < tx.now - GRACE_MS)
    page = select(oauth_tokens.c.digest).where(past).order_by(oauth_tokens.c.spent_at).limit(PAGE)
    return tx.execute(
        update(oauth_tokens).where(oauth_tokens.c.digest.in_(page.scalar_subquery())).values(successor=None)
    )


def _end_orphans(tx: Tx) -> int:
    """Those whose person left, and those whose client was deleted."""
    known = exists().where(
        schema.users.c.id == oauth_grants.c.user_id, schema.users.c.account_id == oauth_grants.c.account_id
    )
    left = oauth_grants.c.user_id.is_not(None) & ~known
    gone = exists().where(oauth_clients.c.id == oauth_grants.c.client_id, oauth_clients.c.deleted_at.is_not(None))
    mine = select(oauth_grants.c.id, left.label("left")).where(oauth_grants.c.ended_at.is_(None), or_(left, gone))
    found = tx.all(mine.order_by(oauth_grants.c.id).limit(PAGE))
    return sum(grants.end(tx, row.id, "user" if row.left else "client", SYSTEM) for row in found)


def _end_unused(tx: Tx) -> int:
    """Those whose last token has ended. One with hooks goes on, since events still go out for it: it is looked at again in a day."""
    over = oauth_grants.c.ended_at.is_(None) & (oauth_grants.c.ends_at <= tx.now)
    found = [
        row.id for row in tx.all(select(oauth_grants.c.id).where(over).order_by(oauth_grants.c.ends_at).limit(PAGE))
    ]
    living = and_(hooks.c.grant_id.in_(found), func.coalesce(hooks.c.disabled_reason, "") != "deleted")
    useful = {row.grant_id for row in tx.all(select(hooks.c.grant_id).where(living).distinct())}
    tx.execute(update(oauth_grants).where(oauth_grants.c.id.in_(useful)).values(ends_at=tx.now + DAY_MS))
    return sum(grants.end(tx, grant_id, "expired", SYSTEM) for grant_id in found if grant_id not in useful)


def _drop_ended(tx: Tx) -> int:
    """With their codes and tokens. A client by itself stays shut out as long as it is registered."""
    old = oauth_grants.c.ended_at < tx.now - KEPT_MS
    there = exists().where(oauth_clients.c.id == oauth_grants.c.client_id, oauth_clients.c.deleted_at.is_(None))
    wanted = select(oauth_grants.c.id).where(old, ~(oauth_grants.c.user_id.is_(None) & there))
    found = [row.id for row in tx.all(wanted.order_by(oauth_grants.c.ended_at).limit(PAGE))]
    for table in (oauth_codes, oauth_tokens):
        tx.execute(delete(table).where(table.c.grant_id.in_(found)))
    tx.execute(delete(oauth_grants).where(oauth_grants.c.id.in_(found)))
    return len(found) + _drop_clients(tx)


def _drop_clients(tx: Tx) -> int:
    """A deleted client, once nothing speaks of it."""
    spoken_of = exists().where(oauth_grants.c.client_id == oauth_clients.c.id)
    gone = oauth_clients.c.deleted_at.is_not(None) & ~spoken_of
    return _delete(tx, oauth_clients, oauth_clients.c.id, gone, oauth_clients.c.deleted_at)


def _delete(tx: Tx, table: Table, key: Column[str], old: ColumnElement[bool], order: Column[int]) -> int:
    page = select(key).where(old).order_by(order).limit(PAGE)
    return tx.execute(delete(table).where(key.in_(page.scalar_subquery())))
