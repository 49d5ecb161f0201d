"""Lines before the text, subjects of old, and what both say."""

import pytest

from connectors.mail2sms.mail import Legacy, Options, Wrong
from connectors.mail2sms.parse import parse
from tests.support.written import GATEWAY, content, mail, mime, part


def test_lines_before_the_text_say_how_it_is_sent() -> None:
    found = content(mail("#sender: MA BOUTIQUE\r\n#at: 2026-12-24T09:00\r\n#Parts:3\r\n\r\nBonjour\r\n#sender: x"))
    assert found.text == "Bonjour\n#sender: x"
    assert found.said == Options(sender="MA BOUTIQUE", send_at="2026-12-24T09:00", max_segments=3)


def test_lines_end_where_the_text_begins_too() -> None:
    found = content(mail("#parts: 2\r\nBonjour"))
    assert (found.text, found.said.max_segments) == ("Bonjour", 2)


def test_lines_of_html_are_lines_too() -> None:
    found = content(mime(part("<div>#parts: 2</div><div><br></div><div>Bonjour</div>", "text/html")))
    assert (found.text, found.said.max_segments) == ("Bonjour", 2)


@pytest.mark.parametrize("at", ["20261224T0900", "2026-12-24 09:00", "2026-12-24T09:00:00+01:00"])
def test_a_moment_is_written_in_several_ways(at: str) -> None:
    assert content(mail(f"#at: {at}\r\n\r\nx")).said.send_at == at


@pytest.mark.parametrize(
    "line, option, cure",
    [
        ("#sendr: X", "sendr", "known"),
        ("#parts: 11", "parts", "1 to 10"),
        ("#parts: ３", "parts", "1 to 10"),
        ("#parts:", "parts", "1 to 10"),
        ("#at: tomorrow", "at", "write"),
        ("#at: 2026-12-24", "at", "write"),
        ("#at: 2026-13-24T09:00", "at", "write"),
        ("#sender: " + "x" * 41, "sender", "senders"),
        ("#parts: 1\r\n#parts: 2", "parts", "once"),
    ],
)
def test_a_line_that_means_nothing_is_refused_with_its_cure(line: str, option: str, cure: str) -> None:
    found = parse(mail(f"{line}\r\n\r\nBonjour"), GATEWAY).content
    assert isinstance(found, Wrong)
    assert (found.code, found.facts["option"]) == ("option_invalid", option)
    assert cure in str(found.facts["cure"])
    assert len(str(found.facts["value"])) <= 40


def test_a_text_may_begin_with_a_hash() -> None:
    assert content(mail("#BlackFriday demain")).text == "#BlackFriday demain"
    assert content(mail("#parts: 2\r\n\r\n#Promo: -50%")).text == "#Promo: -50%"


def old(subject: str) -> tuple[Legacy | None, str]:
    found = parse(mail("Bonjour", f"Subject: {subject}"), GATEWAY, legacy=True)
    assert not isinstance(found.headers, Wrong)
    return found.legacy, found.headers.subject


def test_an_old_subject_says_a_password_numbers_and_a_sender() -> None:
    assert old("s3cret | 0612345678, +33 6 12 34 56 79 | MA BOUTIQUE") == (
        Legacy("s3cret", ("0612345678", "+33612345679"), "MA BOUTIQUE"),
        "*** | 0612345678, +33 6 12 34 56 79 | MA BOUTIQUE",
    )
    assert old("s3cret|0612345678")[0] == Legacy("s3cret", ("0612345678",), None)


def test_the_password_of_an_old_subject_is_in_no_header_whatever_stands_behind_it() -> None:
    for subject in (
        "s3cret | Anne",
        "s3cret | 0612345678 | x | y",
        "s3cret |",
        "s3cret | 0612345678 | <x>",
        f"s3cret | {'0612345678,' * 2000}",
    ):
        found, shown = old(subject)
        assert found is None
        assert "s3cret" not in shown
    assert "s3cret" not in repr(Legacy("s3cret", (), None))


def test_an_old_subject_means_nothing_where_it_is_not_wanted() -> None:
    found = parse(mail("Bonjour", "Subject: a | 0612345678"), GATEWAY)
    assert found.legacy is None
    assert not isinstance(found.headers, Wrong)
    assert found.headers.subject == "a | 0612345678"
