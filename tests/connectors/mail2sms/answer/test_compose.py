"""A letter as a mail: what a mail program makes of it, and that nothing which was read adds a line to its headers."""

from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mail2sms.answer import compose, heads, words
from connectors.mail2sms.answer.bodies import Teller
from connectors.mail2sms.mail import Address
from connectors.mail2sms.parse import address
from connectors.mail2sms.settings import Office
from tests.support.correspondence import ANNE, FACTS, body_of, office, read
from tests.support.world import NOON

LETTER = "01997b2c-1a2b-7c3d-8e4f-123456789abc"
THREAD = Address("thread", LETTER, "abcdefgh23456789")
HEADERS = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Loop",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Language",
}
ANYTHING = st.text(st.characters(codec="utf-8"), max_size=300) | st.text("\r\n\t :<>=?\x85\u2028Bcc", max_size=80)


def raw(kind: str, answer_to: Address | None = None, of: Office | None = None, **facts: Any) -> bytes:
    whose = of or office()
    said, told = words.of(whose.language), FACTS[kind] | facts
    return compose.mail(
        heads.of(kind, told, whose, said, answer_to),
        letter_id=LETTER,
        gateway=whose.gateway,
        to=ANNE,
        at=NOON,
        language=whose.language,
        body=Teller(said, ZoneInfo("Europe/Paris"), "Bonjour Zoé").body(kind, told),
    )


def letter(kind: str, answer_to: Address | None = None, of: Office | None = None, **facts: Any) -> EmailMessage:
    return read(raw(kind, answer_to, of, **facts))


def test_a_letter_says_that_a_machine_wrote_it_and_whose_it_is() -> None:
    found = letter("accepted")
    assert (found["From"], found["To"]) == ("SMS <no-reply@sms.example.org>", "anne@shop.example")
    assert found["Message-ID"] == f"<{LETTER}@sms.example.org>"
    assert found["Date"] == "Mon, 21 Sep 2026 14:13:20 +0000"
    assert (found["Auto-Submitted"], found["X-Auto-Response-Suppress"]) == ("auto-replied", "All")
    assert found["X-Loop"] == "sms.example.org"
    assert (found["Precedence"], found["Reply-To"]) == (None, None)
    assert found.get_content_type() == "text/plain"
    assert found.get_content_charset() == "utf-8"


def test_it_is_of_seven_bits_and_every_line_ends_as_it_should() -> None:
    whole = raw("reply", THREAD, text="Très bien 👍\nà demain " + "x" * 2000)
    assert whole.isascii()
    lines = whole.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert max(map(len, lines)) <= 998
    assert body_of(read(whole)).startswith("Très bien 👍\nà demain xxx")


def test_it_belongs_to_the_mail_that_it_answers() -> None:
    found = letter("accepted")
    assert found["Subject"] == "Re: Rendez-vous"
    assert found["In-Reply-To"] == "<first@shop.example>"
    assert str(found["References"]).split() == ["<older@shop.example>", "<first@shop.example>"]


@pytest.mark.parametrize("subject", ["Re: Rendez-vous", "RE: Rendez-vous", "Aw: Termin", "Tr: voilà", "RÉP : voilà"])
def test_an_answer_of_an_answer_is_not_marked_twice(subject: str) -> None:
    assert letter("accepted", subject=subject)["Subject"] == subject


def test_a_mail_without_subject_or_id_is_answered_all_the_same() -> None:
    found = letter("accepted", subject="", message_id=None, refs=[])
    assert (found["Subject"], found["In-Reply-To"], found["References"]) == ("Your SMS", None, None)
    assert letter("reply", THREAD, subject="")["Subject"] == "SMS from +33 6 12 34 56 78"


def test_a_subject_that_may_hold_a_token_is_not_told() -> None:
    legacy = office(legacy_subject=True)
    assert letter("rejected", of=legacy, subject="secret | 0612345678 | Shop")["Subject"] == "Your SMS"
    assert letter("rejected", subject="Soldes | samedi")["Subject"] == "Re: Soldes | samedi"


def test_references_are_bounded_and_none_of_them_is_cut() -> None:
    many = [f"{number}{'x' * 200}@shop.example" for number in range(60)]
    found = letter("accepted", refs=[*many, "a b", "c>d", "y" * 1000, "é@x"])
    ids = str(found["References"]).split()
    assert ids == [*(f"<{one}>" for one in many[-19:]), "<first@shop.example>"]


def test_a_reply_is_answered_at_its_own_address() -> None:
    found = letter("reply", THREAD)
    (sender,) = found["From"].addresses
    (answers,) = found["Reply-To"].addresses
    assert sender.display_name == "+33 6 12 34 56 78"
    assert sender.addr_spec == answers.addr_spec
    assert address.read(sender.addr_spec, "", "sms.example.org") == THREAD
    assert "Answer this mail" in body_of(found)


def test_an_ordinary_mailbox_writes_as_itself_and_its_conversations_stand_behind_a_plus() -> None:
    mailbox = office(domain="sms@office.example")
    assert letter("accepted", of=mailbox)["From"].addresses[0].addr_spec == "sms@office.example"
    (sender,) = letter("reply", THREAD, mailbox)["From"].addresses
    assert sender.addr_spec.startswith("sms+r-")
    assert address.read(sender.addr_spec, "sms", "office.example") == THREAD


def test_a_held_mail_is_answered_where_its_secret_is_known() -> None:
    found = letter("held", THREAD)
    (answers,) = found["Reply-To"].addresses
    assert address.read(answers.addr_spec, "", "sms.example.org") == THREAD
    assert found["From"].addresses[0].addr_spec == "no-reply@sms.example.org"


def test_who_asked_for_no_more_is_labelled_and_can_not_be_answered() -> None:
    found = letter("reply", None, text="stop svp", opt_out=True)
    assert body_of(found).startswith("This person answered STOP: no more SMS go to them.\n")
    assert "stop svp" in body_of(found)
    assert "Answer this mail" not in body_of(found)
    assert (found["Reply-To"], found["From"].addresses[0].addr_spec) == (None, "no-reply@sms.example.org")


@pytest.mark.parametrize("kind", sorted(FACTS))
@given(subject=ANYTHING, message_id=ANYTHING, text=ANYTHING, why=ANYTHING)
def test_case_21_nothing_that_was_read_adds_a_header(
    kind: str, subject: str, message_id: str, text: str, why: str
) -> None:
    told: dict[str, Any] = {"subject": subject, "message_id": message_id, "refs": [message_id, subject], "text": text}
    whole = raw(kind, THREAD, **told, facts={"why": why, "count": why}, code="refused")
    head, _, _ = whole.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert {line.split(b":")[0].decode() for line in lines if not line.startswith((b" ", b"\t"))} <= HEADERS
    found = read(whole)
    assert set(found.keys()) <= HEADERS
    assert len(found.keys()) == len(set(found.keys()))
    assert found["To"].addresses[0].addr_spec == ANNE
    assert not set("\r\n") & set(str(found["Subject"]))


def test_case_21_an_encoded_line_end_in_a_subject_is_a_blank() -> None:
    assert letter("rejected", subject="Hello\r\nBcc: all@shop.example")["Subject"] == "Re: Hello Bcc: all@shop.example"
    assert letter("rejected", subject="=?utf-8?q?a=0d=0aBcc:b?=")["Subject"] == "Re: =?utf-8?q?a=0d=0aBcc:b?="


@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=700).map(str.strip))
def test_an_answer_comes_word_for_word(text: str) -> None:
    clean = heads.CONTROLS.sub("", text)
    assert body_of(letter("reply", THREAD, text=text)).startswith(clean)
