"""What people see of their mails, and operators of all of them; what waits is measured."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from connectors.mail2sms.commands import COMMANDS
from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.intake import leases
from connectors.mail2sms.lately import GAUGES, recent
from connectors.mail2sms.tables import mailboxes
from core import Refused
from tests.support.mail2sms import ANNE, NOTHING, NUMBER, Proves, Shop, unread
from tests.support.plugged import Plugged, plugged

MAILBOX = {"host": "imap.example.org", "username": "sms", "password": "correct horse battery"}
LISTED, BOXES = COMMANDS


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, CONNECTOR) as made:
        yield made


@pytest.fixture
def shop(hub: Plugged) -> Shop:
    return Shop(hub, mailbox=MAILBOX)


def printed(shop: Shop, **options: str) -> list[str]:
    return [line.split("  ", 3)[-1] for line in LISTED.run(shop.visit, options)]


def measured(shop: Shop, name: str) -> Mapping[str, float]:
    (gauge,) = [one for one in GAUGES if one.name == f"smshub_mail2sms_{name}"]
    with shop.hub.runtime.read() as tx:
        return gauge.read(tx)


def test_people_see_the_newest_mails_and_what_became_of_them(shop: Shop) -> None:
    shop.take(shop.mail("Votre commande"))
    shop.hub.engine.clock.forward(seconds=1)
    shop.take(shop.mail(sender="evil@else.example"))
    shop.take(shop.mail(sender="evil@else.example", Auto_Submitted="auto-replied"))
    with shop.hub.runtime.read() as tx:
        told = recent(tx, shop.installation, 2)
        everything = recent(tx, shop.installation, 10)
    assert [(one.outcome, one.well) for one in told] == [
        ("ignored: An automatic answer was ignored.", True),
        ("rejected: evil@else.example is not among the allowed senders.", False),
    ]
    first = everything[-1]
    assert (first.what, first.outcome, first.well) == (f"Mail from {ANNE}", "accepted, 1 recipient", True)
    assert first.at == shop.hub.engine.clock.now - 1000
    assert len(everything) == 3


def test_operators_see_mails_of_all_accounts_or_of_one_in_a_state(hub: Plugged, shop: Shop) -> None:
    other = Shop(hub, "other")
    shop.take(shop.mail("Votre commande"))
    shop.take(shop.mail(sender="evil@else.example"))
    other.take(other.mail())
    accepted, refused = f"{ANNE}  accepted, 1 recipient", "evil@else.example  rejected: "
    lines = printed(shop)
    assert (lines[0], lines[1].startswith(refused), lines[2]) == (accepted, True, accepted)
    assert printed(shop, account="shop", state="accepted") == [accepted]
    assert printed(shop, state="accepted") == [accepted] * 2
    assert len(printed(shop, account=shop.account_id)) == 2
    assert not [line for line in LISTED.run(shop.visit, {}) if NUMBER in line or "commande" in line]
    hub.visitor("nobody")
    assert list(LISTED.run(shop.visit, {"account": "nobody"})) == ["This account has no Mail2SMS."]
    with pytest.raises(Refused, match="--state must be one of received, "):
        printed(shop, state="lost")


def test_operators_see_which_mailboxes_are_read(hub: Plugged, shop: Shop) -> None:
    Shop(hub, "other")
    line = f"{shop.account_id}  sms at imap.example.org  "
    assert list(BOXES.run(shop.visit, {})) == [f"{line}read by nobody"]
    read(shop, heard_at=shop.hub.engine.clock.now - 5_000)
    assert list(BOXES.run(shop.visit, {})) == [f"{line}heard 5 s ago"]


def read(shop: Shop, **values: int | None) -> None:
    with shop.hub.runtime.begin() as tx:
        row = {"installation_id": shop.installation.id, "owner": "a process", "lease_until": tx.now + 10_000}
        tx.execute(mailboxes.insert().values(**row, **values))


def test_what_waits_is_measured(hub: Plugged, shop: Shop) -> None:
    assert measured(shop, "waiting") == {"received": 0, "retry": 0, "held": 0}
    shop.take(shop.mail(to="0687654321@elsewhere.example"), envelope=(shop.to(),))
    shop.read(shop.mail(), Proves(NOTHING, unread))
    shop.take(shop.mail())
    assert measured(shop, "waiting") == {"received": 1, "retry": 0, "held": 1}
    assert measured(shop, "letters_waiting") == {"held": 1, "accepted": 1}


def test_how_long_ago_a_mailbox_was_heard_is_measured_once_it_is_read(hub: Plugged, shop: Shop) -> None:
    assert measured(shop, "mailbox_heard_seconds_ago") == {}
    read(shop, heard_at=None, failing_since=shop.hub.engine.clock.now)
    hub.engine.clock.forward(minutes=5)
    assert measured(shop, "mailbox_heard_seconds_ago") == {shop.installation.id: 300}


def test_a_mailbox_that_nobody_reads_any_more_is_still_measured_until_it_is_none(hub: Plugged, shop: Shop) -> None:
    read(shop, heard_at=shop.hub.engine.clock.now)
    with hub.runtime.begin() as tx:
        leases.release(tx, "a process", [shop.installation.id])
    hub.engine.clock.forward(minutes=5)
    assert measured(shop, "mailbox_heard_seconds_ago") == {shop.installation.id: 300}
    shop.visit.tools.installations.change(shop.installation, {"mailbox": None})
    assert measured(shop, "mailbox_heard_seconds_ago") == {}
