"""The grammar of the gateway's addresses."""

import base64
import string
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mail2sms.mail import Address, Options, Wrong
from connectors.mail2sms.parse import address

DOMAIN = "sms.example.org"
THREAD = "01936f2e-7c00-7abc-8def-0123456789ab"
SLUGS = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


def read(text: str, local: str = "", domain: str = DOMAIN) -> Address | Wrong | None:
    return address.read(text, local, domain)


def wrong(text: str, local: str = "") -> tuple[str, object]:
    found = read(text, local)
    assert isinstance(found, Wrong), found
    return found.code, found.facts.get("option", found.facts["address"])


@pytest.mark.parametrize(
    "text, meant",
    [
        ("0612345678", Address("number", "0612345678")),
        ("+33612345678", Address("number", "+33612345678")),
        ("0033612345678", Address("number", "0033612345678")),
        ("33612345678+k7f3aaaa", Address("number", "33612345678", "k7f3aaaa")),
        ("+33612345678+k7f3.n", Address("number", "+33612345678", "k7f3", Options("notification"))),
        ("0612345678.m.p3.test", Address("number", "0612345678", None, Options("marketing", 3, test=True))),
        ("0612345678.s-my-shop", Address("number", "0612345678", None, Options(sender="my-shop"))),
        ("0612345678.d-20261224t0900", Address("number", "0612345678", None, Options(send_at="20261224T0900"))),
        ("g-clients-2026.m", Address("group", "clients-2026", None, Options("marketing"))),
        ("c-welcome+abc", Address("template", "welcome", "abc")),
        ("list.m", Address("list", "list", None, Options("marketing"))),
        ("no-reply", Address("nobody", "no-reply")),
        ("Postmaster", Address("nobody", "postmaster")),
        ('"0612345678"', Address("number", "0612345678")),
    ],
)
def test_an_address_says_where_a_mail_goes_and_how(text: str, meant: Address) -> None:
    assert read(f"{text}@{DOMAIN}") == meant
    assert read(f" {text}@SMS.Example.ORG. ") == meant


def test_an_ordinary_mailbox_has_its_addresses_behind_a_plus() -> None:
    assert read("sms+0612345678.n@office.example", "sms", "office.example") == Address(
        "number", "0612345678", None, Options("notification")
    )
    assert read("SMS++33612345678+abc@office.example", "sms", "office.example") == Address(
        "number", "+33612345678", "abc"
    )
    assert read("sms@office.example", "sms", "office.example") == Address("nobody", "")
    assert read("sms+no-reply@office.example", "sms", "office.example") == Address("nobody", "no-reply")


@pytest.mark.parametrize("text", ["0612345678@example.org", "smsx+0612345678@office.example", "sms", "", "@", "a@b@c"])
def test_an_address_of_somebody_else_is_none_of_ours(text: str) -> None:
    assert read(text) is None
    assert read(text, "sms", "office.example") is None


def test_a_thread_is_an_id_in_26_letters_in_any_case() -> None:
    text = address.write(Address("thread", THREAD, "k7f3"), "", DOMAIN)
    letters = base64.b32encode(UUID(THREAD).bytes).decode().rstrip("=").lower()
    assert text == f"r-{letters}+k7f3@{DOMAIN}"
    assert read(text.upper()) == Address("thread", THREAD, "k7f3")


def test_a_thread_has_one_spelling() -> None:
    assert wrong(f"r-{'a' * 25}b@{DOMAIN}")[0] == "address_invalid"
    assert wrong(f"r-{'a' * 25}@{DOMAIN}")[0] == "address_invalid"


@pytest.mark.parametrize("option", ["x", "p0", "p10", "d-20261324t0900", "d-2026", "s-", "N0", "nm", "", "n "])
def test_case_49_an_unknown_option_is_refused_and_never_ignored(option: str) -> None:
    assert wrong(f"0612345678.p2.{option}@{DOMAIN}") == ("option_unknown", f".{option.lower()}")


@pytest.mark.parametrize("options", ["n.m", "m.m", "p2.p3", "test.test", "s-a.s-b"])
def test_an_option_said_twice_is_refused(options: str) -> None:
    assert wrong(f"0612345678.{options}@{DOMAIN}")[0] == "option_unknown"


@pytest.mark.parametrize(
    "text",
    [
        "12345",
        "1" * 18,
        "06 12 34 56 78",
        "g-",
        "g--a",
        "x-a",
        "anne",
        "0612345678+",
        "0612345678+a b",
        "++33612345678",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert wrong(f"{text}@{DOMAIN}")[0] == "address_invalid"


@pytest.mark.parametrize("digits", ["０６１２３４５６７８", "٠٦١٢٣٤٥٦٧٨", "06123456７8"])
def test_case_20_digits_of_other_alphabets_are_no_digits(digits: str) -> None:
    assert wrong(f"{digits}@{DOMAIN}")[0] == "address_invalid"
    assert read("0612345678@ｓｍｓ.example.org") is None


def test_a_local_part_has_64_octets_at_most() -> None:
    assert isinstance(read(f"0612345678+{'a' * 53}@{DOMAIN}"), Address)
    assert wrong(f"0612345678+{'a' * 54}@{DOMAIN}")[0] == "address_invalid"
    with pytest.raises(ValueError, match="64 octets"):
        address.write(Address("thread", THREAD, "a" * 16), "a-rather-long-mailbox", DOMAIN)


def test_what_is_told_of_a_wrong_address_has_no_token_and_no_line_break() -> None:
    found = read("sms+0612345678+secret.zz@office.example", "sms", "office.example")
    assert found == Wrong("option_unknown", {"option": ".zz", "address": "sms+0612345678+....zz@office.example"})
    broken = read(f"a\r\nBcc: b+secret\u202e@{DOMAIN}")
    assert broken == Wrong("address_invalid", {"address": f"a??bcc:?b+...@{DOMAIN}", "domain": DOMAIN, "prefix": ""})


addresses = st.builds(
    Address,
    kind=st.just("number"),
    value=st.from_regex(r"\+?[0-9]{6,15}", fullmatch=True),
    token=st.none() | st.text(string.ascii_lowercase + "234567", min_size=1, max_size=16),
    options=st.builds(
        Options,
        purpose=st.sampled_from([None, "marketing", "notification"]),
        max_segments=st.none() | st.integers(1, 9),
        sender=st.none() | SLUGS,
        send_at=st.none() | st.datetimes().map(lambda at: f"{at:%Y%m%dT%H%M}".rjust(13, "0")),
        test=st.booleans(),
    ),
) | st.one_of(
    st.builds(Address, kind=st.sampled_from(["group", "template"]), value=SLUGS),
    st.builds(Address, kind=st.just("thread"), value=st.uuids().map(str)),
    st.builds(Address, kind=st.just("nobody"), value=st.sampled_from(["no-reply", "abuse", "postmaster"])),
)


@given(addresses, st.sampled_from(["", "sms", "x.y"]), st.booleans())
def test_what_is_written_is_read_as_it_was(one: Address, local: str, loud: bool) -> None:
    try:
        text = address.write(one, local, DOMAIN)
    except ValueError:
        return
    assert address.read(text.upper() if loud else text, local, DOMAIN) == one


@given(st.text(max_size=80), st.sampled_from(["", "sms"]))
def test_any_text_is_an_address_or_none_or_wrong(text: str, local: str) -> None:
    found = address.read(f"{text}@{DOMAIN}", local, DOMAIN)
    if isinstance(found, Wrong):
        assert all(str(fact).isprintable() for fact in found.facts.values())
