"""A crash before and after the commit of single sends: only what nobody was told of may be lost, and a key finds what was not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from sqlalchemy import func, select

from core import schema
from tests.support.serving import PATIENCE_S, SECRET, Process, Site, free_port, stamp, wait_for

pytestmark = pytest.mark.slow
CARRIERS = '[{"name": "simulator", "kind": "simulator", "answer_ms": 1, "receipt_ms": 10}]'


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    stamp(database_url)
    made = Site(database_url, tmp_path)
    yield made
    made.close()


def process(site: Site, port: int, **more: str) -> Process:
    """What takes messages: `serve` on SQLite, `web` on PostgreSQL."""
    role = "web" if site.database.dialect == "postgresql" else "serve"
    settings = {
        "SMSHUB_DATABASE_URL": site.url,
        "SMSHUB_SECRET_KEYS": SECRET,
        "PORT": str(port),
        "SMSHUB_WEB_PROCESSES": "1",
        "SMSHUB_CARRIERS": CARRIERS,
    }
    return Process(role, site.folder, **(settings | more))


def send(port: int, key: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "once"}
    body = {"to": "+33612345620", "text": "Bonjour"}
    return requests.post(f"http://127.0.0.1:{port}/api/v1/messages", json=body, headers=headers, timeout=PATIENCE_S)


def accepted(site: Site) -> int:
    with site.runtime.read() as tx:
        return int(tx.scalar(select(func.count()).select_from(schema.messages)))


@pytest.mark.parametrize("point, kept", [("before_accept", 0), ("after_accept", 1)])
def test_what_was_not_answered_is_whole_or_not_there_and_asked_again_it_is_sent_once(
    site: Site, point: str, kept: int
) -> None:
    _, key = site.open_account()
    port = free_port()
    with process(site, port, SMSHUB_CRASH_AT=point) as hub:
        hub.ready()
        with pytest.raises(requests.exceptions.RequestException):
            send(port, key)
        hub.kill()
    assert accepted(site) == kept
    with process(site, port) as hub:
        hub.ready()
        again = send(port, key)
        assert again.status_code == 201
        assert again.headers.get("Idempotency-Replayed") == ("true" if kept else None)
        assert send(port, key).json() == again.json()
        assert wait_for(lambda: accepted(site) == 1)
    assert site.faults() == []
