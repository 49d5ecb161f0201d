"""The newest events of an account, as its hooks would get them: for whoever sets a hook up and wants to see what will come.

They are read backwards from the end of the outbox, which all accounts share, and no further than LOOK rows: in a busy hub an account
that was quiet lately has none here.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import Row, select

from connectors.contract import Event, Trigger
from core import Tx, events, schema
from hub.hooks import filters

LOOK: Final = 10_000  # rows of the outbox, of any account
MOST_FACTS: Final = 500  # rendered in search of those that pass
_outbox = schema.outbox


def newest(tx: Tx, trigger: Trigger, account_id: str, limit: int, criteria: Mapping[str, Any]) -> Sequence[Event]:
    """At most `limit` events that pass these filters, newest first; none of something that is gone."""
    found = list(islice(_backwards(_rows(tx, account_id, trigger.type, MOST_FACTS)), MOST_FACTS))
    shown = trigger.render(tx, account_id, [fact for _, _, fact in found])
    passing = (
        Event(event_id, trigger.type, fact.get("at", at), data)
        for (event_id, at, fact), data in zip(found, shown, strict=True)
        if data and filters.matches(criteria, trigger.type, data)
    )
    return list(islice(passing, limit))


def _rows(tx: Tx, account_id: str, kind: str, most: int) -> Sequence[Row[Any]]:
    last = select(_outbox).order_by(_outbox.c.id.desc()).limit(LOOK).subquery("last")
    mine = select(last).where(last.c.account_id == account_id, last.c.type == kind)
    return tx.all(mine.order_by(last.c.id.desc()).limit(most))


def _backwards(rows: Sequence[Row[Any]]) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """(event id, time, fact), the last one first."""
    for row in rows:
        facts = events.facts(row.payload)
        for place in range(len(facts) - 1, -1, -1):
            yield events.event_id(row.id, place), row.at, facts[place]
