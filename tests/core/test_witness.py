"""A PostgreSQL whose disk was brought back from a snapshot is noticed, though all that names it came back with it."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from core import accounts
from core.database import Database
from core.runtime import Runtime
from core.schema import pauses
from core.witness import Witness
from hub import database
from tests.support.peers import missing
from tests.support.postgres import PostgresError
from tests.support.servers import PostgresServer
from tests.support.world import NOON, rules

SMALL = {"shared_buffers": "32MB", "max_connections": "20"}

pytestmark = [pytest.mark.peer, pytest.mark.slow]


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with ExitStack() as stack:
        try:
            made = stack.enter_context(PostgresServer(settings=SMALL))
        except (PostgresError, OSError) as why:
            missing("postgresql", why)
        database.upgrade(made.url())
        yield made


def snapshot(server: PostgresServer) -> None:
    """As a disk, a volume or a virtual machine is copied: between one moment and the next."""
    server.stop()
    shutil.rmtree(server.home / "snapshot", ignore_errors=True)
    _copied(server.home / "data", server.home / "snapshot")
    server.start()


def bring_back(server: PostgresServer) -> None:
    server.kill()
    shutil.rmtree(server.home / "data")
    _copied(server.home / "snapshot", server.home / "data")
    server.start()


def _copied(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", source, target], check=True)


class Process:
    """A process of the hub: its connection, what it has seen, what it does."""

    def __init__(self, url: str, mark: Path | None, now: int) -> None:
        self.witness = Witness(mark)
        self.now = now
        self.database = Database(url, greet=lambda raw: self.witness.greet(raw, self.now))
        self.runtime = Runtime(self.database, rules(), clock=lambda: self.now)

    def works(self) -> None:
        with self.runtime.begin() as tx:
            accounts.create(tx, "Acme")
        with self.runtime.begin() as tx:
            self.witness.look(tx)

    def connects_again(self) -> None:
        self.database.close()

    def is_paused(self) -> bool:
        with self.runtime.read() as tx:
            return tx.one(select(pauses).where(pauses.c.kind == "hub")) is not None

    def resumes(self) -> None:
        with self.runtime.begin() as tx:
            tx.execute(pauses.delete())


@pytest.mark.parametrize("survives", [True, False], ids=["the process goes on", "another process starts"])
def test_a_snapshot_that_was_brought_back_pauses_the_hub_once(
    server: PostgresServer, tmp_path: Path, survives: bool
) -> None:
    url, mark = server.url(), tmp_path / "data" / "postgresql.mark"
    process = Process(url, mark, NOON)
    process.works()
    snapshot(server)
    process.now += 60_000
    process.connects_again()
    process.works()
    assert not process.is_paused(), "the database went on"
    bring_back(server)
    if survives:
        process.connects_again()
    else:
        process.database.close()
        process = Process(url, mark, NOON)
    process.now = NOON + 120_000
    assert process.is_paused()

    process.resumes()
    process.connects_again()
    assert not process.is_paused(), "an operator has spoken"
    process.works()
    process.connects_again()
    assert not process.is_paused()
    process.database.close()


def test_a_database_that_was_killed_and_recovered_is_the_one_it_was(server: PostgresServer, tmp_path: Path) -> None:
    process = Process(server.url(), tmp_path / "mark", NOON)
    for _ in range(3):
        process.works()
        server.kill()
        server.start()
        process.now += 60_000
        process.connects_again()
        assert not process.is_paused()
    process.database.close()
