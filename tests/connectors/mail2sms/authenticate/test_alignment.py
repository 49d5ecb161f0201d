"""Whose domain is whose."""

from typing import Any

import pytest

from connectors.mail2sms.authenticate import Lookup, NoAnswer, authenticate
from connectors.mail2sms.authenticate.alignment import Alignment, is_host, organisation
from connectors.mail2sms.mail import Proof
from tests.support.signing import key_of, lookup, mail, names, signed
from tests.support.world import NOON

STRICT = b"v=DMARC1; p=reject; adkim=s; aspf=r"


def policies(**records: bytes) -> Lookup:
    return lookup({f"_dmarc.{name.replace('_', '.')}": [text] for name, text in records.items()})


@pytest.mark.parametrize(
    "domain, expected",
    [
        ("office.example", "office.example"),
        ("mail.paris.office.example", "office.example"),
        ("mail.office.co.uk", "office.co.uk"),
        ("co.uk", None),
        ("example", None),
        ("ann.github.io", "ann.github.io"),
    ],
)
def test_an_organisation_is_what_somebody_registered(domain: str, expected: str | None) -> None:
    assert organisation(domain) == expected


@pytest.mark.parametrize(
    "sender, signer, expected",
    [
        ("office.example", "mail.office.example", True),
        ("paris.office.example", "office.example", True),
        ("paris.office.example", "mail.office.example", True),
        ("office.example", "notoffice.example", False),
        ("office.example", "example", False),
        ("office.co.uk", "co.uk", False),
        ("office.co.uk", "other.co.uk", False),
        ("co.uk", "co.uk", True),
    ],
)
def test_without_a_policy_one_organisation_is_enough(sender: str, signer: str, expected: bool) -> None:
    assert Alignment(sender, lookup({})).holds(signer, "adkim") is expected


def test_a_strict_policy_wants_the_very_domain() -> None:
    alignment = Alignment("office.example", policies(office_example=STRICT))
    assert not alignment.holds("mail.office.example", "adkim")
    assert alignment.holds("office.example", "adkim")
    assert alignment.holds("mail.office.example", "aspf")


def test_the_policy_of_the_organisation_holds_where_the_domain_has_none() -> None:
    above = Alignment("paris.office.example", policies(office_example=STRICT))
    assert not above.holds("office.example", "adkim")
    own = Alignment("paris.office.example", policies(office_example=STRICT, paris_office_example=b"v=DMARC1; p=none"))
    assert own.holds("office.example", "adkim")


@pytest.mark.parametrize(
    "text, strict",
    [
        (b"v=DMARC1;adkim=s", True),
        (b" v=DMARC1;adkim=s", False),
        (b"v = DMARC1 ; ADKIM = S ;", True),
        (b"v=DMARC1; adkim=r", False),
        (b"v=DMARC1; adkim", False),
        (b"v=DMARC10; adkim=s", False),
        (b"v=spf1; adkim=s", False),
        (b"adkim=s; v=DMARC1", False),
        (b"v=DMARC1; \xff\x00=;;;=adkim=s", False),
    ],
)
def test_a_policy_is_read_as_its_domain_wrote_it(text: bytes, strict: bool) -> None:
    assert Alignment("office.example", policies(office_example=text)).holds("m.office.example", "adkim") is not strict


def test_two_policies_are_none() -> None:
    both = lookup({"_dmarc.office.example": [STRICT, STRICT]})
    assert Alignment("office.example", both).holds("mail.office.example", "adkim")
    beside = lookup({"_dmarc.office.example": [b"something else", STRICT]})
    assert not Alignment("office.example", beside).holds("mail.office.example", "adkim")


def test_nobody_is_asked_where_it_makes_no_difference() -> None:
    deaf = Alignment("office.example", lookup({}, ["*"]))
    assert deaf.holds("office.example", "adkim")
    assert not deaf.holds("evil.example", "adkim")
    with pytest.raises(NoAnswer):
        deaf.holds("mail.office.example", "adkim")


def test_a_policy_is_asked_for_once() -> None:
    asked: list[str] = []

    def listening(name: str) -> Any:
        asked.append(name)
        return ()

    alignment = Alignment("office.example", listening)
    assert alignment.holds("a.office.example", "adkim")
    assert alignment.holds("b.office.example", "aspf")
    assert asked == ["_dmarc.office.example"]


def test_names_of_domains_are_letters_digits_and_dashes() -> None:
    good = ["office.example", "xn--bcher-kva.example", "_spf.office.example", "a" * 63 + ".example"]
    bad = [
        "",
        ".",
        "a..b",
        "-a.example",
        "a b.example",
        "bücher.example",
        "office.example.",
        "a" * 64 + ".example",
        "a." * 127 + "aa",
    ]
    assert all(map(is_host, good))
    assert not any(map(is_host, bad))


def signed_by(domain: str, sender: str, *, silent: tuple[str, ...] = (), **records: str) -> Proof:
    key = key_of(domain)
    return authenticate(signed(mail(sender), key), sender, NOON, None, names(key, silent=silent, **records))


def test_a_mail_signed_by_its_organisation_is_proven_unless_it_wants_it_strictly() -> None:
    assert signed_by("mail.office.example", "ann@office.example").aligned
    strictly = signed_by("mail.office.example", "ann@office.example", office_example="v=DMARC1; adkim=s")
    assert (strictly.aligned, strictly.why) == (False, "signed by mail.office.example, not strictly aligned")


def test_case_27_a_silent_policy_is_no_forgery_either() -> None:
    waiting = signed_by("mail.office.example", "ann@office.example", silent=("_dmarc.office.example",))
    assert (waiting.aligned, waiting.temporary) == (False, True)
    assert signed_by("office.example", "ann@office.example", silent=("_dmarc.office.example",)).aligned


def test_the_domain_of_from_is_compared_in_any_case() -> None:
    assert signed_by("office.example", "Ann@Office.Example").aligned
