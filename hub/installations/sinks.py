"""Events for connectors: those of accounts that have one installed are given to its sinks, in the transaction that relays them.

A sink that raises holds up nobody: what it should have taken is parked in that same transaction, and a job gives it the events again.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import delete, select

from connectors.contract import Connector, Event, Installation, Sink
from core import PeerError, Refused, Runtime, Tx, jobs, outages
from hub.hooks import relay
from hub.installations.book import Book
from hub.installations.contained import contained
from hub.installations.tables import parked_events

JOB: Final = "event.parked"
KEEP_MS: Final = 30 * 24 * 3600 * 1000
FORGET_ROWS: Final = 1000

log = structlog.get_logger()

Taker = tuple[Connector, Sink, Installation]


def listening(book: Book) -> relay.Sink:
    """The connectors' sinks, as a listener of the relay. Nothing is read where no connector takes such events."""
    of_kind: dict[str, list[tuple[Connector, Sink]]] = defaultdict(list)
    for connector in book.registry.connectors:
        for sink in connector.sinks:
            for kind in sink.events:
                of_kind[kind].append((connector, sink))

    def find(tx: Tx, keys: Collection[relay.Key]) -> Mapping[relay.Key, relay.Take]:
        wanted = [key for key in keys if key[1] in of_kind]
        if not wanted:
            return {}
        accounts = sorted({account_id for account_id, _ in wanted})
        names = sorted({connector.name for _, kind in wanted for connector, _ in of_kind[kind]})
        theirs = {(one.account_id, one.connector): one for one in book.of_accounts(tx, accounts, names)}
        takers = {
            key: [
                (connector, sink, theirs[key[0], connector.name])
                for connector, sink in of_kind[key[1]]
                if (key[0], connector.name) in theirs
            ]
            for key in wanted
        }
        return {key: partial(_give, found) for key, found in takers.items() if found}

    return find


def _give(takers: Sequence[Taker], tx: Tx, events: Sequence[Event]) -> None:
    for connector, sink, installation in takers:
        try:
            with tx.connection.begin_nested(), contained():
                sink.take(tx, installation, events)
        except Exception as error:  # whatever it was: the webhooks of the account are not to wait for it
            if outages.of(error) is not None:
                raise
            log.exception("sink.failed", connector=connector.name, installation_id=installation.id)
            _park(tx, installation, events)


def _park(tx: Tx, installation: Installation, events: Sequence[Event]) -> None:
    parked_id = tx.new_id()
    kept = [[event.id, event.type, event.timestamp, event.data] for event in events]
    row = {
        "id": parked_id,
        "account_id": installation.account_id,
        "installation_id": installation.id,
        "connector": installation.connector,
        "events": json.dumps(kept),
        "created_at": tx.now,
    }
    tx.execute(parked_events.insert().values(**row))
    jobs.add(tx, installation.account_id, JOB, parked_id, tx.now + jobs.FIRST_RETRY_MS)


def again(book: Book) -> Callable[[Runtime, jobs.Job], None]:
    """The job that gives a sink what it could not take. Where the installation is gone, there is nobody to give it to."""

    def give(runtime: Runtime, job: jobs.Job) -> None:
        with runtime.begin() as tx:
            row = tx.one(select(parked_events).where(parked_events.c.id == job.subject_id))
            if row is None:
                return
            tx.execute(delete(parked_events).where(parked_events.c.id == row.id))
            installation = _still_there(book, tx, row)
            if installation is None:
                return
            events = [Event(*one) for one in json.loads(row.events)]
            for sink in book.registry.get(row.connector).sinks:
                if wanted := [event for event in events if event.type in sink.events]:
                    _take(sink, tx, installation, wanted)

    return give


def _take(sink: Sink, tx: Tx, installation: Installation, events: Sequence[Event]) -> None:
    """A refusal is a bug here as any other error is: a job that was refused is given up in the end, and its events would be lost."""
    try:
        sink.take(tx, installation, events)
    except (Refused, PeerError) as error:
        raise RuntimeError("a sink refused its events") from error


def forget(runtime: Runtime) -> int:
    """A sweep: drop some of what no sink took for thirty days; how many rows."""
    with runtime.begin() as tx:
        old = parked_events.c.created_at < tx.now - KEEP_MS
        some = select(parked_events.c.id).where(old).order_by(parked_events.c.created_at).limit(FORGET_ROWS)
        return tx.execute(delete(parked_events).where(parked_events.c.id.in_(some)))


def _still_there(book: Book, tx: Tx, row: Any) -> Installation | None:
    try:
        return book.of_connector(tx, row.connector, row.installation_id)
    except Refused as refusal:
        if refusal.code == "not_found":
            return None
        raise
