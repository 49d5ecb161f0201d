"""The word of our mail server."""

import pytest

from connectors.mail2sms.authenticate import authenticate
from connectors.mail2sms.authenticate.results import read
from connectors.mail2sms.mail import Proof
from tests.support.signing import key_of, lookup, mail, names, signed, with_headers
from tests.support.world import NOON

ANN = "ann@office.example"
MX = "mx.sms.example"
RECEIVED = f"Received: from mail.office.example (mail.office.example [192.0.2.7])\r\n\tby {MX} (Postfix) with ESMTPS id 4X1; Mon, 21 Sep 2026 14:13:20 +0000"
BY_LMTP = f"Received: from {MX}\r\n\tby imap.sms.example with LMTP id 7Y2; Mon, 21 Sep 2026 14:13:21 +0000"
ELSEWHERE = "Received: from a by mail.office.example; Mon, 21 Sep 2026 14:13:19 +0000"
DKIM = f"Authentication-Results: {MX};\r\n\tdkim=pass (2048-bit key) header.d=office.example header.i=@office.example header.b=Ab1"
SPF = f"Authentication-Results: {MX}; spf=pass smtp.mailfrom=ann@office.example"
DMARC = f"Authentication-Results: {MX}; dmarc=pass (p=none dis=none) header.from=office.example"


def proof(*headers: str, authserv_id: str | None = MX, **policy: str) -> Proof:
    return authenticate(with_headers(mail(), *headers), ANN, NOON, authserv_id, names(**policy))


@pytest.mark.parametrize("said", [DKIM, SPF, DMARC])
def test_what_our_server_says_proves_it(said: str) -> None:
    found = proof(said, RECEIVED, ELSEWHERE)
    assert (found.aligned, found.temporary, found.spf) == (True, False, said is SPF)
    assert (found.covered, found.signed_at) == (frozenset(), None)


def test_what_further_servers_of_ours_add_on_top_does_no_harm() -> None:
    assert proof("Return-Path: <ann@office.example>", "Delivered-To: sms", BY_LMTP, DKIM, RECEIVED, ELSEWHERE).aligned


def test_a_server_that_calls_itself_otherwise_in_received_is_believed_above_the_first_one() -> None:
    other = RECEIVED.replace(f"by {MX}", "by edge-7.sms.example")
    assert proof(DKIM, other, ELSEWHERE).aligned
    assert not proof(other, DKIM, ELSEWHERE).aligned


@pytest.mark.parametrize(
    "headers",
    [
        (RECEIVED, DKIM, ELSEWHERE),
        (RECEIVED, DKIM, RECEIVED),  # forged as a whole, with a Received of ours below
        (BY_LMTP, RECEIVED, DKIM),
        (RECEIVED, SPF),
        (DKIM,),  # nobody received it
    ],
)
def test_case_23_a_forged_word_below_received_is_not_ours(headers: tuple[str, ...]) -> None:
    found = proof(*headers)
    assert (found.aligned, found.spf) == (False, False)


@pytest.mark.parametrize(
    "helo",
    ["by", f"(by {MX}", f"by {MX}", "((((", f"x by {MX}.evil.example"],
    ids=["by", "comment", "ours", "open", "longer"],
)
def test_no_greeting_of_a_stranger_hides_the_received_of_our_server(helo: str) -> None:
    ours = f"Received: from {helo} (unknown [203.0.113.9]) by {MX} with ESMTP id 1; Mon, 21 Sep 2026 14:13:20 +0000"
    assert not proof(ours, DKIM, RECEIVED).aligned


def test_nobody_is_believed_where_no_server_is_trusted_or_another_one_spoke() -> None:
    assert not proof(DKIM, RECEIVED, authserv_id=None).aligned
    assert not proof(DKIM, RECEIVED, authserv_id="mx.other.example").aligned
    assert not proof(DKIM.replace(MX, f"evil-{MX}"), RECEIVED).aligned
    assert not proof(DKIM.replace(MX, f"{MX}.evil.example"), RECEIVED).aligned
    assert proof(DKIM.replace(MX, MX.upper()), RECEIVED, authserv_id="Mx.Sms.Example").aligned


@pytest.mark.parametrize(
    "said",
    [
        "dkim=fail header.d=office.example",
        "dkim=temperror header.d=office.example",
        "dkim=pass header.d=evil.example",
        "dkim=pass header.d=evil-office.example",
        "dkim=pass header.from=office.example",
        "spf=pass smtp.mailfrom=ann@evil.example",
        "spf=pass smtp.helo=office.example",
        "spf=softfail smtp.mailfrom=ann@office.example",
        "spf=pass smtp.mailfrom=office.example@evil.example",
        "dmarc=pass header.from=evil.example",
        "dmarc=pass header.from=mail.office.example",  # From is another
        "dmarc=fail header.from=office.example",
        "iprev=pass policy.iprev=192.0.2.7",
        "none",
    ],
)
def test_what_is_no_pass_of_the_domain_in_from_proves_nothing(said: str) -> None:
    assert not proof(f"Authentication-Results: {MX}; {said}", RECEIVED).aligned


def test_its_policy_holds_for_the_word_too() -> None:
    dkim, spf = DKIM.replace("header.d=office", "header.d=m.office"), SPF.replace("@office", "@m.office")
    assert proof(dkim, RECEIVED).aligned
    assert not proof(dkim, RECEIVED, office_example="v=DMARC1; adkim=s").aligned
    assert proof(spf, RECEIVED, office_example="v=DMARC1; adkim=s").spf
    assert not proof(spf, RECEIVED, office_example="v=DMARC1; aspf=s").aligned


def test_it_is_only_waited_for_a_name_server_where_that_may_prove_more() -> None:
    deaf = lookup({}, ["*"])
    part = with_headers(mail(), SPF.replace("@office", "@m.office"), RECEIVED)
    assert authenticate(part, ANN, NOON, MX, deaf).temporary
    own = authenticate(signed(mail(), key_of("office.example")), ANN, NOON, MX, deaf)
    assert (own.aligned, own.temporary) == (False, True)
    both = with_headers(signed(mail(), key_of("office.example")), DMARC, RECEIVED)
    found = authenticate(both, ANN, NOON, MX, deaf)
    assert (found.aligned, found.temporary) == (True, False)


def test_signature_and_word_add_up() -> None:
    key = key_of("office.example")
    found = authenticate(with_headers(signed(mail(), key), SPF, RECEIVED), ANN, NOON, MX, names(key))
    assert (found.aligned, found.spf, "to" in found.covered) == (True, True, True)
    assert found.why == "signed by office.example; our mail server says that SPF passed"


GOOGLE = "i=1; mx.sms.example; dkim=pass header.i=@office.example; spf=pass smtp.mailfrom=ann@office.example"
OUTLOOK = "spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=office.example; dkim=pass (signature was verified) header.d=office.example;dmarc=pass action=none header.from=office.example;compauth=pass reason=100"


@pytest.mark.parametrize(
    "text",
    [
        GOOGLE,
        OUTLOOK,
        "",
        ";",
        ";;;;",
        MX,
        f"{MX}",
        f"{MX} one; dkim=pass header.d=office.example",
        f"{MX} 1 1; dkim=pass header.d=office.example",
        f"{MX}; dkim=pass header.d=office.example; and so on",
        f"{MX}; dkim=pass header.d=office.example (",
        f"{MX}; dkim=pass header.d=office.example )",
        f'{MX}; dkim=pass header.d=office.example reason="',
        f"{MX}; dkim=pass header.d=evil.example header.d=office.example",
        f"{MX}; =pass header.d=office.example",
        f"{MX}; dkim= header.d=office.example",
        f"{MX}; dkim pass header.d=office.example",
        f"({MX}; dkim=pass header.d=office.example",
    ],
)
def test_case_24_what_is_not_written_as_it_should_be_is_no_result(text: str) -> None:
    assert list(read(text, MX)) == []
    assert not proof(f"Authentication-Results: {text}", RECEIVED).aligned


@pytest.mark.parametrize(
    "text",
    [
        f"{MX}; dkim=pass header.d=office.example",
        f"{MX} 1; dkim=pass header.d=office.example",
        f"{MX};dkim=pass header.d=office.example;",
        f"{MX};\r\n dkim = pass\r\n header.d = office.example",
        f"(a comment; (in a comment)) {MX} (and\\) another) ; DKIM=Pass (good; signature) HEADER.D=Office.Example",
        f'{MX}; dkim=pass reason="so; it (is" header.d="office.example"',
        f"{MX}; dkim/1=pass header.d=office.example",
        f"{MX}; spf=none smtp.helo=x; dkim=fail header.d=evil.example; dkim=pass header.d=office.example",
        f'{MX}; spf=pass smtp.mailfrom="a b; c"@office.example',
        f"{MX}; spf=pass smtp.mailfrom=prvs=123=ann@office.example",
        f"{MX}; spf=pass smtp.mailfrom=office.example",
    ],
)
def test_it_is_read_as_the_rfc_lets_it_be_written(text: str) -> None:
    assert proof(f"Authentication-Results: {text}", RECEIVED).aligned
