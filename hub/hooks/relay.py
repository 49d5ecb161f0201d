"""From the outbox to those who listen: facts are rendered once by the table of triggers, and each listener writes down what it wants.

All in one transaction with the mark that they were relayed: a fact is never lost between the two, and never relayed twice.
Delivering what was written down is the listener's own work, and there it is at least once.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import structlog
from sqlalchemy import Row, Select, select, update

from connectors.contract import Event, Trigger
from core import Runtime, Tx, events, schema

RENDER_FACTS: Final = 500  # rendered at once: what memory holds
PUT_OFF_MS: Final = 300_000  # until a row that could not be told is tried again

Key = tuple[str, str]  # account id, event type
Take = Callable[[Tx, Sequence[Event]], None]

log = structlog.get_logger()

# A listener: of the (account, type) pairs that there are facts of, those it wants, each with what takes the rendered events.
Sink = Callable[[Tx, Collection[Key]], Mapping[Key, Take]]


def relay(runtime: Runtime, triggers: Mapping[str, Trigger], sinks: Sequence[Sink], limit: int = 20) -> int:
    """Relay up to `limit` rows of the outbox, oldest first; how many. Any number of processes may do it at once.

    A row that can't be told (a bug in a render) is put off, loudly; it holds up nobody else's.
    """
    try:
        done = _relay(runtime, triggers, sinks, limit)
    except Exception:  # noqa: BLE001 - one of the page: each is tried by itself, and what is at fault is found and told
        done = _one_by_one(runtime, triggers, sinks, limit)
    if done:
        runtime.fault("relayed")
    return done


def _relay(runtime: Runtime, triggers: Mapping[str, Trigger], sinks: Sequence[Sink], limit: int) -> int:
    outbox = schema.outbox
    with runtime.begin() as tx:
        rows = tx.all(_waiting(tx, limit).with_for_update(skip_locked=True))
        if rows:
            _tell(tx, triggers, sinks, rows)
            tx.execute(update(outbox).where(tx.among(outbox.c.id, [row.id for row in rows])).values(relayed_at=tx.now))
    return len(rows)


def _one_by_one(runtime: Runtime, triggers: Mapping[str, Trigger], sinks: Sequence[Sink], limit: int) -> int:
    """The page again, a savepoint a row. Its rows stay locked: what is put off is what failed, whoever else relays meanwhile."""
    outbox = schema.outbox
    with runtime.begin() as tx:
        rows = tx.all(_waiting(tx, limit).with_for_update(skip_locked=True))
        for row in rows:
            try:
                with tx.connection.begin_nested():
                    _tell(tx, triggers, sinks, [row])
                values = {"relayed_at": tx.now}
            except Exception:
                values = {"due_at": tx.now + PUT_OFF_MS}
                log.exception("event.not_told", outbox_id=row.id, type=row.type, account_id=row.account_id)
            tx.execute(update(outbox).where(outbox.c.id == row.id).values(**values))
    return len(rows)


def _waiting(tx: Tx, limit: int) -> Select[Any]:
    outbox = schema.outbox
    due = select(outbox).where(outbox.c.relayed_at.is_(None), outbox.c.due_at <= tx.now)
    return due.order_by(outbox.c.due_at, outbox.c.id).limit(limit)


def _tell(tx: Tx, triggers: Mapping[str, Trigger], sinks: Sequence[Sink], rows: Sequence[Row[Any]]) -> None:
    grouped: dict[Key, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        grouped[row.account_id, row.type].append(row)
    listening = [sink(tx, grouped.keys()) for sink in sinks]
    for key, of_key in grouped.items():
        takers = [wanted[key] for wanted in listening if key in wanted]
        for rendered in _rendered(tx, triggers, key, of_key) if takers else ():
            for take in takers:
                take(tx, rendered)


def _rendered(tx: Tx, triggers: Mapping[str, Trigger], key: Key, rows: Sequence[Row[Any]]) -> Iterator[Sequence[Event]]:
    """Events in portions. A fact whose render is empty is of something that is gone: there is nothing to tell."""
    account_id, kind = key
    for portion in _portions(rows):
        data = triggers[kind].render(tx, account_id, [fact for _, _, fact in portion])
        yield [
            Event(event_id, kind, fact.get("at", at), shown)
            for (event_id, at, fact), shown in zip(portion, data, strict=True)
            if shown
        ]


def _portions(rows: Sequence[Row[Any]]) -> Iterator[list[tuple[str, int, Mapping[str, Any]]]]:
    """(event id, time, fact) of the rows, in portions of RENDER_FACTS."""
    portion: list[tuple[str, int, Mapping[str, Any]]] = []
    for row in rows:
        for place, fact in enumerate(events.facts(row.payload)):
            portion.append((events.event_id(row.id, place), row.at, fact))
            if len(portion) == RENDER_FACTS:
                yield portion
                portion = []
    if portion:
        yield portion
