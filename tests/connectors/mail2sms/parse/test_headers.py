"""What headers say, each in one way only."""

from collections.abc import Iterator
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mail2sms.mail import Wrong
from connectors.mail2sms.parse import parse
from tests.support.written import GATEWAY, NUMBER, SENDER, headers, mail, refusal, text


def test_headers_are_read() -> None:
    found = headers(
        mail(
            "Bonjour",
            "Cc: Bob <+33612345679@SMS.example.org>, claire@example.org",
            "Subject: =?utf-8?B?w4l0w6k=?= =?utf-8?q?_chaud?=",
            "Message-ID: <one@example.org>",
            "In-Reply-To: <three@example.org>",
            "References: <two@example.org>\r\n <three@example.org>",
            "Date: Thu, 26 Nov 2026 10:00:00 +0100",
            sender="Anne Martin <Anne@Example.ORG>",
        )
    )
    assert found.sender == "Anne@example.org"
    assert found.to == (NUMBER,)
    assert found.cc == ("+33612345679@sms.example.org", "claire@example.org")
    assert found.subject == "Été chaud"
    assert found.message_id == "one@example.org"
    assert found.references == ("two@example.org", "three@example.org")
    assert found.date == 1_795_683_600_000
    assert (found.automatic, found.generated, found.quiet) == (None, False, False)


def test_case_13_three_thousand_open_brackets_are_refused() -> None:
    found = parse(mail(to="(" * 3000), GATEWAY)
    assert found.headers == Wrong("headers_invalid", {"header": "To"})


def test_case_14_five_thousand_recipients_are_all_read() -> None:
    numbers = [f"06{place:08}@{GATEWAY}" for place in range(5000)]
    assert headers(mail(to=",\r\n ".join(f'"No. {one[:10]}" <{one}>' for one in numbers))).to == tuple(numbers)


def test_case_17_two_from_headers_are_refused() -> None:
    assert refusal(mail("Bonjour", "From: eve@evil.example")) == "from_invalid"
    assert refusal(mail("Bonjour", "from : eve@evil.example")) == "from_invalid"


@pytest.mark.parametrize(
    "sender",
    [
        "alice@trusted.example, <eve@evil.example>",
        "alice@trusted.example <eve@evil.example>",
        "<alice@trusted.example> <eve@evil.example>",
        "<alice@trusted.example>, eve@evil.example",
        'Team: alice@trusted.example, "x" <eve@evil.example>;',
        "alice@trusted.example@evil.example",
        "=?utf-8?q?alice=40trusted.example?=",
        "alice",
        "<>",
        "",
        '"alice smith"@trusted.example',
        "alice@trusted .example",
        "alice@trusted.example\x00.evil.example",
        "(alice@trusted.example",
        "alice@trusted.example)",
        "<alice@trusted.example;eve@evil.example>",
        "alice@trusted.example\\",
    ],
)
def test_case_18_a_from_that_two_could_read_differently_is_refused(sender: str) -> None:
    assert refusal(mail(sender=sender)) == "from_invalid"


@pytest.mark.parametrize(
    "sender",
    [
        '"alice@trusted.example" <eve@evil.example>',
        "=?utf-8?q?alice=40trusted.example?= <eve@evil.example>",
        "eve@evil.example (alice@trusted.example)",
        '(" ) <eve@evil.example> (")',
        "Trusted, Alice <eve@evil.example>",
        "eve@evil.example <eve@evil.example>",
        "Evil: eve@evil.example;",
        "<@trusted.example,@x.example:eve@evil.example>",
    ],
)
def test_case_19_a_name_that_looks_like_an_address_is_a_name(sender: str) -> None:
    assert headers(mail(sender=sender)).sender == "eve@evil.example"


@pytest.mark.parametrize(
    "sender", ["anne@ｅxample.org", "ａnne@example.org", "anne@exa\u200bmple.org", "anne@ﬁn.example", "anne@a..example"]
)
def test_case_20_letters_that_stand_for_others_are_refused_in_from(sender: str) -> None:
    assert refusal(mail(sender=sender)) == "from_invalid"


def test_case_20_a_domain_of_another_alphabet_is_itself_and_no_other() -> None:
    cyrillic = "еxample.org"
    assert headers(mail(sender=f"anne@{cyrillic}")).sender == "anne@xn--xample-2of.org"
    assert headers(mail(sender="anne@straße.example")).sender == "anne@xn--strae-oqa.example"


def test_case_20_a_recipient_of_another_alphabet_is_none_of_ours() -> None:
    assert headers(mail(to="0612345678@ｓｍｓ.example.org")).to == ()


def test_case_21_an_encoded_line_break_is_a_blank() -> None:
    broken = "=?utf-8?q?Hi=0D=0ABcc:_eve=40evil.example?="
    found = headers(mail("Bonjour", f"Subject: {broken}", sender=f"{broken} <{SENDER}>"))
    assert found.sender == SENDER
    assert found.subject == "Hi Bcc: eve@evil.example"


def test_case_22_a_lone_carriage_return_brings_in_no_header() -> None:
    found = headers(mail("Bonjour", "Subject: Hi\rTo: +33699999999@sms.example.org\rBcc: +33688888888@sms.example.org"))
    assert found.to == (NUMBER,)
    assert found.subject == "Hi To: +33699999999@sms.example.org Bcc: +33688888888@sms.example.org"
    assert text(mail("Bonjour", "X: a\r\rb")) == "Bonjour"


@pytest.mark.parametrize("name", ["To", "Cc", "Subject"])
def test_a_header_that_stands_there_twice_is_refused(name: str) -> None:
    raw = mail("Bonjour", f"{name}: x@example.org", *([f"{name.lower()}: y@example.org"] if name != "To" else []))
    assert parse(raw, GATEWAY).headers == Wrong("headers_invalid", {"header": f"more than one {name}"})


def test_case_33_only_our_own_server_says_to_whom_a_mail_was_delivered() -> None:
    above = b"Return-Path: <anne@example.org>\r\nX-Original-To: 33612345678+abc@sms.example.org\r\n"
    above += b"Delivered-To: <33612345678+abc@SMS.example.org>\r\nReceived: from x by mx.example.org; now\r\n"
    found = headers(above + mail("Bonjour", "Delivered-To: 33699999999@sms.example.org"))
    assert found.delivered_to == ("33612345678+abc@sms.example.org",)


@pytest.mark.parametrize(
    "line",
    [
        "Message-ID:",
        "Message-ID: <>",
        "Message-ID: <a b@c>",
        "Message-ID: <é@example.org>",
        f"Message-ID: <{'a' * 241}>",
        "Message-ID: <a@b>\r\nMessage-ID: <c@d>",
    ],
)
def test_case_31_a_message_id_that_is_none_is_absent(line: str) -> None:
    assert headers(mail("Bonjour", line)).message_id is None


def test_of_many_references_the_first_and_the_last_are_kept() -> None:
    found = headers(mail("Bonjour", "References: " + " ".join(f"<{place}@x>" for place in range(100))))
    assert found.references == ("0@x", *(f"{place}@x" for place in range(81, 100)))


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "Thu, 99 Nov 2026 10:00:00 +0100",
        f"1 Jan {'9' * 90} 00:00:00",
        "\0",
        "1 Jan 2026 00:00:00 +9999999",
    ],
)
def test_a_date_of_no_calendar_is_none(date: str) -> None:
    assert headers(mail("Bonjour", f"Date: {date}")).date is None


@pytest.mark.parametrize(
    "written, subject",
    [
        ("=?utf-8?q?=C3?= =?utf-8?q?=A9t=C3=A9?=", "été"),
        ("=?iso-8859-1?Q?caf=E9?= =?utf-8?B?w6k=?=", "caféé"),
        ("=?utf-8*fr?q?=C3=A9t=C3=A9?= demain", "été demain"),
        ("=?x-unknown-8?q?caf=E9?=", "café"),
        ("=?utf-8?b?!!!!a?=", "=?utf-8?b?!!!!a?="),
        ("=?hex?q?x?=", "x"),
        ("Été", "Été"),
        (b"Subject: \xc9t\xe9".decode("latin-1")[9:], "Été"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_subject_is_decoded_as_far_as_it_can_be(written: str, subject: str) -> None:
    assert headers(mail("Bonjour", f"Subject: {written}")).subject == subject


def test_a_subject_of_eight_bits_is_utf_8_or_what_windows_writes() -> None:
    assert headers(mail("Bonjour", b"Subject: \xc9t\xe9 \x80")).subject == "Été €"


def test_a_mail_of_nothing_is_from_nobody() -> None:
    assert refusal(b"") == refusal(b"\r\n\r\n") == refusal(b"\0" * 100) == "from_invalid"


def test_a_first_line_that_is_no_header_is_passed_over() -> None:
    assert headers(b" To: x\n" + mail()).to == (NUMBER,)
    assert headers(b"From anne Thu Nov 26 10:00:00 2026\n" + mail()).sender == SENDER


values = st.text(st.characters(codec="utf-8") | st.sampled_from('\r\n\0\x0b\x85\u2028<>@,;:"()=?'), max_size=60)
NAMES = [
    "Subject",
    "Cc",
    "Message-ID",
    "References",
    "In-Reply-To",
    "Delivered-To",
    "X-Original-To",
    "Date",
    "Reply-To",
]


@given(st.dictionaries(st.sampled_from(NAMES), values), values, st.booleans())
def test_no_header_can_put_a_line_break_into_any_value(fields: dict[str, str], name: str, encoded: bool) -> None:
    def written(value: str) -> str:
        octets = "".join(f"={octet:02X}" for octet in value.encode())
        return f"=?utf-8?q?{octets}?=" if encoded else value.replace("\r\n", "\r\n ").replace("\n", "\n ")

    quoted = written(name).replace("\\", "").replace('"', "")
    raw = mail(
        "Bonjour", *(f"{key}: {written(value)}" for key, value in fields.items()), sender=f'"{quoted}" <{SENDER}>'
    )
    found = parse(raw, GATEWAY, legacy=True)
    every = [*_texts(astuple(found.headers)), *_texts(found.legacy and astuple(found.legacy))]
    assert not [one for one in every if set(one) & set("\r\n\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, tuple):
        for one in value:
            yield from _texts(one)
