"""kill -9 at each of the eight steps of a mail: when all has come to rest everybody got one SMS, and who wrote was told."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email import message_from_bytes
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import func, select, update

from connectors.mail2sms import CONNECTOR
from connectors.mail2sms.tables import letters, mailboxes, mails
from core import recovery, schema, wall_clock
from hub.connections import book as connections
from hub.faults import KILLED
from hub.installations.book import Book
from hub.registry import Registry
from hub.secrets import keys_from
from tests.support.dns import NameServer
from tests.support.dovecot import PASSWORD, USER, Dovecot
from tests.support.serving import SECRET, Process, Site, free_port, numbers, stamp, wait_for
from tests.support.signing import key_of, mail, signed

pytestmark = pytest.mark.slow
SENDER: Final = "ann@office.example"
CARRIERS: Final = '[{"name": "simulator", "kind": "simulator", "answer_ms": 1, "receipt_ms": 10}]'
PEOPLE: Final = 3
# 1 size, 2 fetch, 3 kept, 4 read, 5 accepted, 6 put away: where mails come in; 7 sent, 8 told: where the engine and jobs work.
LISTENING: Final = ("mail.sized:2", "mail.fetched:2", "mail.kept:2", "mail.read:2", "mail.accepted:2", "mail.moved:2")
WORKING: Final = ("after_claim:1", "after_submit:1", "mail.mailed:2")
POINTS: Final = (*LISTENING, *WORKING)


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    stamp(database_url)
    made = Site(database_url, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    key = key_of("office.example")
    with NameServer({key.name: key.record}) as server:
        yield server


@pytest.mark.parametrize("point", POINTS)
def test_case_52_a_mail_is_one_sms_for_everybody_whatever_dies_when(site: Site, names: NameServer, point: str) -> None:
    with Dovecot() as box:
        install(site, box)
        wanted = Counter(numbers(2 * PEOPLE))
        for place in range(2):  # the second one is where it dies: the first is done by then, or half done
            box.deliver(letter(place), "sms@sms.example")
        with running(site, names, **{role_of(site, point): point}) as processes:
            assert processes[role_of(site, point)].ends() == KILLED
        over(site)
        with running(site, names):
            wait_for(lambda: at_rest(site, box))
        assert Counter(one.number for one in site.taken()) == wanted
        assert site.faults() == []
        assert box.count("Processed") == 2
        told = [message_from_bytes(path.read_bytes()) for path in (site.folder / "mail").glob("*.eml")]
        assert {one["X-Envelope-To"] for one in told} == {f"<{SENDER}>"}
        # A letter may go twice, under one Message-ID: mail programs show it once.
        assert len({one["Message-ID"] for one in told}) == written(site)


def letter(place: int) -> bytes:
    """A mail to some people of its own."""
    to = ", ".join(f"{number}@sms.example" for number in numbers(2 * PEOPLE)[place * PEOPLE : (place + 1) * PEOPLE])
    key = key_of("office.example")
    at = wall_clock()  # what was signed long before it comes is held
    return signed(mail(SENDER, to, f"Bonjour {place}", message_id=f"{place}@office.example", at=at), key, at=None)


def install(site: Site, box: Dovecot) -> None:
    account, _ = site.open_account()
    settings = {
        "domain": "sms.example",
        "allowed_senders": ["@office.example"],
        "mailbox": {"host": "127.0.0.1", "port": box.port, "tls": "none", "username": USER, "password": PASSWORD},
    }
    book = Book(Registry((CONNECTOR,)), keys_from([SECRET]), connections.forget)
    with site.runtime.begin() as tx:
        book.create(tx, account.id, CONNECTOR, settings, "test")


@contextmanager
def running(site: Site, names: NameServer, **crash: str) -> Iterator[dict[str, Process]]:
    """All that works: `serve` on SQLite, a worker and a listener on PostgreSQL. crash: at which point one of them dies."""
    settings = {
        "SMSHUB_DATABASE_URL": site.url,
        "SMSHUB_SECRET_KEYS": SECRET,
        "SMSHUB_CARRIERS": CARRIERS,
        "SMSHUB_DNS": names.where,
    }
    roles = ("worker", "listen") if site.database.dialect == "postgresql" else ("serve",)
    with ExitStack() as stack:
        found = {}
        for role in roles:
            own = settings | {"PORT": str(free_port())} | ({"SMSHUB_CRASH_AT": crash[role]} if role in crash else {})
            found[role] = stack.enter_context(Process(role, site.folder, **own))
        yield found


def role_of(site: Site, point: str) -> str:
    if site.database.dialect != "postgresql":
        return "serve"
    return "listen" if point in LISTENING else "worker"


def over(site: Site) -> None:
    """The leases of the dead end by themselves in a minute; nobody here waits for that."""
    if site.database.dialect == "postgresql":
        recovery.recover(site.runtime)
    with site.runtime.begin() as tx:
        tx.execute(update(mailboxes).values(owner=None, lease_until=0))
        tx.execute(update(schema.jobs).where(schema.jobs.c.done_at.is_(None)).values(lease_until=None, due_at=tx.now))


def at_rest(site: Site, box: Dovecot) -> bool:
    """The mailbox is empty, everybody has their SMS, and every letter that there is yet is mailed."""
    with site.runtime.read() as tx:
        heard = tx.scalar(select(func.count()).where(schema.messages.c.status == "received"))
        taken = tx.scalar(select(func.count()).where(mails.c.state.in_(["accepted", "done"])))
        unsent = tx.scalar(select(func.count()).where(letters.c.sent_at.is_(None)))
    return (heard, taken, unsent) == (2 * PEOPLE, 2, 0) and box.count() == 0


def written(site: Site) -> Any:
    with site.runtime.read() as tx:
        found = tx.all(select(letters.c.kind, func.count().label("many")).group_by(letters.c.kind))
        assert {row.kind: row.many for row in found}["accepted"] == 2, json.dumps([tuple(row) for row in found])
        return sum(row.many for row in found)
