"""Whatever comes, and however much of it: it is read in steps that grow with its length, or refused."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.mail2sms.mail import MOST_BYTES, Content, Parsed, Wrong
from connectors.mail2sms.parse import parse
from tests.support.written import GATEWAY, mail, mime, multipart, part, refusal, text

MILLION = 1_000_000

# What parsers stumble over: beginnings without ends, one thing within another, and many of what is usually one.
PUMPS = [
    *(
        "\n",
        "\r\n",
        "\r",
        " ",
        "\t",
        "a",
        "-- \n",
        "--\n",
        "> \n",
        ">",
        "On \n",
        "On 1/1 @\n",
        "Le 1 à 10:00\n",
        "De :\n",
        "From:\n",
    ),
    *(
        "From: a\nSent: b\n",
        "____\n",
        "#end ",
        "#a:\n",
        "#parts: 1\n",
        "-----BEGIN PGP SIGNED MESSAGE-----\n",
        "A: b\n",
        " \n\n",
    ),
    *(
        "--a\n",
        "--a--\n",
        "\n--a!",
        "--a\nContent-Type: multipart/mixed; boundary=a\n\n",
        "Content-Type: message/rfc822\n\n",
        "--",
    ),
    *(
        "(",
        ")",
        "<",
        ">",
        '"',
        "\\",
        ",",
        ";",
        ":",
        "@",
        "a@b,",
        "=?a?q?",
        "=?utf-8?q?=41?=",
        "=?",
        "?=",
        "<a>",
        "=",
        "=\n",
        "%",
    ),
    *(
        "<div>",
        "</div>",
        "<b>x",
        "<!--",
        "-->",
        "<p style='display:none'>",
        "<blockquote>",
        "<br>",
        "&nbsp;",
        "<table><tr><td>",
        "&#",
    ),
    *(
        "<style>.a{",
        "}",
        "{",
        "@media{",
        "/*",
        "<a ",
        "<?",
        "<![CDATA[",
        '"\n',
        "0612345678;\n",
        ";",
        "number\n",
        "\x1b",
        "\0",
    ),
    *("\u200b", "\u200d", "\u0301\u0327", "👩\u200d", "\ufeff", "\u202e", "é"),
]
HEADS: dict[str, Callable[[bytes], bytes]] = {
    "a body": mail,
    "text that flows": lambda pumped: mime(part(pumped, "text/plain; format=flowed; delsp=yes")),
    "a page": lambda pumped: mime(part(pumped, "text/html; charset=utf-8")),
    "parts": lambda pumped: mime(part(pumped, "multipart/mixed; boundary=a")),
    "a list": lambda pumped: mime(multipart("mixed", part("x"), part(pumped, "text/csv"))),
    "quoted-printable": lambda pumped: mime(part(pumped, "text/plain", "Content-Transfer-Encoding: quoted-printable")),
    "base64": lambda pumped: mime(part(pumped, "text/html", "Content-Transfer-Encoding: base64")),
    "From": lambda pumped: b"From: " + pumped + b"\n" + mail(),
    "To": lambda pumped: b"From: a@example.org\nTo: " + pumped + b"\n\nx",
    "Subject": lambda pumped: mail("x", b"Subject: " + pumped),
    "References": lambda pumped: mail("x", b"References: " + pumped),
    "Date": lambda pumped: mail("x", b"Date: " + pumped),
    "Content-Type": lambda pumped: mail("x", b"Content-Type: text/plain; " + pumped),
    "all": lambda pumped: pumped,
}


def steps(call: Callable[[], object]) -> int:
    """How many functions are called, of Python and of C. Not counted is what one of C does: there, the lengths below would be felt."""
    count = 0

    def look(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        call()
    finally:
        sys.setprofile(before)
    return count


def read(raw: bytes, *, legacy: bool = False) -> Parsed:
    found = parse(raw, GATEWAY, legacy=legacy)
    assert isinstance(found.content, Content | Wrong)
    if isinstance(found.content, Content):
        found.content.text.encode()  # no half of a character is left
    return found


@given(st.binary(max_size=400), st.sampled_from(sorted(HEADS)))
def test_any_octets_are_read_and_nothing_is_raised(octets: bytes, place: str) -> None:
    read(HEADS[place](octets), legacy=True)


@given(st.lists(st.sampled_from(PUMPS), max_size=40).map("".join), st.sampled_from(sorted(HEADS)))
def test_anything_that_parsers_stumble_over_is_read(nasty: str, place: str) -> None:
    read(HEADS[place](nasty.encode()), legacy=True)


@given(st.lists(st.sampled_from(PUMPS), min_size=1, max_size=3).map("".join), st.sampled_from(sorted(HEADS)))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_twice_the_length_takes_no_more_than_twice_the_steps(pump: str, place: str) -> None:
    octets = pump.encode()
    once = HEADS[place](octets * (20_000 // len(octets)))
    twice = HEADS[place](octets * (40_000 // len(octets)))
    read(once)  # what is made once is made
    assert steps(lambda: read(twice)) <= 2.2 * steps(lambda: read(once)) + 2_000


@given(st.sampled_from(PUMPS), st.sampled_from(sorted(HEADS)))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_half_a_megabyte_of_anything_is_read(pump: str, place: str) -> None:
    octets = pump.encode()
    read(HEADS[place](octets * (MILLION // 2 // len(octets))))


def filled(line: str) -> str:
    """Ten megabytes of a line."""
    return line * ((MOST_BYTES - 1000) // len(line.encode()))


@pytest.mark.parametrize("line", ["\n", " \r\n", "\u200b", "\u00a0\n"])
def test_ten_megabytes_of_nothing_are_an_empty_line(line: str) -> None:
    assert text(mail(f"Bonjour\n{filled(line)}\nAnne")) == "Bonjour\n\nAnne"


@pytest.mark.parametrize("line", ["-- \n", "> \n", "On 1/1 @\n", "From: a\n", "_____\n"])
def test_ten_megabytes_of_what_resembles_a_quote_are_text(line: str) -> None:
    many = filled(line)
    found = text(mail(f"Bonjour\n{many}"))
    assert found.startswith(f"Bonjour\n{line[:2].rstrip()}")
    assert len(found) > 0.99 * len(many)
    assert text(mail(f"Bonjour\n#end\n{many}")) == "Bonjour"


def test_more_than_ten_megabytes_are_refused_and_who_wrote_them_is_known() -> None:
    found = read(mail("a" * MOST_BYTES))
    assert found.content == Wrong("too_large", {"most": MOST_BYTES})
    assert not isinstance(found.headers, Wrong)


@pytest.mark.parametrize(
    "raw, code",
    [
        (b"a: b\n" * 100_000, "headers_invalid"),
        (b"From: a@example.org\nTo: " + b" \n" * 30_000, "headers_invalid"),
        (b"From: a@example.org\nTo: " + b"a" * MILLION, "headers_invalid"),
        (mime(multipart("mixed", b"A: " + b"b" * 100_000 + b"\r\n\r\nx")), "too_complex"),
        (mime(part("\n--a" * 10_000, "multipart/mixed; boundary=a")), "too_complex"),
        (mime(part("x", f"multipart/mixed; boundary={'a' * 300}")), "too_complex"),
    ],
)
def test_more_than_any_mail_has_is_refused(raw: bytes, code: str) -> None:
    assert refusal(raw) == code


def test_a_letter_with_very_many_accents_is_left_as_it_is() -> None:
    written = "a" + "\u0327\u0301" * 500_000
    assert text(mail(written)) == written
