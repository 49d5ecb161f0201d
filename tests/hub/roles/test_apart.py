"""`smshub web` and `smshub worker` beside each other on PostgreSQL."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from core import schema
from hub.bell import UNREACHABLE
from tests.support.serving import SECRET, Api, Process, Site, free_port, numbers, smshub, stamp, wait_for

pytestmark = pytest.mark.slow
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@on_postgresql
def test_the_web_takes_a_message_and_a_worker_sends_it(database_url: str, tmp_path: Path) -> None:
    stamp(database_url)
    site = Site(database_url, tmp_path)
    _, key = site.open_account()
    port = free_port()
    settings = {"SMSHUB_DATABASE_URL": database_url, "SMSHUB_SECRET_KEYS": SECRET, "PORT": str(port)}
    settings["SMSHUB_WEB_PROCESSES"] = "2"
    with Process("web", tmp_path, **settings) as web, Process("worker", tmp_path, **settings) as worker:
        web.ready()
        worker.ready(word=" works for ")
        api = Api(port, key)
        assert api.healthy()
        sent = api.post("/messages", {"to": "0612345678", "text": "Bonjour"})
        wait_for(lambda: api.get(f"/messages/{sent['id']}")["status"] == "received")
        counted = 'smshub_requests_total{method="POST",route="/api/v1/messages",status="201"} 1.0'
        for _ in range(8):  # connections of their own, so of either process: each tells of all
            assert counted in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
        assert (web.stop(), worker.stop()) == (0, 0)
    assert [one.reference for one in site.taken()] == [sent["id"]]
    assert leases(site) == [0]
    site.close()


@on_postgresql
def test_a_web_process_that_dies_is_followed_by_another_and_a_parent_that_dies_takes_all_along(
    database_url: str, tmp_path: Path
) -> None:
    stamp(database_url)
    site = Site(database_url, tmp_path)
    _, key = site.open_account()
    port = free_port()
    settings = {
        "SMSHUB_DATABASE_URL": database_url,
        "SMSHUB_SECRET_KEYS": SECRET,
        "PORT": str(port),
        "SMSHUB_WEB_PROCESSES": "2",
    }
    with Process("web", tmp_path, **settings) as web:
        web.ready()
        first, second = children(web)
        assert (
            len(list(Path(f"/proc/{web.process.pid}/task").iterdir())) == 1
        )  # of what is forked, nothing runs meanwhile
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: len(children(web)) == 2 and first not in children(web))
        assert Api(port, key).get("/me")["account_name"] == "Acme"
        other = smshub("web", folder=tmp_path, **settings)
        assert (other.returncode, f"Port {port} of 127.0.0.1 is in use" in other.stderr) == (1, True)
        last = children(web)
        web.kill()
        wait_for(lambda: not any(Path(f"/proc/{child}").exists() for child in (second, *last)))
    site.close()


@on_postgresql
def test_listen_serves_carriers_that_live_on_connections_and_workers_the_others(
    database_url: str, tmp_path: Path
) -> None:
    stamp(database_url)
    site = Site(database_url, tmp_path)
    _, key = site.open_account()
    port = free_port()
    settings = {
        "SMSHUB_DATABASE_URL": database_url,
        "SMSHUB_SECRET_KEYS": SECRET,
        "PORT": str(port),
        "SMSHUB_WEB_PROCESSES": "1",
        "SMSHUB_CARRIERS": '[{"name": "simulator", "kind": "simulator", "connected": true, "receipt_ms": 0}]',
    }
    with Process("web", tmp_path, **settings) as web, Process("worker", tmp_path, **settings) as worker:
        web.ready()
        worker.ready(word=" works for no carrier of its own")
        api = Api(port, key)
        ids = [api.post("/messages", {"to": f"+{one}", "text": "Bonjour"})["id"] for one in numbers(3)]
        with Process("listen", tmp_path, **settings) as listen:
            listen.ready(word=" listens for simulator")
            wait_for(lambda: {api.get(f"/messages/{one}")["status"] for one in ids} == {"received"})
            assert leases(site) != [0]
            assert listen.stop() == 0
        assert leases(site) == [0]
        assert (web.stop(), worker.stop()) == (0, 0)
    assert sorted(one.reference for one in site.taken()) == sorted(ids)
    site.close()


@on_postgresql
def test_listen_with_nothing_to_listen_to_says_so_and_stays(database_url: str, tmp_path: Path) -> None:
    stamp(database_url)
    with Process("listen", tmp_path, SMSHUB_DATABASE_URL=database_url, SMSHUB_SECRET_KEYS=SECRET) as listen:
        listen.ready(word=" has nothing to listen for yet")
        assert listen.process.poll() is None
        assert listen.stop() == 0


@on_postgresql
def test_a_hub_works_while_its_redis_is_away_and_says_that_it_is(database_url: str, tmp_path: Path) -> None:
    stamp(database_url)
    site = Site(database_url, tmp_path)
    _, key = site.open_account()
    port = free_port()
    settings = {
        "SMSHUB_DATABASE_URL": database_url,
        "SMSHUB_SECRET_KEYS": SECRET,
        "PORT": str(port),
        "SMSHUB_WEB_PROCESSES": "1",
        "SMSHUB_REDIS_URL": f"unix://{tmp_path / 'nowhere.sock'}",
    }
    with Process("web", tmp_path, **settings) as web, Process("worker", tmp_path, **settings) as worker:
        web.ready()
        worker.ready(word=" works for ")
        api = Api(port, key)
        sent = api.post("/messages", {"to": "0612345678", "text": "Bonjour"})
        wait_for(lambda: api.get(f"/messages/{sent['id']}")["status"] == "received")
        found = wait_for(lambda: (body := health(port)) and body["status"] == "degraded" and body)
        assert found["reasons"] == [UNREACHABLE]
        assert api.healthy()
        assert (web.stop(), worker.stop()) == (0, 0)
        assert worker.err.read_text().count("bell.unheard") <= 1
    site.close()


def children(process: Process) -> list[int]:
    pid = process.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def leases(site: Site) -> list[int]:
    with site.runtime.read() as tx:
        return [row.lease_until for row in tx.all(select(schema.lanes.c.lease_until))]


def health(port: int) -> Any:
    return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=60).json()


@on_postgresql
@pytest.mark.parametrize("role", ["web", "worker", "listen"])
def test_tables_of_another_version_are_not_worked_on(database_url: str, tmp_path: Path, role: str) -> None:
    settings = {"SMSHUB_DATABASE_URL": database_url, "SMSHUB_SECRET_KEYS": SECRET, "PORT": str(free_port())}
    said = smshub(role, folder=tmp_path, **settings)
    assert said.returncode == 1
    assert "run `smshub db upgrade` first" in said.stderr


@on_postgresql
def test_serve_says_that_it_is_for_sqlite(database_url: str, tmp_path: Path) -> None:
    said = smshub("serve", folder=tmp_path, SMSHUB_DATABASE_URL=database_url, SMSHUB_SECRET_KEYS=SECRET)
    assert said.returncode == 2
    assert "`smshub web` and `smshub worker`" in said.stderr
