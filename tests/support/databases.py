"""An empty database, with all tables, for each test: a copy of a file on SQLite, an emptied database of the worker on PostgreSQL.

On PostgreSQL a copy of a template takes 90 ms. Emptying the tables that the last test wrote takes a tenth of that, so each worker keeps
one database; it is made anew only when a test changed the tables themselves.
"""

import shutil
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import NullPool, create_engine, make_url

from connectors.contract import Connector
from hub import registry
from tests.support import postgres
from tests.support.peers import PeerMissingError

TEMPLATE = "smshub_template"

# What stands in the database besides rows. A test of migrations changes it.
SHAPE = """
    SELECT md5(string_agg(concat(n.nspname, c.relname, c.relkind, c.relnatts, c.relchecks, c.relhastriggers), ' ' ORDER BY c.oid))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^(pg_|information_schema)'
"""
WRITTEN = (
    "SELECT c.oid::regclass::text FROM pg_class c WHERE relkind = 'r' AND oid >= 16384 AND pg_relation_size(oid) > 0"
)
# A thread that a test left behind must not write into the next one.
HANG_UP = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def create_tables(url: str) -> None:
    """What a new hub has: every table, those of the built-in connectors too, and no row."""
    from core.schema import metadata

    engine = create_engine(url, poolclass=NullPool)
    metadata.create_all(engine)
    for connector in built_in():
        for table in connector.tables:
            table.create(engine, checkfirst=True)
    engine.dispose()


def branches() -> list[Path]:
    """Their revisions."""
    return [one.migrations for one in built_in() if one.migrations is not None]


def built_in() -> list[Connector]:
    """The connectors that come with the hub."""
    loaded = [candidate.load() for candidate in registry.candidates() if candidate.origin == "built in"]
    return [one for one in loaded if isinstance(one, Connector)]


class SqliteFiles:
    """Copies of one template."""

    def __init__(self, template: Path) -> None:
        self.template = template

    def fresh(self, folder: Path) -> str:
        if not self.template.exists():
            create_tables(f"sqlite:///{self.template}")
        return f"sqlite:///{shutil.copyfile(self.template, folder / 'hub.sqlite3')}"


class PostgresDatabase:
    """The one database of this worker, on the server that all workers share. Nothing starts before it is asked for."""

    def __init__(self, home: Path, worker: str) -> None:
        self.home, self.name = home, f"smshub_{worker}"
        self.shape = ""
        self.connection: psycopg.Connection | None = None

    def fresh(self) -> str:
        if not self.shape:
            self._start()
        self._empty()
        return postgres.url(self.home, self.name)

    def close(self) -> None:
        if self.connection:
            self.connection.close()

    def _start(self) -> None:
        with postgres.locked(self.home / "start"):
            try:
                postgres.start(self.home)
            except postgres.PostgresError as wrong:
                raise PeerMissingError(wrong) from wrong
            with self._connect("postgres") as server:
                if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
                    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
                    create_tables(postgres.url(self.home, TEMPLATE))
        self._make()

    def _make(self) -> None:
        self.close()
        mine, template = sql.Identifier(self.name), sql.Identifier(TEMPLATE)
        with self._connect("postgres") as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(mine))
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(mine, template))
        self.connection = self._connect(self.name)
        self.shape = self._ask(SHAPE)[0]

    def _empty(self) -> None:
        self._ask(HANG_UP)
        if self._ask(SHAPE) != [self.shape]:
            self._make()
        elif written := self._ask(WRITTEN):
            self._ask(f"TRUNCATE {', '.join(written)} RESTART IDENTITY CASCADE")

    def _ask(self, statement: str) -> list[str]:
        assert self.connection
        cursor = self.connection.execute(statement.encode())
        return [row[0] for row in cursor.fetchall()] if cursor.description else []

    def _connect(self, database: str) -> psycopg.Connection:
        where = make_url(postgres.url(self.home, database))
        return psycopg.connect(
            host=str(where.query["host"]),
            user=where.username,
            dbname=database,
            autocommit=True,
            options="-c lock_timeout=10s",
        )
