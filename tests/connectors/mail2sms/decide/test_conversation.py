"""From the mail to the SMS and back: what letters say is answered as people answer them."""

from email.message import EmailMessage
from email.utils import parseaddr

from tests.support.correspondence import read
from tests.support.mail2sms import ANNE, NOTHING, Shop

YES = "33612345612"  # receives it, and answers "Oui merci"
STOPS = "33612345611"  # receives it, and answers STOP


def mailed(shop: Shop) -> list[EmailMessage]:
    """What went out, the oldest first."""
    return [read(path.read_bytes()) for path in sorted((shop.hub.settings.data / "mail").glob("*.eml"))]


def settle(shop: Shop) -> None:
    for _ in range(4):
        shop.hub.engine.clock.forward(seconds=5)
        shop.hub.work()


def last_to(shop: Shop, word: str) -> EmailMessage:
    """The last letter that says this."""
    return [one for one in mailed(shop) if word in str(one.get_content())][-1]


def answer_to(letter: EmailMessage) -> str:
    return parseaddr(letter["Reply-To"])[1]


def test_what_somebody_answers_comes_as_a_mail_whose_answer_is_the_next_sms(shop: Shop) -> None:
    shop.take(shop.mail("A 9 h ?", to=YES, Message_ID="<first@shop.example>"))
    settle(shop)
    letter = last_to(shop, "Oui merci")
    assert (letter["To"], letter["In-Reply-To"]) == (ANNE, "<first@shop.example>")
    answer = shop.mail("Parfait, à demain", to=answer_to(letter), References="<first@shop.example>")
    assert shop.take(answer, NOTHING).state == "accepted"
    assert [(row.number, row.text) for row in shop.messages][1] == (int(YES), "Parfait, à demain STOP 36034")
    settle(shop)
    second = last_to(shop, "Oui merci")
    assert "<first@shop.example>" in second["References"]


def test_a_stop_is_told_and_cannot_be_answered(shop: Shop) -> None:
    shop.take(shop.mail("A 9 h ?", to=STOPS))
    settle(shop)
    letter = last_to(shop, "STOP")
    assert letter["Reply-To"] is None
    assert shop.take(shop.mail("Encore un mot", to=STOPS)).state == "accepted"
    assert [row.status for row in shop.messages if "mot" in row.text] == ["blacklisted"]


def test_the_letter_that_asks_is_answered_with_ok(shop: Shop) -> None:
    numbers = [f"+{33612000015 + 100 * place}" for place in range(25)]
    shop.hub.engine.group(shop.hub.account(shop.visitor), *numbers, name="Clients")
    shop.take(shop.mail("Soldes samedi", to="g-clients"))
    settle(shop)
    letter = last_to(shop, "Soldes samedi")
    assert shop.take(shop.mail("OK\n\n> Soldes samedi", to=answer_to(letter))).state == "done"
    settle(shop)
    assert len(shop.messages) == 25
    shop.hub.engine.clock.forward(days=1)
    settle(shop)
    assert [row.state for row in shop.mails] == ["done", "done"]
