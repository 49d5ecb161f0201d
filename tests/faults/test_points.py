"""A crash at each fault point, on each database: what was promised is done by the next process, once."""

import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from core import campaigns, contacts, imports, recovery, schema
from hub.faults import KILLED
from tests.support.serving import SECRET, Process, Site, free_port, numbers, stamp, wait_for

pytestmark = pytest.mark.slow
CARRIERS = '[{"name": "simulator", "kind": "simulator", "answer_ms": 1, "receipt_ms": 10}]'
SENDING = ("after_claim:2", "after_submit:1", "after_submit:2", "after_record:1")


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    stamp(database_url)
    made = Site(database_url, tmp_path)
    yield made
    made.close()


def process(site: Site, **more: str) -> Process:
    """All that works: `serve` on SQLite, a worker on PostgreSQL."""
    role = "worker" if site.database.dialect == "postgresql" else "serve"
    settings = {
        "SMSHUB_DATABASE_URL": site.url,
        "SMSHUB_SECRET_KEYS": SECRET,
        "PORT": str(free_port()),
        "SMSHUB_CARRIERS": CARRIERS,
    }
    return Process(role, site.folder, **(settings | more))


def crash(site: Site, point: str) -> None:
    with process(site, SMSHUB_CRASH_AT=point) as hub:
        assert hub.ends() == KILLED, hub.err.read_text()
    if (
        site.database.dialect == "postgresql"
    ):  # the leases of the dead end by themselves in a minute; `serve` need not wait either
        recovery.recover(site.runtime)


def campaign(site: Site, people: int) -> str:
    account, _ = site.open_account()
    with site.runtime.begin() as tx:
        draft = campaigns.CampaignDraft("Bonjour", recipients=[{"to": f"+{number}"} for number in numbers(people)])
        return str(campaigns.create(tx, account, "api", draft).id)


def finished(site: Site, campaign_id: str) -> Any:
    with site.runtime.read() as tx:
        waiting = select(func.count()).where(schema.messages.c.status != "received")
        row = tx.one(select(schema.campaigns.c.status).where(schema.campaigns.c.id == campaign_id))
        return row is not None and row.status == "finished" and tx.scalar(waiting) == 0


def check_once(site: Site, people: int) -> None:
    assert Counter(one.number for one in site.taken()) == Counter(numbers(people))
    assert site.faults() == []


@pytest.mark.parametrize("point", SENDING)
def test_a_window_is_sent_once(site: Site, point: str) -> None:
    campaign_id = campaign(site, 1200)
    crash(site, point)
    with process(site):
        wait_for(lambda: finished(site, campaign_id))
    check_once(site, 1200)


def test_a_campaign_is_expanded_once(site: Site) -> None:
    campaign_id = campaign(site, 6000)
    crash(site, "expansion.page:2")
    assert site.taken() == []
    with process(site):
        wait_for(lambda: finished(site, campaign_id))
    check_once(site, 6000)


def test_an_import_is_done_once(site: Site) -> None:
    account, _ = site.open_account()
    lines = "\n".join(["number;prenom", *(f"+{number};Zoé" for number in numbers(2500))])
    job = imports.accept(
        site.runtime, account.id, io.BytesIO(lines.encode()), "people.csv", imports.Wish(group_name="All")
    )
    crash(site, "import.batch:2")
    with process(site):
        done = wait_for(lambda: ended(site, account.id, job.id))
    assert (done.created, done.updated, done.rejected, done.duplicates) == (2500, 0, 0, 0)
    with site.runtime.read() as tx:
        assert tx.scalar(select(func.count()).select_from(schema.contacts)) == 2500
        assert tx.scalar(select(func.count()).select_from(schema.group_members)) == 2500
        assert contacts.listed(tx, account.id, 1)[0].prenom == "Zoé"


def ended(site: Site, account_id: str, import_id: str) -> imports.Import | None:
    with site.runtime.read() as tx:
        found = imports.get(tx, account_id, import_id)
    return found if found.status == "finished" else None
