"""Recipients are judged before a mail is sent: whose gateway it is, and whether there is such a number or group."""

import pytest

from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.intake import replies, session
from connectors.mail2sms.mail import Outcome
from tests.support.plugged import Plugged
from tests.support.smtp_door import Peer, Steps
from tests.support.web import Visitor

RIGHT = "0612345678@sms.shop.example"
LETTER = b"From: anne@shop.example\r\n\r\nBonjour"
TOLD = {
    RIGHT: "250 2.1.5",
    "33612345678@sms.shop.example": "250 2.1.5",
    "+33612345678+abcdefgh.n.p2@SMS.Shop.Example": "250 2.1.5",
    "postmaster@sms.shop.example": "250 2.1.5",
    "g-clients@sms.shop.example": "250 2.1.5",
    "0612345678@sms.elsewhere.example": "550 5.1.2",
    "0112345678@sms.shop.example": "550 5.1.1",
    "0612345678.urgent@sms.shop.example": "550 5.1.3",
    "anne@sms.shop.example": "550 5.1.3",
    "g-nobody@sms.shop.example": "550 5.1.1",
}


def test_a_recipient_is_judged_before_the_mail_is_sent(hub: Plugged, shop: Visitor, peer: Peer) -> None:
    hub.engine.group(hub.account(shop), "0612345679", name="Clients")
    told = dict(zip(TOLD, peer.begins(*TOLD), strict=True))
    assert {one: " ".join(reply.split()[:2]) for one, reply in told.items()} == TOLD


def test_an_ordinary_mailbox_has_its_numbers_behind_a_plus(hub: Plugged, peer: Peer) -> None:
    hub.install(hub.visitor("office").account_id, CONNECTOR, {"domain": "SMS@office.example"})
    told = peer.begins("sms+0612345678@office.example", "Sms@Office.example", "anne@office.example")
    assert [one.split()[0] for one in told] == ["250", "250", "550"]


def test_numbers_are_those_of_the_accounts_region(hub: Plugged, shop: Visitor, peer: Peer) -> None:
    assert shop.ask("PATCH", "/me", {"region": "GB"}).status_code == 200
    told = peer.begins("07400123456@sms.shop.example", RIGHT)
    assert [one.split()[0] for one in told] == ["250", "550"]


def test_recipients_of_another_account_are_sent_in_a_transaction_of_their_own(
    hub: Plugged, peer: Peer, steps: Steps
) -> None:
    hub.install(hub.visitor("other").account_id, CONNECTOR, {"domain": "sms.other.example"})
    told = peer.begins(RIGHT, "0612345679@sms.other.example", "0612345670@sms.shop.example")
    assert [one.split()[0] for one in told] == ["250", "452", "250"]
    assert peer.mails(LETTER).startswith("250 ")
    assert peer.begins("0612345679@sms.other.example")[0].startswith("250 ")
    assert peer.mails(LETTER).startswith("250 ")
    assert [found.envelope for found in steps.found] == [
        (RIGHT, "0612345670@sms.shop.example"),
        ("0612345679@sms.other.example",),
    ]
    assert [office.gateway for office in steps.offices] == ["sms.shop.example", "sms.other.example"]


def test_of_very_many_recipients_the_rest_is_sent_in_another_transaction(peer: Peer) -> None:
    told = peer.begins(*(f"06123450{n:02}@sms.shop.example" for n in range(session.MOST_RECIPIENTS)), RIGHT)
    assert [one.split()[0] for one in told] == ["250"] * session.MOST_RECIPIENTS + ["452"]


def test_whoever_guesses_recipients_is_sent_away(peer: Peer) -> None:
    told = peer.begins(*(f"guess{n}@sms.shop.example" for n in range(session.MOST_REFUSED + 1)))
    assert [one.split()[0] for one in told] == ["550"] * session.MOST_REFUSED + ["421"]
    assert peer.heard() == ""


def test_a_gateway_that_is_gone_takes_nothing_any_more(hub: Plugged, shop: Visitor, peer: Peer) -> None:
    (installed,) = shop.ask("GET", "/installations").get_json()["items"]
    assert peer.begins(RIGHT)[0].startswith("250")
    assert shop.ask("DELETE", f"/installations/{installed['id']}").status_code == 200
    assert peer.begins(RIGHT)[0].startswith("550 5.1.2")


@pytest.mark.parametrize(
    "outcome, reply",
    [
        (Outcome("accepted"), "250 2.0.0 Taken."),
        (Outcome("done"), "250 2.0.0 Taken."),
        (Outcome("held", "held_list", "30 people would get it."), "250 2.0.0 30 people would get it."),
        (Outcome("duplicate", "duplicate", "It came before."), "250 2.0.0 It came before."),
        (Outcome("ignored", "bounce", "It came back."), "250 2.0.0 It came back."),
        (Outcome("rejected", "dropped", "It was dropped."), "250 2.0.0 It was dropped."),
        (Outcome("rejected", "no_credit", "No\r\n credits,\tété."), "550 5.2.2 No credits, ?t?."),
        (Outcome("rejected", "unproven", "Nothing proves it."), "250 2.0.0 Nothing proves it."),
        (Outcome("poison", "poison", "It failed."), "550 5.6.0 It failed."),
        (Outcome("retry", "dns_silent", "Later."), replies.LATER),
        (Outcome("received"), replies.LATER),
    ],
)
def test_a_peer_may_forget_what_is_250_and_keeps_what_is_451(outcome: Outcome, reply: str) -> None:
    assert replies.of(outcome) == reply
