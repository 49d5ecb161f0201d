"""A crash at each fault point, on each database: what was promised is done by the next process, once."""

import io
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import func, select, update

from core import campaigns, contacts, imports, recovery, schema, submit
from core.sending.drafts import Draft, Message
from hub.connections import book, refreshing
from hub.connections.asking import Given
from hub.faults import KILLED
from hub.hooks import endpoints
from hub.hooks.tables import deliveries
from hub.sealing.rotation import PAGE
from hub.secrets import keys_from
from tests.chaos.checker import Told, findings, left_behind
from tests.chaos.load import endpoint
from tests.faults.test_mail2sms_killed import POINTS as OF_MAILS
from tests.support.connected import installation_of, issuer
from tests.support.hooked import KEYS as TOKEN_KEYS
from tests.support.issuers import issuing
from tests.support.sealed import AFTER, ALONE, BEFORE, NEW, OLD, safe_on
from tests.support.serving import (
    PATIENCE_S,
    ROOT,
    SECRET,
    Process,
    Site,
    environment,
    free_port,
    numbers,
    smshub,
    stamp,
    wait_for,
)

pytestmark = pytest.mark.slow
CARRIERS = '[{"name": "simulator", "kind": "simulator", "answer_ms": 1, "receipt_ms": 10}]'
SENDING = ("after_claim:2", "after_submit:1", "after_submit:2", "after_record:1", "after_inbox:2")
TELLING = ("relayed:1", "posted:1")
ACCEPTING = ("before_accept:1", "after_accept:1")
WORKING = ("expansion.page:2", "import.batch:2")
SEALING = ("rotation.page:1", "connection.answered:1")


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    stamp(database_url)
    made = Site(database_url, tmp_path)
    yield made
    made.close()


def process(site: Site, **more: str) -> Process:
    """All that works: `serve` on SQLite, a worker on PostgreSQL."""
    role = "worker" if site.database.dialect == "postgresql" else "serve"
    return Process(role, site.folder, **(everything(site) | more))


def everything(site: Site) -> dict[str, str]:
    return {
        "SMSHUB_DATABASE_URL": site.url,
        "SMSHUB_SECRET_KEYS": SECRET,
        "SMSHUB_HOOK_ALLOW": "127.0.0.0/8",
        "PORT": str(free_port()),
        "SMSHUB_CARRIERS": CARRIERS,
    }


def test_every_fault_point_has_a_case() -> None:
    calls = re.compile(r"[.]fault\(\"([a-z_.]+)\"\)")
    code = [path for room in ("core", "hub", "connectors") for path in (ROOT / room).rglob("*.py")]
    points = {point for path in code for point in calls.findall(path.read_text(encoding="utf-8"))}
    cases = (*SENDING, *TELLING, *ACCEPTING, *WORKING, *SEALING, *OF_MAILS)
    assert points == {case.partition(":")[0] for case in cases}


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


@pytest.mark.parametrize("point", TELLING)
def test_every_event_is_told(site: Site, point: str) -> None:
    told = Told()
    with endpoint(told) as url:
        account, _ = site.open_account()
        with site.runtime.begin() as tx:
            wanted = endpoints.Wanted(url, ["message.status"], {}, batch=True)
            endpoints.create(site.runtime, tx, keys_from([SECRET]), account.id, wanted, "api")
        with site.runtime.begin() as tx:
            drafts = [Draft(f"+{number}", "Bonjour") for number in numbers(50)]
            assert all(isinstance(made, Message) for made in submit.submit(tx, account, "api", drafts))
        crash(site, point)
        with site.runtime.begin() as tx:  # what was being posted is posted again when its lease is over
            tx.execute(
                update(deliveries).where(deliveries.c.due_at.is_not(None)).values(due_at=tx.now, lease_until=None)
            )
        told.listening = account.id
        with process(site):
            wait_for(lambda: not left_behind(site.runtime))
    assert findings(site.runtime, site.taken(), told) == []


@pytest.mark.parametrize("point", ACCEPTING)
def test_who_asks_again_with_the_same_key_is_accepted_once(site: Site, point: str) -> None:
    account, key = site.open_account()
    port = free_port()
    role = "web" if site.database.dialect == "postgresql" else "serve"
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "one"}

    def ask() -> requests.Response:
        body = {"to": f"+{numbers(1)[0]}", "text": "Bonjour"}
        address = f"http://127.0.0.1:{port}/api/v1/messages"
        return requests.post(address, json=body, headers=headers, timeout=PATIENCE_S)

    settings = everything(site) | {"PORT": str(port), "SMSHUB_WEB_PROCESSES": "1"}
    with Process(role, site.folder, **(settings | {"SMSHUB_CRASH_AT": point})) as hub:
        hub.ready()
        with pytest.raises(requests.ConnectionError):
            ask()
    with Process(role, site.folder, **settings) as hub:
        hub.ready()
        answers = [ask() for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    with site.runtime.read() as tx:
        assert tx.scalar(select(func.count()).where(schema.messages.c.account_id == account.id)) == 1
    assert site.faults() == []


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
        assert contacts.page(tx, account.id, 1).rows[0].prenom == "Zoé"


def test_keys_are_rotated_to_the_end(site: Site) -> None:
    safe = safe_on(site.runtime)
    other = safe_on(site.runtime)
    made = dict(one.hook() for one in (safe, other) for _ in range(100))
    made |= dict(safe_on(site.runtime).hook() for _ in range(5))
    settings = everything(site) | {"SMSHUB_SECRET_KEYS": f"{NEW},{OLD}"}
    killed = smshub("keys", "rotate", folder=site.folder, **settings, SMSHUB_CRASH_AT="rotation.page:1")
    assert killed.returncode == KILLED, killed.stderr
    assert safe.sealing() == {AFTER.first: PAGE, BEFORE.first: len(made) - PAGE}
    rotated = smshub("keys", "rotate", folder=site.folder, **settings)
    assert (rotated.returncode, "(hooks.secret 5)" in rotated.stdout) == (0, True), rotated
    assert safe.sealing() == {AFTER.first: len(made)}
    assert {hook_id: safe.secret(hook_id, ALONE) for hook_id in list(made)[:100]} == dict(list(made.items())[:100])


@pytest.mark.parametrize("grace, heard", [(True, "access-1"), (False, "rejected")], ids=["grace", "no grace"])
def test_a_token_that_died_with_its_process(site: Site, grace: bool, heard: str) -> None:
    """A server that answers the same for a while heals it; for any other a spent token is a stolen one, and somebody connects again."""
    with issuing(grace=grace) as server:
        installation = installation_of(site.runtime)
        with site.runtime.begin() as tx:
            book.keep(tx, TOKEN_KEYS, installation, issuer(server), Given("access-0", "refresh-0", 1))

        def wants(ahead: int, **more: str) -> subprocess.CompletedProcess[str]:
            line = [sys.executable, "-P", "-m", "tests.faults.connecting", site.url, installation.id]
            own = environment(site.folder, **more)
            return subprocess.run(
                [*line, installation.account_id, str(ahead)], env=own, capture_output=True, text=True, check=False
            )

        killed = wants(1000, SMSHUB_CRASH_AT="connection.answered:1")
        assert killed.returncode == KILLED, killed.stderr
        again = wants(1000 + refreshing.LEASE_MS)
        assert (again.stdout, len(server.asked)) == (heard, 2), again.stderr
    with site.runtime.read() as tx:
        mails = tx.scalar(select(func.count()).where(schema.jobs.c.kind == refreshing.LOST_MAIL))
    assert mails == (0 if grace else 1)


def ended(site: Site, account_id: str, import_id: str) -> imports.Import | None:
    with site.runtime.read() as tx:
        found = imports.get(tx, account_id, import_id)
    return found if found.status == "finished" else None
