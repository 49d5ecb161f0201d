"""Whole conversations: a mail, an SMS, its answer as a mail, and the answer to that; questions that are answered; mails that come back."""

from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

import pytest

from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.parse import parse
from tests.support.correspondence import body_of, read
from tests.support.mail2sms import ANNE, NUMBER, Shop
from tests.support.plugged import Plugged, plugged

ANSWERS_YES = "33612345612"


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, CONNECTOR) as made:
        yield made


@pytest.fixture
def shop(hub: Plugged) -> Shop:
    return Shop(hub)


def mailed(shop: Shop) -> list[EmailMessage]:
    """What went out so far, the oldest first."""
    for _ in range(4):
        shop.hub.engine.clock.forward(seconds=5)
        shop.hub.work()
    return [read(path.read_bytes()) for path in sorted((shop.hub.settings.data / "mail").glob("*.eml"))]


def answer(letter: EmailMessage, text: str) -> dict[str, str]:
    """What a person's mail program makes of a letter and some words: to where it says, with the letter below."""
    quoted = "\n".join(f"> {line}" for line in body_of(letter).splitlines())
    return {
        "to": parseaddr(str(letter["Reply-To"]))[1],
        "text": f"{text}\n\nOn Mon, 21 Sep 2026 at 16:13, {letter['From']} wrote:\n\n{quoted}\n",
        "Subject": str(letter["Subject"]),
        "In_Reply_To": str(letter["Message-ID"]),
    }


def test_a_conversation_goes_round(shop: Shop) -> None:
    shop.take(shop.mail("Rendez-vous demain à 9 h ?", to=ANSWERS_YES, Message_ID="<first@shop.example>"))
    accepted, reply = mailed(shop)
    assert body_of(accepted).startswith("Your mail goes out now to +33 6 12 34 56 12: 1 segment, 1 credit.")
    assert "    Rendez-vous demain à 9 h ?" in body_of(accepted)
    assert body_of(reply).startswith("Oui merci\n")
    assert {one["In-Reply-To"] for one in (accepted, reply)} == {"<first@shop.example>"}
    outcome = shop.take(shop.mail(**answer(reply, "À demain alors.")))
    assert outcome.state == "accepted"
    assert shop.numbers == [int(ANSWERS_YES)] * 2
    assert shop.messages[-1].text.startswith("À demain alors.")
    assert "wrote" not in shop.messages[-1].text


def test_a_person_of_a_list_is_answered_alone(shop: Shop) -> None:
    rows = f"number\n{ANSWERS_YES}\n{NUMBER}\n"
    raw = shop.mail("x", to="list", MIME_Version="1.0", Content_Type='multipart/mixed; boundary="b"').replace(
        b"\nx\n",
        (
            "\n--b\nContent-Type: text/plain\n\nVenez samedi\n--b\nContent-Type: text/csv\n"
            f'Content-Disposition: attachment; filename="liste.csv"\n\n{rows}\n--b--\n'
        ).encode(),
    )
    assert shop.take(raw).state == "accepted"
    replies = [one for one in mailed(shop) if str(one["From"]).startswith("+33")]
    assert [body_of(one).splitlines()[0] for one in replies] == ["Oui merci"]
    assert shop.take(shop.mail(**answer(replies[0], "Merci, à samedi."))).state == "accepted"
    assert shop.numbers[2:] == [int(ANSWERS_YES)]


@pytest.mark.parametrize("word, state, sent", [("OK", "accepted", 1), ("non merci", "rejected", 0)])
def test_a_question_is_answered_by_mail(shop: Shop, word: str, state: str, sent: int) -> None:
    shop.take(shop.mail("Premier", Message_ID="<same@shop.example>"))
    assert shop.take(shop.mail("Autre texte", Message_ID="<same@shop.example>")).state == "held"
    (question,) = [one for one in mailed(shop) if one["Reply-To"]]
    assert "    Autre texte" in body_of(question)
    assert "cost 1 segment, 1 credit" in body_of(question)
    shop.take(shop.mail(**answer(question, word)))
    assert len(shop.messages) == 1 + sent
    assert [row.state for row in shop.mails][1] == state
    letter = mailed(shop)[-1]
    assert ("dropped as you asked" in body_of(letter)) is not bool(sent)


def test_case_39_what_is_ours_and_comes_back_is_ignored_and_not_answered(shop: Shop) -> None:
    shop.take(shop.mail("Bonjour", to=ANSWERS_YES))
    letters = mailed(shop)
    assert len(letters) == 2
    for letter in letters:
        # As it is; and as a program sends it on that writes its owner into From.
        forwarded = letter.as_bytes().replace(b"\nFrom: ", f"\nFrom: {ANNE}\nX-From: ".encode(), 1)
        for raw in (letter.as_bytes(), forwarded):
            outcome = shop.take(raw)
            assert (outcome.state, outcome.code) == ("ignored", "own_mail")
    assert len(mailed(shop)) == 2


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_letter_of_ours_is_taken_for_a_mail_of_a_person(hub: Plugged, language: str) -> None:
    shop = Shop(hub, language=language)
    shop.take(shop.mail("Bonjour", to=ANSWERS_YES))
    shop.take(shop.mail(""))
    for letter in mailed(shop):
        parsed = parse(letter.as_bytes(), "sms.elsewhere.example")
        assert getattr(parsed.headers, "automatic", None) is not None
