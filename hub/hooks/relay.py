"""From the outbox to those who listen: facts are rendered once by the table of triggers, and each listener writes down what it wants.

All in one transaction with the mark that they were relayed: a fact is never lost between the two, and never relayed twice.
Delivering what was written down is the listener's own work, and there it is at least once. Whose facts come next: `hub.hooks.turns`.

Listeners are asked when the rows are locked already: who began to listen before a fact was written hears it. Facts that nobody wants
are marked without being read.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy import BigInteger, Row, UpdateBase, bindparam, update

from connectors.contract import Event, Trigger
from core import Runtime, Tx, events, prepared, schema
from hub.hooks import turns

RENDER_FACTS: Final = 500  # rendered at once: what memory holds
PUT_OFF_MS: Final = 300_000  # until a row that could not be told is tried again

Key = tuple[str, str]  # account id, event type
Take = Callable[[Tx, Sequence[Event]], None]

log = structlog.get_logger()

# A listener: of the (account, type) pairs that there are facts of, those it wants, each with what takes the rendered events.
Sink = Callable[[Tx, Collection[Key]], Mapping[Key, Take]]


class Turn(NamedTuple):
    """What one turn did: how many rows it relayed, and whether it stopped with more of them before it."""

    rows: int
    full: bool


def relay(
    runtime: Runtime, triggers: Mapping[str, Trigger], sinks: Sequence[Sink], limit: int = turns.TURN_ROWS
) -> int:
    """Relay up to `limit` rows of the outbox, each account's oldest first; how many. Any number of processes may do it at once.

    A row that can't be told (a bug in a render) is put off, loudly; it holds up nobody else's.
    """
    return turn(runtime, triggers, sinks, limit).rows


def turn(
    runtime: Runtime, triggers: Mapping[str, Trigger], sinks: Sequence[Sink], limit: int = turns.TURN_ROWS
) -> Turn:
    """The same, and whether to go on at once."""
    with runtime.begin() as tx:
        drawn, full = turns.draw(tx, runtime.random.sample, limit)
        if not drawn:
            return Turn(0, full=False)
        listening = _listening(tx, sinks, {(row.account_id, row.type) for row in drawn})
        wanted = [row for row in drawn if (row.account_id, row.type) in listening]
        chosen = turns.within(wanted)
        told = _told(tx, partial(_tell, tx, triggers, listening), turns.read(tx, chosen)) if chosen else set()
        _mark(tx, [row.id for row in drawn if (row.account_id, row.type) not in listening], chosen, told)
    runtime.fault("relayed")
    done = len(drawn) - len(wanted) + len(chosen)
    return Turn(done, full=full or len(chosen) < len(wanted))


def _listening(tx: Tx, sinks: Sequence[Sink], keys: Collection[Key]) -> Mapping[Key, Sequence[Take]]:
    """Who takes the facts of which (account, type), of those that anybody wants."""
    takers: dict[Key, list[Take]] = defaultdict(list)
    for sink in sinks:
        for key, take in sink(tx, keys).items():
            takers[key].append(take)
    return takers


def _told(tx: Tx, tell: Callable[[Sequence[Row[Any]]], None], rows: Sequence[Row[Any]]) -> set[str]:
    """Tell of all rows at once, or if that fails of each by itself, to find what is at fault; the ids of those that were told."""
    try:
        with tx.connection.begin_nested():
            tell(rows)
    except Exception:  # noqa: BLE001 - one of them: which one is told below, loudly
        return {row.id for row in rows if _alone(tx, tell, row)}
    return {row.id for row in rows}


def _alone(tx: Tx, tell: Callable[[Sequence[Row[Any]]], None], row: Row[Any]) -> bool:
    try:
        with tx.connection.begin_nested():
            tell([row])
    except Exception:
        log.exception("event.not_told", outbox_id=row.id, type=row.type, account_id=row.account_id)
        return False
    return True


def _mark(tx: Tx, unwanted: Sequence[str], chosen: Sequence[str], told: Collection[str]) -> None:
    outbox = schema.outbox
    over = sorted([*unwanted, *told])
    tx.connection.execute(_relayed(tx.postgresql), {"ids": prepared.listed(tx, over), "now": tx.now})
    put_off = sorted(set(chosen) - set(told))
    if put_off:
        tx.execute(update(outbox).where(tx.among(outbox.c.id, put_off)).values(due_at=tx.now + PUT_OFF_MS))


@cache
def _relayed(postgresql: bool) -> UpdateBase:
    these = prepared.among(schema.outbox.c.id, "ids", schema.Id, postgresql=postgresql)
    return update(schema.outbox).where(these).values(relayed_at=bindparam("now", type_=BigInteger()))


def _tell(
    tx: Tx, triggers: Mapping[str, Trigger], listening: Mapping[Key, Sequence[Take]], rows: Sequence[Row[Any]]
) -> None:
    grouped: dict[Key, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        grouped[row.account_id, row.type].append(row)
    for key, of_key in grouped.items():
        for rendered in _rendered(tx, triggers, key, of_key):
            for take in listening[key]:
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
