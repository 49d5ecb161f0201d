"""Held mails: what their sender answers is done, once."""

from threading import Barrier, Thread

import pytest

from connectors.mail2sms.decide.confirm import word
from connectors.mail2sms.mail import Content, Outcome, Wrong
from connectors.mail2sms.tables import sendings
from tests.support.mail2sms import ANNE, NOTHING, NUMBER, OTHER, Shop
from tests.support.plugged import Plugged


@pytest.fixture
def held(shop: Shop) -> str:
    """The id of a mail that waits."""
    assert shop.take(shop.mail("A 9 h"), envelope=(shop.to(OTHER),)).state == "held"
    return str(shop.mails[0].id)


@pytest.mark.parametrize(
    "said", ["OK", "ok.", "Oui merci", "YES please", "Envoyer !", "\n\nEnvoyez", "oui, vous pouvez envoyer"]
)
def test_yes_is_said_in_many_ways(said: str) -> None:
    assert word(Content(said, "")) == "yes"


@pytest.mark.parametrize("said", ["NO", "Non !", "Annuler", "cancel it", "STOP"])
def test_no_is_said_in_many_ways(said: str) -> None:
    assert word(Content(said, "")) == "no"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Peut-être",
        "OK mais demain à 10 h plutôt",
        "oui non",
        "42",
        "nok",
        "Je dis oui",
        "Yes but not now",
        "OK n'envoyez pas",
    ],
)
def test_what_is_neither_is_no_word(said: str) -> None:
    assert word(Content(said, "")) is None


def test_a_mail_without_text_is_no_word() -> None:
    assert word(Wrong("text_empty")) is None


def test_ok_sends_it_as_it_was_and_a_second_ok_comes_too_late(shop: Shop, held: str) -> None:
    question = shop.question()
    assert shop.take(shop.mail("OK", to=question)).state == "done"
    again = shop.take(shop.mail("OK", to=question))
    assert (again.state, again.code) == ("rejected", "confirm_over")
    assert [(row.number, row.reference) for row in shop.messages] == [(int(OTHER), held)]
    assert [row.state for row in shop.mails] == ["accepted", "done", "rejected"]
    assert [row.status for row in shop.rows(sendings) if row.people] == ["queued"]
    assert [kind for kind, _ in shop.letters] == ["held", "accepted", "rejected"]


def test_an_ok_that_is_delivered_twice_is_no_second_one(shop: Shop, held: str) -> None:
    raw = shop.mail("OK", to=shop.question())
    assert shop.take(raw).state == "done"
    assert shop.take(b"Received: again\n" + raw).state == "duplicate"
    assert [kind for kind, _ in shop.letters] == ["held", "accepted"]
    assert len(shop.messages) == 1
    assert held == shop.mails[0].id


def test_no_drops_it_for_good(shop: Shop, held: str) -> None:
    question = shop.question()
    assert shop.take(shop.mail("Non merci", to=question)).state == "done"
    assert shop.take(shop.mail("OK", to=question)).code == "confirm_over"
    assert (shop.messages, shop.mails[0].code, shop.mails[0].draft) == ([], "dropped", None)
    assert shop.letters[1][1]["code"] == "dropped"
    assert held == shop.mails[0].id


def test_what_is_unclear_is_asked_again(shop: Shop, held: str) -> None:
    question = shop.question()
    assert shop.take(shop.mail("Plutôt demain", to=question)).code == "confirm_unclear"
    assert shop.take(shop.mail("OK", to=question)).state == "done"
    assert shop.numbers == [int(OTHER)]


@pytest.mark.parametrize("sender, code", [(ANNE, "unproven"), ("bob@else.example", "not_allowed")])
def test_only_a_proven_allowed_sender_lets_it_go(shop: Shop, held: str, sender: str, code: str) -> None:
    outcome = shop.take(shop.mail("OK", to=shop.question(), sender=sender), NOTHING)
    assert (outcome.code, shop.messages, shop.mails[0].state) == (code, [], "held")


def test_an_out_of_office_answer_lets_nothing_go(shop: Shop, held: str) -> None:
    outcome = shop.take(shop.mail("OK", to=shop.question(), Auto_Submitted="auto-replied"))
    assert (outcome.state, shop.messages) == ("ignored", [])


def test_its_token_sends_nothing_else_and_ends(shop: Shop, held: str, hub: Plugged) -> None:
    question = shop.question()
    token = question.rpartition("+")[2]
    assert shop.take(shop.mail("OK", to=f"{NUMBER}+{token}")).code == "token_wrong"
    assert shop.take(shop.mail("B 9 h"), envelope=(shop.to(OTHER),)).state == "held"
    another = shop.question().partition("+")[0]
    assert shop.take(shop.mail("OK", to=f"{another}+{token}")).code == "token_wrong"
    hub.engine.clock.forward(days=4)
    assert shop.take(shop.mail("OK", to=question)).code == "confirm_over"
    assert shop.messages == []


def test_without_credits_it_waits_on_until_there_are_some(hub: Plugged) -> None:
    shop = Shop(hub, balance=1)
    shop.take(shop.mail(to=[NUMBER, OTHER]), envelope=(shop.to(NUMBER), shop.to(OTHER)))
    shop.take(shop.mail("A 9 h"), envelope=(shop.to("33612000015"), shop.to("33612000115")))
    question = shop.question()
    assert shop.take(shop.mail("OK", to=question)).code == "no_credit"
    hub.engine.top_up(hub.account(shop.visitor), 10)
    assert shop.take(shop.mail("OK", to=question)).state == "done"
    assert len(shop.messages) == 2


def test_who_opted_out_while_it_waited_is_not_texted(shop: Shop, held: str) -> None:
    shop.hub.engine.block(shop.hub.account(shop.visitor), int(OTHER))
    shop.take(shop.mail("OK", to=shop.question()))
    assert [row.status for row in shop.messages] == ["blacklisted"]


def test_two_who_say_ok_at_once_send_it_once(shop: Shop, held: str) -> None:
    question, start = shop.question(), Barrier(2)
    mails = [shop.mail("OK", to=question) for _ in range(2)]
    outcomes: list[Outcome] = []

    def say(raw: bytes) -> None:
        start.wait()
        outcomes.append(shop.take(raw))

    threads = [Thread(target=say, args=(raw,)) for raw in mails]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((one.state, one.code) for one in outcomes) == [("done", ""), ("rejected", "confirm_over")]
    assert shop.numbers == [int(OTHER)]
    assert shop.mails[0].id == held


def test_a_held_mail_that_comes_again_is_not_asked_about_again(shop: Shop) -> None:
    raw = shop.mail("A 9 h")
    assert shop.take(raw, envelope=(shop.to(OTHER),)).state == "held"
    assert shop.take(b"Received: again\n" + raw, envelope=(shop.to(OTHER),)).state == "duplicate"
    assert [kind for kind, _ in shop.letters] == ["held"]
