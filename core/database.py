"""One way to a database: write transactions (`begin`), read-only ones (`read`), and set-based statements on both databases.

SQLite has one writer: write transactions queue behind a lock in the process instead of sleeping in the busy handler.
PostgreSQL runs READ COMMITTED with row locks.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
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
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as on_postgresql
from sqlalchemy.dialects.sqlite import insert as on_sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.types import TypeEngine

from core.schema.types import Id

BUSY_TIMEOUT_S = 30
COUNTED: Final = {"preserve_rowcount": True}
COPY_FROM_ROWS = 20  # below this an INSERT of many rows is quicker than starting a COPY


class Connected:
    """What one transaction can do with its connection. Statements are SQLAlchemy Core."""

    __slots__ = ("connection", "postgresql")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.postgresql = connection.dialect.name == "postgresql"

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

    def upsert(self, table: Table) -> Any:
        """An INSERT that can say ON CONFLICT; both databases say it with the same words."""
        return on_postgresql(table) if self.postgresql else on_sqlite(table)

    def insert(self, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows at once: COPY on PostgreSQL, one prepared statement on SQLite. Values are in the order of `columns`."""
        if not rows:
            return
        cursor = self.connection.connection.cursor()
        names = ", ".join(f'"{name}"' for name in columns)
        if self.postgresql and len(rows) >= COPY_FROM_ROWS:
            with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s" if self.postgresql else "?"] * len(columns))
        cursor.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', rows)  # noqa: S608 - names of ours  # noqa: S608 - names of ours, values apart

    def values(
        self, name: str, columns: Mapping[str, type[TypeEngine[Any]]], rows: Sequence[Sequence[Any]]
    ) -> Subquery:
        """Rows as a table one can join: one parameter whatever their number, so the statement is compiled and planned once."""
        if self.postgresql:
            lists = list(zip(*rows, strict=True)) or [()] * len(columns)
            arrays = [
                bindparam(None, list(values), type_=ARRAY(kind()))
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
            return subject == func.any(bindparam(None, list(values), type_=ARRAY(kind())))
        each = func.json_each(bindparam(None, json.dumps(list(values)), type_=Text())).table_valued("value")
        return subject.in_(select(each.c.value))


class Database:
    """A database by its URL. `begin` and `read` are the only ways in."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self.url = make_url(url)
        self.engine = _sqlite(url) if self.url.get_backend_name() == "sqlite" else _postgresql(url, pool_size)
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

    def close(self) -> None:
        self.engine.dispose()


def _sqlite(url: str) -> Engine:
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        hide_parameters=True,  # the words of an error may be logged; recipients may not connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False}, pool_size=20, max_overflow=40, hide_parameters=True
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


def _postgresql(url: str, pool_size: int) -> Engine:
    address = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(
        address, hide_parameters=True, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True
    )

    def connected(raw: psycopg.Connection[Any], _record: object) -> None:
        raw.adapters.register_loader("uuid", TextLoader)  # ids are strings in Python

    event.listen(engine, "connect", connected)
    return engine
