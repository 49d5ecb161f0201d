"""Installing Mail2SMS: whose gateway it is, what can't work is refused with the field at fault, and what is left when it goes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from connectors.mail2sms import gateways
from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.tables import TABLES, mailboxes
from tests.support.mail2sms import Shop
from tests.support.plugged import Plugged, plugged
from tests.support.web import Visitor

MAILBOX = {"host": "imap.example.org", "username": "sms", "password": "correct horse battery"}


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, CONNECTOR) as made:
        yield made


def install(visitor: Visitor, **settings: Any) -> Any:
    """The answer of REST: the installation, or what is wrong with which field."""
    answer = visitor.ask("POST", "/installations", {"connector": "mail2sms", "settings": settings})
    if answer.status_code == 201:
        return answer.get_json()["id"]
    (fault,) = answer.get_json()["errors"]
    return answer.status_code, fault["pointer"]


def whose(hub: Plugged, local: str, domain: str) -> str | None:
    with hub.runtime.read() as tx:
        return gateways.find(tx, local, domain)


TAKEN = (409, "/settings/domain")


def test_a_domain_belongs_to_who_claimed_it_first_and_so_do_all_addresses_in_it(hub: Plugged) -> None:
    anne, bob = hub.visitor("anne"), hub.visitor("bob")
    mine = install(anne, domain="SMS.example.org")
    assert install(bob, domain="sms.example.org") == TAKEN
    assert install(bob, domain="office@sms.example.org") == TAKEN
    assert (whose(hub, "0612345678", "sms.example.org"), whose(hub, "office", "sms.example.org")) == (mine, mine)
    assert whose(hub, "0612345678", "example.org") is None


def test_nobody_claims_a_domain_in_which_another_account_has_an_address(hub: Plugged) -> None:
    mine = install(hub.visitor("anne"), domain="sms@example.org")
    assert install(hub.visitor("bob"), domain="example.org") == TAKEN
    other = install(hub.visitor("carol"), domain="other@example.org")
    assert (whose(hub, "sms", "example.org"), whose(hub, "other", "example.org")) == (mine, other)


def test_a_mailbox_at_a_provider_is_nobodys_but_its_own_and_is_read_by_imap(hub: Plugged) -> None:
    greedy = install(hub.visitor("greedy"), domain="provider.example")
    bob = hub.visitor("bob")
    mine = install(bob, domain="bob@provider.example", mailbox=MAILBOX)
    assert isinstance(mine, str)
    assert whose(hub, "bob", "provider.example") == greedy  # by SMTP alone: whose mails those are the operator has said
    without = bob.ask("PATCH", f"/installations/{mine}", {"settings": {"mailbox": None}})
    assert (without.status_code, without.get_json()["errors"][0]["pointer"]) == TAKEN


def test_a_gateway_that_is_given_up_is_free_for_others(hub: Plugged) -> None:
    anne, bob = hub.visitor("anne"), hub.visitor("bob")
    mine = install(anne, domain="one.example")
    assert anne.ask("PATCH", f"/installations/{mine}", {"settings": {"domain": "two.example"}}).status_code == 200
    assert whose(hub, "06", "two.example") == mine
    other = install(bob, domain="one.example")
    assert whose(hub, "06", "one.example") == other
    assert anne.ask("PATCH", f"/installations/{mine}", {"settings": {"domain": "one.example"}}).status_code == 409
    assert bob.ask("DELETE", f"/installations/{other}").status_code == 200
    assert anne.ask("PATCH", f"/installations/{mine}", {"settings": {"domain": "one.example"}}).status_code == 200


@pytest.mark.parametrize(
    "changes, pointer",
    [
        ({"password": None}, "/settings/mailbox/password"),
        ({"tls": "none"}, "/settings/mailbox/tls"),
        ({"tls": "none", "host": "127.0.0.1"}, None),
        ({"tls": "none", "host": "localhost"}, None),
        ({"password": None, "oauth": {"token_url": "https://login.example/token", "client_id": "hub"}}, None),
    ],
)
def test_a_mailbox_that_can_not_be_read_is_refused(hub: Plugged, changes: dict[str, Any], pointer: str | None) -> None:
    mailbox = {name: value for name, value in {**MAILBOX, **changes}.items() if value is not None}
    made = install(hub.visitor(), domain="sms@example.org", mailbox=mailbox)
    assert isinstance(made, str) if pointer is None else made == (422, pointer)


def test_what_it_did_goes_with_an_installation_and_what_others_did_stays(hub: Plugged) -> None:
    shops = [Shop(hub, name, mailbox=MAILBOX) for name in ("shop", "other")]
    for shop in shops:
        shop.token()
        assert shop.take(shop.mail(sender="anne@shop.example")).state == "accepted"
        with hub.runtime.begin() as tx:
            tx.execute(mailboxes.insert().values(installation_id=shop.installation.id, lease_until=0))
    assert {table.name: count(hub, table) for table in TABLES} == dict.fromkeys((table.name for table in TABLES), 2)
    assert shops[0].visitor.ask("DELETE", f"/installations/{shops[0].installation.id}").status_code == 200
    assert {table.name: len(shops[1].rows(table)) for table in TABLES} == dict.fromkeys(
        (table.name for table in TABLES), 1
    )
    assert {table.name: count(hub, table) for table in TABLES} == dict.fromkeys((table.name for table in TABLES), 1)
    hub.work()


def count(hub: Plugged, table: Any) -> int:
    with hub.runtime.read() as tx:
        return int(tx.scalar(select(func.count()).select_from(table)))
