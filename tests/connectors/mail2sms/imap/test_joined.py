"""A mailbox that is read, and what becomes of its mails: an SMS for each person, once, whatever happens in between."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.contract import Visit
from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.intake import steps
from connectors.mail2sms.mail import Found, Outcome
from core import wall_clock
from tests.support.dovecot import PASSWORD, USER, Dovecot
from tests.support.mail2sms import Proves, Shop
from tests.support.plugged import Plugged, plugged
from tests.support.postman import Postman, mailbox_of, reading
from tests.support.serving import wait_for

pytestmark = pytest.mark.peer


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, CONNECTOR) as made:
        made.engine.clock.now = wall_clock()  # as the server has it
        yield made


@pytest.fixture
def shop(hub: Plugged, server: Dovecot) -> Shop:
    mailbox = {"host": "127.0.0.1", "port": server.port, "tls": "none", "username": USER, "password": PASSWORD}
    return Shop(hub, mailbox=mailbox)


class Clerk(Postman):
    """Who takes mails as the hub does, from a mailbox of this shop."""

    def __init__(self, shop: Shop, visit: Visit) -> None:
        super().__init__()
        self.shop = shop
        self.visit = visit
        self.outcomes: list[Outcome] = []

    def take(self, found: Found) -> Outcome:
        self.found.append(found)
        self.outcomes.append(steps.take(self.visit, self.shop.office, found, Proves()))
        return self.outcomes[-1]

    def too_large(self, size: int, headers: bytes) -> Outcome:
        self.outcomes.append(steps.too_large(self.visit, self.shop.office, size, headers))
        return self.outcomes[-1]


@contextmanager
def serving(shop: Shop, server: Dovecot, visit: Visit | None = None) -> Iterator[Clerk]:
    clerk = Clerk(shop, visit or shop.visit)
    with reading(clerk.visit.runtime, mailbox_of(server), clerk):
        yield clerk


def test_mails_in_the_box_become_messages(shop: Shop, server: Dovecot) -> None:
    server.append(shop.mail(to="33612345601"), shop.mail(to="33612345602", Auto_Submitted="auto-replied"))
    with serving(shop, server):
        wait_for(lambda: server.count() == 0)
        server.deliver(shop.mail(to="33612345603"), "33612345603@sms.shop.example")
        wait_for(lambda: server.count("Processed") == 3)
    assert shop.numbers == [33_612_345_601, 33_612_345_603]
    assert [row.state for row in shop.mails] == ["accepted", "ignored", "accepted"]


def test_case_53_what_was_accepted_before_its_uid_changed_is_not_sent_again(shop: Shop, server: Dovecot) -> None:
    """It is decided, and our process dies before it is put away; meanwhile the server has lost its index."""
    died: list[str] = []

    def dies(point: str) -> None:
        if point == "mail.accepted" and not died:
            died.append(point)
            server.stop()
            server.forget_uids()
            server.start()
            raise SystemError("killed")

    server.append(shop.mail(to="33612345601"), shop.mail(to="33612345602"))
    visit = replace(shop.visit, runtime=shop.hub.runtime.as_of(fault=dies))
    with serving(shop, server, visit) as clerk:
        wait_for(lambda: len(clerk.outcomes) == 2)
        wait_for(lambda: server.count("Processed") == 2)
    assert died
    assert len(clerk.found) == 3
    assert sorted(shop.numbers) == [33_612_345_601, 33_612_345_602]


def test_two_that_read_one_mailbox_send_each_mail_once(shop: Shop, server: Dovecot) -> None:
    numbers = [33_612_345_600 + place for place in range(20)]
    server.append(*(shop.mail(to=str(number)) for number in numbers))
    with serving(shop, server), serving(shop, server):
        wait_for(lambda: server.count() == 0)
    assert sorted(shop.numbers) == numbers


def test_case_16_the_sender_of_a_mail_that_is_too_large_is_known_by_its_headers(shop: Shop, server: Dovecot) -> None:
    server.append(shop.mail(("x" * 998 + "\n") * 11_000))
    with serving(shop, server) as clerk:
        wait_for(lambda: server.count("Rejected") == 1)
    assert [(outcome.state, outcome.code) for outcome in clerk.outcomes] == [("rejected", "too_large")]
    assert [(row.state, row.code, row.sender) for row in shop.mails] == [("rejected", "too_large", "anne@shop.example")]
    assert shop.numbers == []


def test_a_mail_that_costs_too_much_is_in_the_folder_for_those(shop: Shop, server: Dovecot) -> None:
    server.append(shop.mail("é" * 3000))
    with serving(shop, server):
        wait_for(lambda: server.count("Rejected") == 1)
    assert [row.code for row in shop.mails] == ["text_too_long"]
