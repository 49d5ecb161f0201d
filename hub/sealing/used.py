"""Which keys have sealed something: told from a table of a few rows, whatever the number of secrets.

The row of a key is written in the transaction that seals under it for the first time, and held (FOR KEY SHARE, which sealers do not
take from each other) by all that seal under it later. So a key without such a row seals nothing, also while others seal; `retire`,
which takes the row away, waits for those that are under way, and they find it gone.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, select, update

from core import Fault, Refused, Runtime, Tx
from hub import secrets
from hub.sealing.tables import sealing_keys

_IN_USE: Final = sealing_keys.c.sealed_at.is_not(None) & sealing_keys.c.given_up_at.is_(None)
_HELD: Final = (
    select(sealing_keys.c.id)
    .where(sealing_keys.c.id == bindparam("its"), _IN_USE)
    .with_for_update(read=True, key_share=True)
)


def seal(tx: Tx, keys: secrets.Keys, aad: str, plaintext: bytes) -> str:
    """Sealed under the first key for the row that `aad` names; that the key is in use is written down with it."""
    note(tx, keys.first)
    return secrets.seal(keys, aad, plaintext)


def note(tx: Tx, key_id: str) -> None:
    """This key seals something in this transaction."""
    if tx.one(_HELD, {"its": key_id}) is None:
        written = tx.upsert(sealing_keys).values(id=key_id, known_at=tx.now, sealed_at=tx.now)
        again = {"sealed_at": tx.now, "given_up_at": None}
        tx.execute(written.on_conflict_do_update(index_elements=["id"], set_=again))


def start(runtime: Runtime, keys: secrets.Keys) -> None:
    """A process begins to work with these keys. Refuses as `check` does."""
    with runtime.begin() as tx:
        check(tx, keys)
        introduce(tx, keys)


def introduce(tx: Tx, keys: secrets.Keys) -> None:
    """A process of the hub knows these keys from now on: what others seal under them it can open."""
    known = set(_ids(tx))
    for key_id in keys.by_id.keys() - known:
        row = tx.upsert(sealing_keys).values(id=key_id, known_at=tx.now)
        tx.execute(row.on_conflict_do_nothing(index_elements=["id"]))


def is_known(tx: Tx, key_id: str) -> bool:
    """Whether a process of the hub was ever started with this key."""
    return key_id in _ids(tx)


def in_use(tx: Tx) -> Sequence[str]:
    """The keys that may seal something, oldest first; those that were given up are not among them."""
    rows = tx.all(select(sealing_keys.c.id).where(_IN_USE).order_by(sealing_keys.c.known_at, sealing_keys.c.id))
    return [row.id for row in rows]


def ever_used(tx: Tx) -> Sequence[str]:
    """The keys that may seal something, those that were given up among them."""
    return [row.id for row in tx.all(select(sealing_keys.c.id).where(sealing_keys.c.sealed_at.is_not(None)))]


def given_up(tx: Tx) -> Sequence[str]:
    """The keys that were said to be lost."""
    return [row.id for row in tx.all(select(sealing_keys.c.id).where(sealing_keys.c.given_up_at.is_not(None)))]


def missing(tx: Tx, keys: secrets.Keys) -> Sequence[str]:
    """The keys that seal something and that this hub was not given."""
    return [key_id for key_id in in_use(tx) if key_id not in keys.by_id]


def check(tx: Tx, keys: secrets.Keys) -> None:
    """Refuses (`invalid_settings`) to start without a key that seals something: half a hub would look like a whole one."""
    if lost := missing(tx, keys):
        fault = Fault("SMSHUB_SECRET_KEYS", explained(lost, keys))
        raise Refused("invalid_settings", f"The settings can't be used:\n  {fault.pointer}: {fault.message}", (fault,))


def explained(lost: Sequence[str], keys: secrets.Keys) -> str:
    """What is the matter with keys that are missing, and the cure."""
    which = f"the key {lost[0]}, which is" if len(lost) == 1 else f"the keys {', '.join(lost)}, which are"
    return (
        f"the database holds secrets sealed under {which} not among those given (their ids: {', '.join(keys.by_id)}). "
        "Put it back behind the others (a hub that was given none has its own in the file secret_keys of its data folder), or, "
        f"if it is lost for ever, say so: smshub keys give-up {lost[0]}"
    )


def lock(tx: Tx, key_id: str) -> None:
    """Until the end of this transaction nobody seals under this key; those who were at it have ended.

    The row is written first where there is none: that waits for whoever writes it just now, in the transaction of its first use.
    """
    row = tx.upsert(sealing_keys).values(id=key_id, known_at=tx.now)
    tx.execute(row.on_conflict_do_nothing(index_elements=["id"]))
    tx.one(select(sealing_keys.c.id).where(sealing_keys.c.id == key_id).with_for_update())


def retire(tx: Tx, key_id: str) -> None:
    """Nothing is sealed under this key any more. To be said under its lock, after looking."""
    tx.execute(update(sealing_keys).where(sealing_keys.c.id == key_id).values(sealed_at=None, given_up_at=None))


def give_up(tx: Tx, key_id: str) -> bool:
    """This key is lost: the hub starts without it, and what it sealed stays closed. False where it seals nothing."""
    mine = (sealing_keys.c.id == key_id) & _IN_USE
    return tx.execute(update(sealing_keys).where(mine).values(given_up_at=tx.now)) == 1


def _ids(tx: Tx) -> Sequence[str]:
    return [row.id for row in tx.all(select(sealing_keys.c.id))]
