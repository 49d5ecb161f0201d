"""`smshub web` and `smshub worker` beside each other on PostgreSQL."""

from pathlib import Path

import pytest

from tests.support.serving import SECRET, Api, Process, Site, free_port, smshub, stamp, wait_for

pytestmark = pytest.mark.slow
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@on_postgresql
def test_the_web_takes_a_message_and_a_worker_sends_it(database_url: str, tmp_path: Path) -> None:
    stamp(database_url)
    site = Site(database_url, tmp_path)
    _, key = site.open_account()
    port = free_port()
    settings = {"SMSHUB_DATABASE_URL": database_url, "SMSHUB_SECRET_KEYS": SECRET, "PORT": str(port)}
    with Process("web", tmp_path, **settings) as web, Process("worker", tmp_path, **settings) as worker:
        web.ready()
        worker.ready(word=" works for ")
        api = Api(port, key)
        assert api.healthy()
        sent = api.post("/messages", {"to": "0612345678", "text": "Bonjour"})
        wait_for(lambda: api.get(f"/messages/{sent['id']}")["status"] == "received")
        assert (web.stop(), worker.stop()) == (0, 0)
    assert [one.reference for one in site.taken()] == [sent["id"]]
    site.close()


@on_postgresql
@pytest.mark.parametrize("role", ["web", "worker"])
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
