"""How the database goes about the engine's work: every statement of it, explained on tables that have grown.

The statements are not written here: they are caught on their way to the database while the engine works.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Table, event, text

from core.database import Database
from core.runtime import Tx
from core.schema import metadata
from tests.support.engine import Engine

DAY_MS: Final = 24 * 3_600_000
STATUSES: Final = (
    ("received",) * 90 + ("sent",) * 3 + ("failed_temporary",) * 3 + ("rejected", "blacklisted", "cancelled", "expired")
)
FIRST_NUMBER: Final = 33_600_000_000
NUMBERS: Final = 20_000
# What `fill` fills. The others have as many rows as there are accounts, people, settings or uploads.
GROWING: Final = frozenset(
    {
        *(
            "campaigns",
            "campaign_recipients",
            "campaign_drops",
            "campaign_counts",
            "messages",
            "chunks",
            "windows",
            "carrier_ids",
            "receipt_batches",
            "receipts",
        ),
        *(
            "replies",
            "send_counts",
            "outbox",
            "jobs",
            "contacts",
            "contact_words",
            "reply_words",
            "group_members",
            "transfers",
            "blacklist",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement, as it was sent by `work`, and how the database means to do it."""

    work: str
    statement: str
    lines: Sequence[str]
    scans: Sequence[str]


@dataclass(slots=True)
class Caught:
    """The statements of each work, each once, with parameters it was sent with."""

    statements: dict[str, tuple[str, Any]]
    work: str = ""

    @contextmanager
    def doing(self, work: str) -> Iterator[None]:
        self.work = work
        yield
        self.work = ""

    def take(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        verb = statement.split(maxsplit=1)[0] if self.work and not many else ""
        if verb in {"SELECT", "UPDATE", "DELETE", "WITH"} and statement not in self.statements:
            self.statements[statement] = (self.work, parameters)


def catch(database: Database) -> Caught:
    caught = Caught({})
    event.listen(database.engine, "before_cursor_execute", caught.take)
    return caught


def fill(engine: Engine, account_ids: Sequence[str], count: int) -> None:
    """A past of `count` messages over sixty days, and all that is left of it."""
    pages = max(1, count // 1_000)
    engine.clock.now -= 60 * DAY_MS
    for page in range(pages):
        with engine.runtime.begin() as tx:
            _page(tx, account_ids[page % len(account_ids)], page)
        engine.clock.now += 60 * DAY_MS // pages
    with engine.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _page(tx: Tx, account_id: str, page: int) -> None:
    """A thousand messages of two chunks and one campaign, and what came back."""
    campaign_id, group_id, *chunk_ids = tx.new_ids(4)
    ids = tx.new_ids(1_000)
    numbers = [FIRST_NUMBER + (page * 1_000 + place) % NUMBERS for place in range(1_000)]
    now = tx.now
    rows: dict[str, Sequence[Mapping[str, Any]]] = {
        "campaigns": [_campaign(campaign_id, account_id, now)],
        "chunks": [_chunk(chunk_id, account_id, campaign_id, now) for chunk_id in chunk_ids],
        "windows": [_window(id_, chunk_ids[0], now) for id_ in tx.new_ids(4)],
        "messages": [
            _message(
                id_, account_id, campaign_id if place % 2 else None, chunk_ids[place // 500], numbers[place], now, place
            )
            for place, id_ in enumerate(ids)
        ],
        "carrier_ids": [_named(id_, now) for id_ in ids],
        "receipt_batches": [_batch(id_, now) for id_ in tx.new_ids(4)],
        "receipts": [_receipt(id_, ids[place], now) for place, id_ in enumerate(tx.new_ids(1_000))],
        "replies": [
            _reply(id_, account_id, ids[place], numbers[place], now) for place, id_ in enumerate(tx.new_ids(100))
        ],
        "campaign_counts": [_count(id_, campaign_id, place) for place, id_ in enumerate(tx.new_ids(20))],
        "send_counts": [_sent(id_, account_id, now) for id_ in tx.new_ids(20)],
        "outbox": [_fact(id_, account_id, now) for id_ in tx.new_ids(50)],
        "jobs": [_job(id_, account_id, campaign_id, now) for id_ in tx.new_ids(1)],
        "campaign_recipients": [_recipient(campaign_id, number) for number in sorted(set(numbers[:200]))],
        "campaign_drops": [_drop(id_, campaign_id) for id_ in tx.new_ids(20)],
        "group_members": [
            {"group_id": group_id, "number": numbers[n], "contact_id": id_} for n, id_ in enumerate(ids[:200])
        ],
        "contacts": [_contact(id_, account_id, numbers[place], now) for place, id_ in enumerate(ids[:200])],
        "transfers": [_transfer(id_, now) for id_ in tx.new_ids(20)],
    }
    for name, values in rows.items():
        columns = list(values[0])
        tx.insert(metadata.tables[name], columns, [tuple(row[column] for column in columns) for row in values])
    blocked = [(account_id, number, "test", "sms", now) for number in set(numbers[:50])]
    seen = [row.number for row in tx.all(text("SELECT number FROM blacklist WHERE scope = :s"), {"s": account_id})]
    fresh = [row for row in blocked if row[1] not in seen]
    tx.insert(metadata.tables["blacklist"], ("scope", "number", "reason", "source", "created_at"), fresh)


def _campaign(id_: str, account_id: str, now: int) -> Mapping[str, Any]:
    said = {
        "name": "n",
        "text": "t",
        "sender": "36034",
        "purpose": "marketing",
        "stop": True,
        "source": "api",
        "groups": "[]",
    }
    times = {"created_at": now, "updated_at": now, "finished_at": now}
    counts = {"position": 0, "planned": 500, "expanded": 500}
    return {
        "id": id_,
        "account_id": account_id,
        "status": "finished",
        "validity_minutes": 2_880,
        **said,
        **times,
        **counts,
    }


def _chunk(id_: str, account_id: str, campaign_id: str, now: int) -> Mapping[str, Any]:
    kind = {"carrier": "scripted", "purpose": "marketing", "step": "expire", "status": "done"}
    times = {"due_at": now, "expires_at": now, "lease_until": 0, "created_at": now}
    return {"id": id_, "account_id": account_id, "campaign_id": campaign_id, **kind, **times}


def _window(id_: str, chunk_id: str, now: int) -> Mapping[str, Any]:
    times = {"claimed_at": now, "lease_until": now, "closed_at": now}
    return {"id": id_, "chunk_id": chunk_id, "carrier": "scripted", "owner": "o", "size": 250, **times}


def _message(
    id_: str, account_id: str, campaign_id: str | None, chunk_id: str, number: int, now: int, place: int
) -> Mapping[str, Any]:
    said = {
        "country": "FR",
        "sender": "36034",
        "purpose": "marketing",
        "text": "Bonjour",
        "encoding": "gsm7",
        "segments": 1,
    }
    times = {"status_at": now, "created_at": now, "sent_at": now, "expires_at": now + 2 * DAY_MS}
    whose = {"id": id_, "account_id": account_id, "campaign_id": campaign_id, "chunk_id": chunk_id, "number": number}
    fate = {"status": STATUSES[place % len(STATUSES)], "carrier": "scripted", "carrier_id": f"c-{id_}", "attempt": 1}
    rest = {
        "millicredits": 0,
        "source": "api",
        "mention": True,
        "charged": True,
        "reference": f"r{place}" if place % 10 == 0 else None,
    }
    return {**whose, **said, **times, **fate, **rest}


def _receipt(id_: str, message_id: str, now: int) -> Mapping[str, Any]:
    times = {"at": now, "received_at": now, "due_at": now, "applied_at": now}
    return {
        "id": id_,
        "carrier": "scripted",
        "reference": message_id,
        "status": "received",
        "outcome": "applied",
        **times,
    }


def _named(message_id: str, now: int) -> Mapping[str, Any]:
    return {"carrier_id": f"c-{message_id}", "carrier": "scripted", "message_id": message_id, "at": now}


def _batch(id_: str, now: int) -> Mapping[str, Any]:
    came = {"carrier": "scripted", "size": 0, "raw": "[]"}
    return {"id": id_, "received_at": now, "applied_at": now, "outcome": "{}", **came}


def _reply(id_: str, account_id: str, message_id: str, number: int, now: int) -> Mapping[str, Any]:
    said = {
        "carrier": "scripted",
        "carrier_ref": id_,
        "number": number,
        "code": "36034",
        "text": "Oui",
        "opt_out": False,
    }
    return {
        "id": id_,
        "account_id": account_id,
        "message_id": message_id,
        "received_at": now,
        "applied_at": now,
        **said,
    }


def _count(id_: str, campaign_id: str, place: int) -> Mapping[str, Any]:
    status = "received" if place % 2 else "sent"
    return {"id": id_, "campaign_id": campaign_id, "status": status, "country": "FR", "messages": 25, "millicredits": 0}


def _sent(id_: str, account_id: str, now: int) -> Mapping[str, Any]:
    counts = {"messages": 50, "segments": 50, "millicredits": 0}
    return {
        "id": id_,
        "account_id": account_id,
        "hour": now - now % 3_600_000,
        "country": "FR",
        "purpose": "marketing",
        **counts,
    }


def _fact(id_: str, account_id: str, now: int) -> Mapping[str, Any]:
    return {
        "id": id_,
        "account_id": account_id,
        "type": "message.status",
        "payload": "[]",
        "at": now,
        "due_at": now,
        "relayed_at": now,
    }


def _job(id_: str, account_id: str, subject_id: str, now: int) -> Mapping[str, Any]:
    done = {"due_at": now, "failures": 0, "attempt": 1, "done_at": now}
    return {"id": id_, "account_id": account_id, "kind": "campaign", "subject_id": subject_id, **done}


def _recipient(campaign_id: str, number: int) -> Mapping[str, Any]:
    return {"campaign_id": campaign_id, "number": number, "country": "FR"}


def _drop(id_: str, campaign_id: str) -> Mapping[str, Any]:
    return {"id": id_, "campaign_id": campaign_id, "given": "123", "reason": "invalid_number", "detail": "d"}


def _contact(id_: str, account_id: str, number: int, now: int) -> Mapping[str, Any]:
    said = {"number": number, "country": "FR", "search": "", "source": "api"}
    return {"id": id_, "account_id": account_id, "created_at": now, "updated_at": now, **said}


def _transfer(id_: str, now: int) -> Mapping[str, Any]:
    return {
        "id": id_,
        "kind": "hold",
        "ref": id_,
        "debit_id": 1,
        "credit_id": 2,
        "millicredits": 1,
        "actor": "engine",
        "at": now,
    }


def explain(database: Database, caught: Caught, *, forced: bool = True, more: Sequence[Table] = ()) -> list[Plan]:
    """The plan of each statement that was caught, for the parameters it came with. more: further tables that grow, a connector's.

    PostgreSQL reads all of a table that is still small; here it is told not to, so that what it still reads whole has no index.
    `forced=False`: it does as it likes, by what its statistics say.
    """
    with database.engine.connect() as connection:
        if forced and database.dialect == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        how = _on_sqlite if database.dialect == "sqlite" else _on_postgresql
        known = _known(more)
        return [how(connection, known, work, sql, given) for sql, (work, given) in caught.statements.items()]


@dataclass(frozen=True, slots=True)
class _Known:
    """Names of all tables, of those that grow, and of indexes of open work only: reading all of one reads what there is to do."""

    tables: frozenset[str]
    growing: frozenset[str]
    partial: frozenset[str]


def _known(more: Sequence[Table]) -> _Known:
    tables = (*metadata.tables.values(), *more)
    indexes = (index for table in tables for index in table.indexes)
    partial = {str(index.name) for index in indexes if index.dialect_options["sqlite"]["where"] is not None}
    growing = GROWING | {table.name for table in more}
    return _Known(frozenset(table.name for table in tables), growing, frozenset(partial))


def _on_sqlite(connection: Connection, known: _Known, work: str, statement: str, parameters: Any) -> Plan:
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    lines = [row.detail for row in rows]
    scans = [
        line
        for line in lines
        if line.startswith("SCAN ")
        and _table(line, statement, known) in known.growing
        and not known.partial & set(line.split())
    ]
    return Plan(work, statement, lines, scans)


def _table(line: str, statement: str, known: _Known) -> str:
    """The table of a plan's line, which names the alias if there is one."""
    name = line.split()[1]
    words = statement.replace("(", " ").replace(")", " ").replace(",", " ").split()
    aliased = [
        before
        for before, word, after in zip(words, words[1:], words[2:], strict=False)
        if (word, after) == ("AS", name)
    ]
    return next((table for table in aliased if table in known.tables), name)


def _on_postgresql(connection: Connection, known: _Known, work: str, statement: str, parameters: Any) -> Plan:
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    with psycopg.ClientCursor(raw) as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}".encode(), parameters)
        row = cursor.fetchone()
    assert row is not None
    document = row[0] if isinstance(row[0], list) else json.loads(row[0])
    nodes = list(_nodes(document[0]["Plan"]))
    return Plan(
        work, statement, [_line(node) for node in nodes], [_line(node) for node in nodes if _is_scan(node, known)]
    )


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _line(node: Mapping[str, Any]) -> str:
    words = [node["Node Type"], node.get("Relation Name", ""), node.get("Index Name", ""), node.get("Index Cond", "")]
    return " ".join(word for word in words if word)


def _is_scan(node: Mapping[str, Any], known: _Known) -> bool:
    """All of a growing table, by itself or along an index that leaves nothing out."""
    if node.get("Relation Name") not in known.growing:
        return False
    if node["Node Type"] == "Seq Scan":
        return True
    whole = node["Node Type"] in {"Index Scan", "Index Only Scan"} and "Index Cond" not in node
    return whole and node["Index Name"] not in known.partial
