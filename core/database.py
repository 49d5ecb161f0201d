"""One way to a database: write transactions (`begin`), those that read (`read`, `snapshot`), and set-based statements on both databases.

SQLite has one writer: write transactions queue behind a lock in the process instead of sleeping in the busy handler.
PostgreSQL runs READ COMMITTED with row locks.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import Any, Final

import psycopg
from psycopg.types.string import TextLoader
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Executable,
    Row,
    Subquery,
    Table,
    Text,
    bindparam,
    column,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import insert as on_postgresql
from sqlalchemy.dialects.sqlite import insert as on_sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.types import TypeEngine

from core.arrays import array_of
from core.copying import Rows
from core.schema.types import Id

BUSY_TIMEOUT_S = 30
COUNTED: Final = {"preserve_rowcount": True}
COPY_BLOCK = 1_000  # rows
COPY_FROM_ROWS = 20  # below this an INSERT of many rows is quicker than starting a COPY

# Nobody waits for ever for a database that is away, and a process that hangs in a transaction does not hold others' rows for ever.
POOL_TIMEOUT_S: Final = 5
IDLE_S: Final = 2.0  # a connection that was used since is not asked again whether it is one
CONNECTION: Final[Mapping[str, Any]] = {
    "application_name": "smshub",
    "connect_timeout": 5,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # ms: a host that is gone is noticed by what waits for its answer
    "options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s -c jit=off",
}

Greet = Callable[["psycopg.Connection[Any]"], None]


Heap = tuple[Rows, Mapping[str, Any]]  # the columns that differ, and those that have one value


def deadlocked(error: DBAPIError) -> bool:
    """Whether PostgreSQL ended this transaction so that another one could go on: it did nothing, and may be tried again at once."""
    return isinstance(error.orig, psycopg.errors.DeadlockDetected)


class Connected:
    """What one transaction can do with its connection. Statements are SQLAlchemy Core."""

    __slots__ = ("_pipelined", "connection", "postgresql")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.postgresql = connection.dialect.name == "postgresql"
        self._pipelined = False

    def execute(self, statement: Executable, parameters: Any = None) -> int:
        """Run it; the answer is how many rows it touched, of an INSERT too: on PostgreSQL that must be asked for."""
        return self.connection.execute(statement, parameters, execution_options=COUNTED).rowcount

    def all(self, statement: Executable, parameters: Any = None) -> Sequence[Row[Any]]:
        return self.connection.execute(statement, parameters).all()

    def one(self, statement: Executable, parameters: Any = None) -> Row[Any] | None:
        """The first row, or None."""
        return self.connection.execute(statement, parameters).first()

    def scalar(self, statement: Executable, parameters: Any = None) -> Any:
        return self.connection.execute(statement, parameters).scalar()

    def wait_at_most(self, ms: int) -> None:
        """Rows that another transaction has are waited for so long, and no longer, until this one ends. SQLite has one writer."""
        if self.postgresql:
            self.connection.exec_driver_sql(f"SET LOCAL lock_timeout = {ms}")

    @contextmanager
    def pipelined(self) -> Iterator[None]:
        """Statements in here are sent together and waited for once, at its end, where the database can do that (PostgreSQL's pipeline).

        For writes whose results nobody reads: `connection.execute`, and `insert`. What fails is told at the end. One within another is
        part of it.
        """
        if not self.postgresql or self._pipelined:
            yield
            return
        raw: Any = self.connection.connection.driver_connection
        self._pipelined = True
        try:
            with raw.pipeline():
                yield
        except psycopg.Error as error:  # as a statement by itself would have told it
            if raw.broken:
                self.connection.invalidate(error)
            raise DBAPIError.instance(
                "pipeline", None, error, psycopg.Error, hide_parameters=True, dialect=self.connection.dialect
            ) from error
        finally:
            self._pipelined = False

    def upsert(self, table: Table) -> Any:
        """An INSERT that can say ON CONFLICT; both databases say it with the same words."""
        return on_postgresql(table) if self.postgresql else on_sqlite(table)

    def tuples(self, statement: Executable, parameters: Any = None) -> list[tuple[Any, ...]]:
        """All rows as the driver reads them, many times quicker than `all`: for texts, whole numbers and ids, which need no conversion."""
        result = self.connection.execute(statement, parameters)
        cursor: Any = result.cursor
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        result.close()
        return rows

    def insert(
        self,
        table: Table,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        common: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Insert many rows at once. Values are in the order of `columns`; `common` are columns that have one value in all rows."""
        if rows:
            values = list(zip(*rows, strict=True))
            self.insert_alike(table, [(Rows(dict(zip(columns, values, strict=True))), common)])

    def insert_alike(self, table: Table, heaps: Sequence[Heap]) -> None:
        """Insert heaps of rows: of each the columns that differ, with their values, and what all its rows have in common.

        All heaps name the same columns in the same order. COPY on PostgreSQL, one prepared statement on SQLite.
        A pipeline has no COPY: what is inserted within one goes row by row, and nobody waits for it.
        """
        if not heaps:
            return
        names = [*heaps[0][0].columns, *heaps[0][1]]
        listed = ", ".join(f'"{name}"' for name in names)
        cursor = self.connection.connection.cursor()
        if self.postgresql and not self._pipelined and sum(len(rows) for rows, _ in heaps) >= COPY_FROM_ROWS:
            with cursor.copy(f'COPY "{table.name}" ({listed}) FROM STDIN') as copy:
                for heap in heaps:
                    for block in _blocks(heap):
                        copy.write(block)
            return
        marks = ", ".join(["%s" if self.postgresql else "?"] * len(names))
        each = (rows.whole(common.values()) for rows, common in heaps)
        whole: Any = chain.from_iterable(each)  # one after the other: they need not all be made at once
        cursor.executemany(f'INSERT INTO "{table.name}" ({listed}) VALUES ({marks})', whole)  # noqa: S608 - names of ours, values apart

    def values(
        self, name: str, columns: Mapping[str, type[TypeEngine[Any]]], rows: Sequence[Sequence[Any]]
    ) -> Subquery:
        """Rows as a table one can join: one parameter whatever their number, so the statement is compiled and planned once."""
        if self.postgresql:
            lists = list(zip(*rows, strict=True)) or [()] * len(columns)
            arrays = [
                bindparam(None, values, type_=array_of(kind, self.connection.dialect))
                for (_, kind), values in zip(columns.items(), lists, strict=True)
            ]
            unnested = func.unnest(*arrays).table_valued(*(column(key, kind()) for key, kind in columns.items()))
            derived = unnested.render_derived(name=f"{name}_rows")
            return select(*derived.c).subquery(name)
        each = func.json_each(bindparam(None, json.dumps(list(map(list, rows))), type_=Text())).table_valued("value")
        picked = [
            func.json_extract(each.c.value, f"$[{place}]", type_=kind()).label(key)
            for place, (key, kind) in enumerate(columns.items())
        ]
        return select(*picked).subquery(name)

    def among(
        self, subject: ColumnElement[Any], values: Sequence[Any], kind: type[TypeEngine[Any]] = Id
    ) -> ColumnElement[bool]:
        """`subject` is one of `values`: one parameter, however many there are."""
        if self.postgresql:
            return subject == func.any(bindparam(None, values, type_=array_of(kind, self.connection.dialect)))
        each = func.json_each(bindparam(None, json.dumps(list(values)), type_=Text())).table_valued("value")
        return subject.in_(select(each.c.value))


def _blocks(heap: Heap) -> Iterator[str]:
    """The text of a COPY, some rows at a time: the database reads one block while the next is made."""
    rows, common = heap
    for start in range(0, len(rows), COPY_BLOCK):
        yield rows.part(start, start + COPY_BLOCK).lines(list(common.values()))


class Database:
    """A database by its URL. `begin`, `read` and `snapshot` are the only ways in."""

    def __init__(self, url: str, *, pool_size: int = 20, greet: Greet | None = None) -> None:
        """`greet` sees each new connection of PostgreSQL before anybody works on it."""
        self.url = make_url(url)
        self.engine = _sqlite(url) if self.url.get_backend_name() == "sqlite" else _postgresql(url, pool_size, greet)
        self.dialect = self.engine.dialect.name
        self._writer = threading.Lock() if self.dialect == "sqlite" else None
        self._writing = self.engine.execution_options(smshub_writes=True)

    @contextmanager
    def begin(self) -> Iterator[Connected]:
        """A write transaction: commits at the end, rolls back on any error."""
        if self._writer is None:
            with self._writing.begin() as connection:
                yield Connected(connection)
            return
        with self._writer, self._writing.begin() as connection:
            yield Connected(connection)

    @contextmanager
    def read(self) -> Iterator[Connected]:
        """A transaction that sees one moment of the database on SQLite, and committed rows on PostgreSQL."""
        with self.engine.connect() as connection:
            yield Connected(connection)

    @contextmanager
    def snapshot(self) -> Iterator[Connected]:
        """A transaction for reading that sees one moment on PostgreSQL too: for what compares several statements.

        https://www.postgresql.org/docs/current/transaction-iso.html#XACT-REPEATABLE-READ
        """
        with self.engine.connect() as connection:
            connected = Connected(connection)
            if connected.postgresql:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connected

    def close(self) -> None:
        self.engine.dispose()


def _sqlite(url: str) -> Engine:
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
        pool_size=20,
        max_overflow=40,
        hide_parameters=True,  # the words of an error may be logged; recipients may not
    )

    def connected(raw: Any, _record: object) -> None:
        raw.isolation_level = None  # we say BEGIN ourselves, below
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "temp_store = MEMORY",
            "cache_size = -32000",
        ):
            raw.execute(f"PRAGMA {pragma}")

    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("smshub_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


def _postgresql(url: str, pool_size: int, greet: Greet | None) -> Engine:
    address = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(
        address,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=POOL_TIMEOUT_S,
        pool_use_lifo=True,  # the connections that were used last know the statements, and the others are let alone
        connect_args={name: value for name, value in CONNECTION.items() if name not in address.query},
    )

    def connected(raw: psycopg.Connection[Any], _record: object) -> None:
        raw.adapters.register_loader("uuid", TextLoader)  # ids are strings in Python
        if greet is not None:
            greet(raw)

    def checked_out(raw: psycopg.Connection[Any], record: Any, _proxy: object) -> None:
        """One that lay long is asked whether it still is a connection. A younger one fails once at most, and all are made anew then."""
        now = monotonic()
        if now - record.info.get("used_at", now) > IDLE_S:
            try:
                raw.execute("SELECT 1")
                raw.rollback()
            except psycopg.Error as gone:
                raise DisconnectionError from gone
        record.info["used_at"] = now

    event.listen(engine, "connect", connected)
    event.listen(engine, "checkout", checked_out)
    return engine
