"""Which message a carrier means by an id of its own: kept for carriers whose receipts do not name our reference."""

from collections.abc import Sequence

from sqlalchemy import Text, select

from core.runtime import Tx
from core.schema import carrier_ids

Named = tuple[str, str | None]  # message id, the carrier's id of it


def remember(tx: Tx, carrier: str, named: Sequence[Named]) -> None:
    """Keep the carrier's ids of messages; those it gave none, and those known already, are nothing new."""
    if carrier in tx.carriers and tx.carriers[carrier].traits.echoes_reference:
        return
    lines = [(given, carrier, message_id, tx.now) for message_id, given in named if given is not None]
    if not lines:
        return
    columns = ("carrier_id", "carrier", "message_id", "at")
    rows = [dict(zip(columns, line, strict=True)) for line in lines]
    tx.execute(tx.upsert(carrier_ids).on_conflict_do_nothing(), rows)


def find(tx: Tx, asked: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """The message id of each (key, carrier, the carrier's id) that is known, by its key; the newest where there are several."""
    wanted = tx.values("asked", {"key": Text, "carrier": Text, "named": Text}, asked)
    same = (carrier_ids.c.carrier_id == wanted.c.named) & (carrier_ids.c.carrier == wanted.c.carrier)
    found = select(wanted.c.key, carrier_ids.c.message_id).join(carrier_ids, same).order_by(carrier_ids.c.message_id)
    return {row.key: row.message_id for row in tx.all(found)}
