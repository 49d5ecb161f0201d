"""Hooks of an account: made, listed, rotated, switched on and off."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, select, update

from core import Refused, Runtime, Tx, letters
from hub import secrets
from hub.api.schemas import is_id
from hub.hooks import sign
from hub.hooks.queue import bury
from hub.hooks.tables import hooks
from hub.sealing import columns, used

MOST_HOOKS: Final = 100  # of one account: a fact is compared with each
ROTATION_MS: Final = 24 * 3600 * 1000
_REVIVED: Final[Mapping[str, Any]] = {
    "disabled_at": None,
    "disabled_reason": None,
    "failing_since": None,
    "failures": 0,
    "prompt": False,
    "held_until": 0,
}
_DELETED: Final[Mapping[str, Any]] = {
    "disabled_reason": "deleted",
    "secret": "",
    "previous_secret": None,
    "previous_until": None,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A hook as it is asked for. `filters`: see `hub.hooks.filters`. `grant_id`: of the application that asks, if one does."""

    url: str
    events: Sequence[str]
    filters: Mapping[str, Any]
    batch: bool
    grant_id: str | None = None


def create(
    runtime: Runtime, tx: Tx, keys: secrets.Keys, account_id: str, wanted: Wanted, source: str
) -> tuple[Row[Any], str]:
    """A new hook and its secret, which is shown this once. Refuses `too_many_hooks`."""
    _check_room(tx, account_id)
    hook_id = tx.new_id()
    secret = _new_secret(runtime)
    row = {
        "id": hook_id,
        "account_id": account_id,
        "url": wanted.url,
        "events": json.dumps(sorted(set(wanted.events))),
        "filters": json.dumps(dict(wanted.filters)),
        "batch": wanted.batch,
        "secret": used.seal(tx, keys, aad(hook_id, account_id), secret.encode()),
        "source": source,
        "grant_id": wanted.grant_id,
        "created_at": tx.now,
    }
    none_yet = dict.fromkeys(("failures", "paced_at", "held_until", "delivered", "failed", "dead"), 0)
    tx.execute(hooks.insert().values(**row, **none_yet, prompt=False))
    return get(tx, account_id, hook_id), secret


def aad(hook_id: str, account_id: str) -> str:
    """The row that a hook's secret is sealed for."""
    return columns.aad("hooks", hook_id, account_id)


def get(tx: Tx, account_id: str, hook_id: str) -> Row[Any]:
    """The hook. Refuses with `not_found` what is deleted, another account's, or no id at all."""
    row = tx.one(select(hooks).where(mine(account_id, hook_id), _not_deleted()))
    if row is None:
        raise _unknown()
    return row


def page(tx: Tx, account_id: str, limit: int, after: str | None) -> Sequence[Row[Any]]:
    """At most `limit` hooks, newest first, after the id `after`."""
    older = [hooks.c.id < after] if after else []
    wanted = select(hooks).where(hooks.c.account_id == account_id, _not_deleted(), *older)
    return tx.all(wanted.order_by(hooks.c.id.desc()).limit(limit))


def delete(tx: Tx, account_id: str, hook_id: str) -> None:
    """Nothing is sent any more, and the secret is gone. Again is no error; what never was refuses with `not_found`."""
    if not tx.execute(update(hooks).where(mine(account_id, hook_id)).values(disabled_at=tx.now, **_DELETED)):
        raise _unknown()
    bury(tx, hook_id)


def delete_of_grant(tx: Tx, grant_id: str) -> int:
    """Delete the hooks that an application made under this grant; how many."""
    theirs = tx.all(select(hooks.c.account_id, hooks.c.id).where(hooks.c.grant_id == grant_id, _not_deleted()))
    for row in theirs:
        delete(tx, row.account_id, row.id)
    return len(theirs)


def enable(tx: Tx, account_id: str, hook_id: str) -> Row[Any]:
    """Switch on again what was switched off because it failed, or said that it was gone. What died stays dead until replayed."""
    if get(tx, account_id, hook_id).disabled_reason == "gone":
        _check_room(tx, account_id)
    if not tx.execute(update(hooks).where(mine(account_id, hook_id), _not_deleted()).values(**_REVIVED)):
        raise _unknown()
    return get(tx, account_id, hook_id)


def rotate(runtime: Runtime, tx: Tx, keys: secrets.Keys, account_id: str, hook_id: str) -> tuple[Row[Any], str]:
    """A new secret, shown this once; the one before signs too for another 24 hours."""
    old = get(tx, account_id, hook_id)
    secret = _new_secret(runtime)
    sealed = used.seal(tx, keys, aad(hook_id, account_id), secret.encode())
    values = {"secret": sealed, "previous_secret": old.secret, "previous_until": tx.now + ROTATION_MS}
    tx.execute(update(hooks).where(mine(account_id, hook_id)).values(**values))
    return get(tx, account_id, hook_id), secret


def send_mail(runtime: Runtime, hook_id: str) -> None:
    """Tell the account that a hook was switched off; nothing if it is on again."""
    with runtime.read() as tx:
        hook = tx.one(select(hooks).where(hooks.c.id == hook_id))
    if hook is not None and hook.disabled_reason == "failing":
        letters.tell(runtime, hook.account_id, "A webhook was switched off", _letter(hook.id, hook.url))


def mine(account_id: str, hook_id: str) -> ColumnElement[bool]:
    return (hooks.c.id == known_id(hook_id)) & (hooks.c.account_id == account_id)


def known_id(text: str) -> str:
    """The text if it may be an id, otherwise the id of nothing: PostgreSQL refuses to compare the rest."""
    return text if is_id(text) else "00000000-0000-0000-0000-000000000000"


def _check_room(tx: Tx, account_id: str) -> None:
    """Refuses `too_many_hooks`. Those whose receivers are gone take no room: nobody comes back to delete them."""
    living = hooks.c.disabled_reason.is_(None) | hooks.c.disabled_reason.not_in(["deleted", "gone"])
    if tx.scalar(select(func.count()).where(hooks.c.account_id == account_id, living)) >= MOST_HOOKS:
        raise Refused("too_many_hooks", f"This account has {MOST_HOOKS} hooks: delete those that nobody needs.")


def _not_deleted() -> ColumnElement[bool]:
    return func.coalesce(hooks.c.disabled_reason, "") != "deleted"


def _new_secret(runtime: Runtime) -> str:
    return sign.secret_of(runtime.random.randbytes(sign.SECRET_BYTES))


def _unknown() -> Refused:
    return Refused("not_found", "There is no such hook.")


def _letter(hook_id: str, url: str) -> str:
    host = url.split("/")[2]  # the rest of the address may be a secret
    return (
        f"The webhook {hook_id} to {host} has answered nothing but failures for three days, so it was switched off.\n\n"
        "What was not delivered is kept with its deliveries. Once the receiver works again, switch it on\n"
        f"(POST /api/v1/hooks/{hook_id}/enable) and replay what you need (POST /api/v1/deliveries/<id>/replay).\n"
    )
