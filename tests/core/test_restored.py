"""A database that was brought back from a backup waits for an operator, and what it had queued is asked about, not sent again."""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import make_url, select

from core import restored
from core.carriers.contract import Carrier, Found, Lookup
from core.database import Database
from core.schema import pauses
from core.sending import chunks
from core.sending.drafts import Draft
from core.witness import Witness
from tests.support import postgres
from tests.support.engine import Engine
from tests.support.scripted import PLAIN, Scripted
from tests.support.world import NOON

NUMBERS = [f"+336120000{place}" for place in range(20, 40)]
LATER = NOON + 60_000


class Backup:
    """A backup as an operator makes it, and brings it back: pg_dump and pg_restore, or a copy of the file."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.copy = make_url(url), folder / "backup"
        self.sqlite = url.startswith("sqlite")
        self.mark = folder / "hub.mark"

    def take(self) -> None:
        if self.sqlite:
            with closing(sqlite3.connect(str(self.url.database))) as live, closing(sqlite3.connect(self.copy)) as copy:
                live.backup(copy)
        else:
            self._run("pg_dump", "--format=custom", f"--file={self.copy}", self._dsn())

    def bring_back(self) -> None:
        if self.sqlite:
            for rest in ("-wal", "-shm"):
                Path(f"{self.url.database}{rest}").unlink(missing_ok=True)
            shutil.copyfile(self.copy, str(self.url.database))
        else:
            self._run("pg_restore", "--clean", f"--dbname={self._dsn()}", self.copy)

    def look(self) -> None:
        """A process of the hub starts on it."""
        database = Database(self.url.render_as_string(), greet=lambda raw: Witness().greet(raw, LATER))
        if self.sqlite:
            with closing(Engine(str(self.url), self.copy.parent)) as engine:
                engine.clock.now = LATER
                with engine.runtime.begin() as tx:
                    restored.check_file(tx, Path(str(self.url.database)), self.mark)
        else:
            with database.read():
                pass
        database.close()

    def _dsn(self) -> str:
        return f"host={self.url.query['host']} user={self.url.username} dbname={self.url.database}"

    @staticmethod
    def _run(program: str, *arguments: object) -> None:
        subprocess.run([postgres._programs() / program, *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture
def backup(database_url: str, tmp_path: Path) -> Backup:
    made = Backup(database_url, tmp_path)
    made.look()
    return made


@pytest.fixture
def engine(backup: Backup, database_url: str, tmp_path: Path) -> Iterator[Engine]:
    with closing(Engine(database_url, tmp_path)) as made:
        yield made


def again(engine: Engine, tmp_path: Path, carrier: Carrier | None = None) -> Engine:
    """The hub as it starts after the restore."""
    made = Engine(engine.database.url.render_as_string(), tmp_path, carrier=carrier)
    made.clock.now = LATER + 1000
    return made


def mark(engine: Engine, backup: Backup) -> None:
    with engine.runtime.read() as tx:
        restored.leave_mark(tx, backup.mark)


def standing(engine: Engine) -> restored.Standing | None:
    with engine.runtime.read() as tx:
        return restored.standing(tx)


def resume(engine: Engine) -> None:
    with engine.runtime.begin() as tx:
        chunks.resume(tx, "hub", "")


def test_a_database_that_is_looked_at_again_is_not_paused(engine: Engine, backup: Backup) -> None:
    engine.send(engine.account(), NUMBERS[0])
    engine.settle()
    mark(engine, backup)
    backup.look()
    assert standing(engine) is None


def test_what_was_sent_since_the_backup_is_not_sent_again(engine: Engine, backup: Backup, tmp_path: Path) -> None:
    account = engine.account()
    sent = [engine.send(account, number).id for number in NUMBERS]
    backup.take()
    engine.settle()
    mark(engine, backup)
    engine.close()
    backup.bring_back()
    backup.look()

    with closing(again(engine, tmp_path)) as after:
        found = standing(after)
        assert found is not None
        assert found.queued == {"simulator": 20}
        fresh = after.send(account, "+33612000050")
        while restored.doubt(after.runtime):
            pass
        assert {row.status for row in after.messages(account) if row.id in sent} == {"unknown"}
        assert after.faults() == []
        after.later(rounds=5, seconds=5)
        assert len(after.taken()) == 20, "nothing is sent while the hub waits"
        resume(after)
        after.later(rounds=3, seconds=5)
        assert sorted(one.reference for one in after.taken()) == sorted([*sent, fresh.id]), "each once"
        assert {row.status for row in after.messages(account)} <= {"sent", "received", "delivered_operator"}
        assert after.faults() == []


def test_what_the_carrier_never_had_is_sent_after_the_operators_word(
    engine: Engine, backup: Backup, tmp_path: Path
) -> None:
    account = engine.account()
    waiting = engine.send(account, NUMBERS[0]).id
    backup.take()
    engine.send(account, NUMBERS[1])
    mark(engine, backup)
    engine.close()
    backup.bring_back()
    backup.look()
    with closing(again(engine, tmp_path)) as after:
        while restored.doubt(after.runtime):
            pass
        after.later(rounds=3, seconds=5)
        assert after.taken() == []
        resume(after)
        after.settle()
        assert [one.reference for one in after.taken()] == [waiting]


def test_a_campaign_that_had_begun_waits_for_a_word_of_its_own(engine: Engine, backup: Backup, tmp_path: Path) -> None:
    account = engine.account()
    begun = engine.campaign(account, *NUMBERS)
    due = engine.campaign(account, *NUMBERS, send_at=NOON + 30_000)
    tomorrow = engine.campaign(account, *NUMBERS, send_at=NOON + 86_400_000)
    backup.take()
    engine.later(minutes=1)
    mark(engine, backup)
    engine.close()
    backup.bring_back()
    backup.look()
    with closing(again(engine, tmp_path)) as after:
        found = standing(after)
        assert found is not None
        assert set(found.campaigns) == {begun.id, due.id}
        resume(after)
        after.settle()
        assert len(after.taken()) == 40, "what was sent before the restore, and nothing more"
        with after.runtime.begin() as tx:
            assert tomorrow.id not in {row.subject for row in tx.all(select(pauses))}


def test_a_carrier_that_cannot_tell_is_left_to_the_operator(engine: Engine, backup: Backup, tmp_path: Path) -> None:
    account = engine.account()
    engine.send(account, NUMBERS[0])
    backup.take()
    engine.send(account, NUMBERS[1])
    mark(engine, backup)
    engine.close()
    backup.bring_back()
    backup.look()
    with closing(Engine(engine.database.url.render_as_string(), tmp_path, lookup=False)) as after:
        after.clock.now = LATER + 1000
        assert restored.doubt(after.runtime) == 0
        assert restored.doubt(after.runtime, blind=True) == 1
        assert [row.status for row in after.messages(account)] == ["unknown"]
        after.later(days=2, minutes=1)
        assert [row.status for row in after.messages(account)] == ["sent"], "assumed, at the end of its validity"
        assert after.taken() == []


def test_a_hub_that_was_paused_already_waits_for_the_restore_too(
    engine: Engine, backup: Backup, tmp_path: Path
) -> None:
    with engine.runtime.begin() as tx:
        chunks.pause(tx, "hub", "", "operator")
    engine.send(engine.account(), NUMBERS[0])
    backup.take()
    engine.send(engine.account("Other"), NUMBERS[1])
    mark(engine, backup)
    engine.close()
    backup.bring_back()
    backup.look()
    with closing(again(engine, tmp_path)) as after:
        assert standing(after) is not None


def test_what_was_scheduled_for_a_time_since_the_backup_is_not_sent_again(
    engine: Engine, backup: Backup, tmp_path: Path
) -> None:
    account = engine.account()
    sent = [engine.send(account, number, send_at=NOON + 30_000).id for number in NUMBERS]
    backup.take()
    engine.later(minutes=1)
    assert len(engine.taken()) == 20
    mark(engine, backup)
    engine.close()
    backup.bring_back()
    backup.look()
    with closing(again(engine, tmp_path)) as after:
        after.settle()  # the start runs by itself, before or after the operator asks
        while restored.doubt(after.runtime):
            pass
        after.later(rounds=5, seconds=5)
        resume(after)
        after.later(rounds=3, seconds=5)
        assert sorted(one.reference for one in after.taken()) == sorted(sent), "each once"
        assert after.faults() == []


def test_a_whole_chunk_is_asked_about_however_large(engine: Engine, backup: Backup, tmp_path: Path) -> None:
    account = engine.account(credits=5_000)
    everyone = [f"+336{10_000_000 + 100 * place + 20}" for place in range(1_200)]
    sent = [one.id for one in engine.send_all(account, [Draft(number, "Bonjour") for number in everyone])]
    backup.take()
    engine.settle()
    mark(engine, backup)
    engine.close()
    backup.bring_back()
    backup.look()
    with closing(again(engine, tmp_path)) as after:
        while restored.doubt(after.runtime):
            pass
        after.later(rounds=8, seconds=5)
        assert {row.status for row in after.messages(account)} <= {"sent", "delivered_operator", "received"}
        assert len(sent) == len(after.taken()) == 1_200
        assert after.faults() == []


def test_those_that_a_carrier_cannot_tell_of_hold_up_no_others(engine: Engine, backup: Backup, tmp_path: Path) -> None:
    account = engine.account(credits=5_000)
    everyone = [f"+336{10_000_000 + 100 * place + 20}" for place in range(1_200)]
    engine.send_all(account, [Draft(number, "Bonjour") for number in everyone])
    sent = [row.id for row in engine.messages(account)]
    backup.take()
    mark(engine, backup)
    engine.send(account, NUMBERS[0])
    engine.close()
    backup.bring_back()
    backup.look()
    known: dict[str, Lookup] = {reference: Found(reference, None) for reference in sent[500:]}
    carrier = Scripted("simulator", replace(PLAIN, looks_up=True), told=known)
    with closing(again(engine, tmp_path, carrier)) as after:
        while restored.doubt(after.runtime):
            pass
        after.later(seconds=5)
        untold = [row.id for row in after.messages(account) if row.status == "unknown"]
        assert untold == sent[:500], "and all the others are settled at once"
        assert max(map(len, carrier.asked)) <= 500
