"""Mails that somebody else sends on: what no signature covers can be changed, and must not make another SMS of them."""

from dataclasses import replace

import pytest

from connectors.mail2sms.mail import Proof
from tests.support.mail2sms import NUMBER, PROVEN, Shop

# A signature of From, To and the text, as some write it: Message-ID and Date are anybody's.
FEW = replace(PROVEN, covered=frozenset({"from", "to"}), signed_body="a1")
WORD = Proof(aligned=True)


def at_noon(shop: Shop) -> Proof:
    return replace(FEW, signed_at=shop.hub.engine.clock.now)


def test_a_message_id_that_nobody_signed_does_not_make_another_mail(shop: Shop) -> None:
    proof = at_noon(shop)
    assert shop.take(shop.mail("Bonjour"), proof).state == "accepted"
    assert shop.take(shop.mail("Bonjour"), proof).state == "duplicate"
    assert shop.take(shop.mail("Bonjour", Message_ID="", Date="Tue, 22 Sep 2026 12:00:00 +0000"), proof).state == (
        "duplicate"
    )
    assert shop.numbers == [int(NUMBER)]


def test_the_same_words_signed_once_more_are_another_mail(shop: Shop) -> None:
    for _ in range(2):
        assert shop.take(shop.mail("OK"), at_noon(shop)).state == "accepted"
        shop.hub.engine.clock.forward(minutes=1)
    assert len(shop.messages) == 2


def test_a_signed_body_that_is_read_otherwise_waits(shop: Shop) -> None:
    """Its Content-Type was not signed: the letters are the same, and say something else."""
    proof = at_noon(shop)
    assert shop.take(shop.mail("Fermé"), proof).state == "accepted"
    other = shop.take(shop.mail("Fermé", Content_Type="text/plain; charset=koi8-r"), proof)
    assert (other.state, other.code) == ("held", "held_changed")
    assert len(shop.messages) == 1


def test_a_date_that_nobody_signed_makes_no_signature_young(shop: Shop) -> None:
    outcome = shop.take(shop.mail(), FEW)
    assert (outcome.state, outcome.code) == ("held", "held_old_signature")


@pytest.mark.parametrize("days", [-2, 2])
def test_a_signed_date_of_another_day_waits(shop: Shop, days: int) -> None:
    now = shop.hub.engine.clock.now + days * 24 * 3_600_000
    outcome = shop.take(shop.mail(), replace(FEW, signed_at=now))
    assert (outcome.state, outcome.code) == ("held", "held_old_signature")


def test_a_signature_that_only_our_mail_server_saw_vouches_for_no_recipient(shop: Shop) -> None:
    """Which headers it covers is not known: Microsoft's cover no To, so that anybody may write another."""
    outcome = shop.take(shop.mail(), WORD)
    assert (outcome.state, outcome.code) == ("held", "held_unsigned_recipient")
    assert shop.take(shop.mail(to=f"{NUMBER}+{shop.token()}"), WORD).state == "accepted"
    assert shop.take(shop.mail(), replace(WORD, spf=True)).state == "accepted"


def test_a_mail_of_microsoft_365_is_sent_at_once_by_a_token_and_once_whoever_sends_it_on(shop: Shop) -> None:
    """Its signatures leave To out, and say no time but that of Date."""
    covered = frozenset({"from", "date", "subject", "message-id", "content-type", "mime-version"})
    proof = Proof(aligned=True, covered=covered, signed_body="a1", signed_at=shop.hub.engine.clock.now)
    assert shop.take(shop.mail(), proof).code == "held_unsigned_recipient"
    raw = shop.mail(to=f"{NUMBER}+{shop.token()}", Message_ID="<one@shop.example>")
    assert shop.take(raw, proof).state == "accepted"
    assert shop.take(b"X-Way: 2\n" + raw, proof).state == "duplicate"
    elsewhere = shop.mail(to="33687654321", Message_ID="<one@shop.example>")
    assert shop.take(elsewhere, proof).code == "held_unsigned_recipient"
    assert shop.numbers == [int(NUMBER)]
