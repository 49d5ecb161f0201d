"""A database that is full or away: callers and operators are told what to do, nothing is half done, and it ends by itself."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import event, func, select, text
from structlog.testing import capture_logs

from core import outages, schema
from hub.outage import Outages
from tests.chaos.house import House, Plan
from tests.support.engine import Engine
from tests.support.rest import RestClient
from tests.support.serving import numbers, wait_for

FULL = """
    CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER no_room BEFORE INSERT ON messages FOR EACH STATEMENT EXECUTE FUNCTION no_room();
"""
TIMEOUT_S = 20  # nobody hangs on a database that is away
ROOM = "DROP TRIGGER no_room ON messages; DROP FUNCTION no_room();"


@pytest.fixture
def engine(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    made = Engine(database_url, tmp_path)
    yield made
    made.close()


@contextmanager
def no_room(engine: Engine) -> Iterator[None]:
    """No table can grow: SQLite's file has its size, and PostgreSQL says what it says when a disk is full."""
    if engine.database.dialect == "postgresql":
        with engine.database.begin() as connected:
            connected.execute(text(FULL))
        yield
        with engine.database.begin() as connected:
            connected.execute(text(ROOM))
        return
    listened = (engine.database.engine, "connect", _no_larger)
    engine.database.engine.dispose()
    event.listen(*listened)
    yield
    event.remove(*listened)
    engine.database.engine.dispose()


def _no_larger(raw: Any, _record: object) -> None:
    raw.execute("PRAGMA max_page_count = 1")  # never below what it has


def test_a_full_disk_refuses_and_says_so_and_takes_all_again_once_there_is_room(engine: Engine, tmp_path: Path) -> None:
    account = engine.account()
    client = RestClient(engine, account, tmp_path)
    drafts = {"messages": [{"to": f"+{number}", "text": "Bonjour " + "x" * 100} for number in numbers(1000)]}
    with no_room(engine), capture_logs() as entries:
        answers = [client("POST", "/messages/batch", json=drafts, headers={"Idempotency-Key": "one"}) for _ in range(3)]
    for answer in answers:
        assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (507, "storage_full", "60")
        assert "make room" in answer.json["detail"]
    out = [entry for entry in entries if entry["event"] == "database.out"]
    assert [(entry["kind"], "make room" in entry["cure"]) for entry in out] == [("full", True)]
    assert not [entry for entry in entries if entry["event"] == "request.failed"]
    with engine.runtime.read() as tx:
        assert tx.scalar(select(func.count()).select_from(schema.messages)) == 0
    assert client("POST", "/messages/batch", json=drafts, headers={"Idempotency-Key": "one"}).status_code == 200
    engine.settle()
    assert len(engine.taken()) == 1000
    assert engine.faults() == []


def test_an_outage_is_told_once_a_minute_with_how_many_met_it() -> None:
    now = [0.0]
    told = Outages(lambda: now[0])
    with capture_logs() as entries:
        for second in range(121):
            now[0] = float(second)
            told.tell(_gone(), OSError())
    assert [entry["times_unsaid"] for entry in entries] == [0, 59, 59]


def _gone() -> outages.Outage:
    return outages.GONE


@pytest.mark.slow
def test_postgresql_goes_and_comes_back_and_no_process_is_started_again() -> None:
    with House(Plan(workers=1, listen=False)) as house:
        lives = {name: one.pid for name, one in house.residents.items()}
        house.kill("postgres")
        answer = ask(house, "/messages", {"to": "+33612345678", "text": "Bonjour"})
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) <= 10
        health = requests.get(f"{house.address}/healthz", timeout=TIMEOUT_S)
        assert (health.status_code, health.json()["database"]) == (503, "unreachable")
        assert "PostgreSQL runs" in health.json()["reasons"][0]
        worker = house.residents["worker-1"]
        wait_for(lambda: '"database.out"' in worker.words())
        house.again("postgres")
        made = wait_for(lambda: accepted(ask(house, "/messages", {"to": "+33612345678", "text": "Bonjour"})))
        wait_for(lambda: [one.reference for one in house.log()] == [made["id"]])
        assert {name: one.pid for name, one in house.residents.items()} == lives
        assert house.fallen() == []
        lines = [line for one in house.residents.values() for line in one.words().splitlines()]
        told = [line for line in lines if '"database.out"' in line]
        assert all(outages.GONE.cure in line for line in told)
        assert len(told) <= 2 + len(
            house.residents["web"].children()
        )  # a minute, and each process: its loops, its requests
        assert not [line for line in lines if '"loop.failed"' in line or '"request.failed"' in line]


def ask(house: House, path: str, body: Mapping[str, str]) -> requests.Response:
    headers = {"Authorization": f"Bearer {house.key}", "Idempotency-Key": "one"}
    return requests.post(f"{house.address}/api/v1{path}", json=body, headers=headers, timeout=TIMEOUT_S)


def accepted(answer: requests.Response) -> Any:
    return answer.json() if answer.status_code == 201 else None
