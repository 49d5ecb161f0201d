"""Signatures: which of them count, for whom, and what they cover."""

import re
from typing import Any

import pytest

from connectors.mail2sms.authenticate import Lookup, authenticate
from connectors.mail2sms.mail import Proof
from tests.support.signing import COVERED, Key, key_of, lookup, mail, names, signed, weak_key, with_headers
from tests.support.world import NOON

ANN = "ann@office.example"
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def key() -> Key:
    return key_of("office.example")


def proof(raw: bytes, known: Lookup, sender: str = ANN, at: int = NOON) -> Proof:
    return authenticate(raw, sender, at, None, known)


def test_a_signature_of_the_domain_in_from_proves_it_and_tells_what_it_covers(key: Key) -> None:
    found = proof(signed(mail(), key), names(key))
    assert (found.aligned, found.temporary, found.spf) == (True, False, False)
    assert found.covered == set(COVERED)
    assert (found.signed_at, found.why) == (NOON, "signed by office.example")


def test_a_short_curve_signs_as_well_as_a_long_number() -> None:
    ed25519 = key_of("office.example", "ed25519", selector="ed")
    assert proof(signed(mail(), ed25519), names(ed25519)).aligned


def test_a_mail_whose_lines_end_in_line_feeds_alone_is_the_same(key: Key) -> None:
    assert proof(signed(mail(), key).replace(b"\r\n", b"\n"), names(key)).aligned


@pytest.mark.parametrize(
    "was, now",
    [
        (b"15h", b"16h"),
        (b"To: 33612345678@", b"To: 33699999999@"),
        (b"Subject: sms", b"Subject: SMS"),
        (b"\r\n\r\n", b"\r\nCc: 33699999999@sms.example\r\n\r\n"),
        (b"; t=17", b"; t=16"),
    ],
)
def test_what_was_changed_or_added_proves_nothing(key: Key, was: bytes, now: bytes) -> None:
    raw = signed(mail(), key)
    assert was in raw
    found = proof(raw.replace(was, now, 1), names(key))
    assert (found.aligned, found.temporary, found.covered) == (False, False, frozenset())


def test_another_domain_can_not_sign_in_its_name(key: Key) -> None:
    other = key_of("office.example", selector="hub", bits=1024)
    assert other.record != key.record
    found = proof(signed(mail(), other), names(key))
    assert (found.aligned, "another key" in found.why) == (False, True)


@pytest.mark.parametrize("place", ["above", "below"])
def test_a_second_from_never_passes(key: Key, place: str) -> None:
    forged = b"From: eve@office.example\r\n"
    raw = signed(mail(), key)
    both = forged + raw if place == "above" else raw.replace(b"To: ", forged + b"To: ", 1)
    found = proof(both, names(key))
    assert (found.aligned, found.why) == (False, "not one From with one domain")


def test_not_even_where_the_signer_wrote_both(key: Key) -> None:
    raw = mail().replace(b"To: ", b"From: eve@office.example\r\nTo: ", 1)
    assert not proof(signed(raw, key, covers=("from", "from", *COVERED)), names(key)).aligned


@pytest.mark.parametrize(
    "hidden",
    [
        b"X: a\rFrom: boss@office.example\r\r",  # a lone CR ends a line for some
        b"X: a\x0bFrom: boss@office.example",
        b"X: a\x00",
        b"No header at all",
        b"Fr\x00om: boss@office.example",
        b"From boss@office.example Mon Sep 21 12:00:00 2026",  # as in a file of mails
        b"Subject : a blank before the colon",
        b"X" * 101 + b": a name that some take for the body",
        b" a line that goes on where none began",
    ],
)
def test_a_mail_that_some_read_otherwise_proves_nothing(key: Key, hidden: bytes) -> None:
    found = proof(hidden + b"\r\n" + signed(mail(), key), names(key))
    assert (found.aligned, found.why) == (False, "its headers may be read in more than one way")


def test_a_header_of_which_there_is_a_second_one_is_not_covered(key: Key) -> None:
    """To was signed once, so another one can be put on top of it, and the signature stays good."""
    raw = signed(mail(to="bob@office.example"), key)
    found = proof(with_headers(raw, "To: 33612345678@sms.example"), names(key))
    assert found.aligned
    assert found.covered == set(COVERED) - {"to"}


@pytest.mark.parametrize("added", ["Message-ID: <2@evil.example>", "Date: Mon, 21 Sep 2026 12:00:00 +0000"])
def test_what_tells_a_mail_from_others_can_not_be_added_a_second_time(key: Key, added: str) -> None:
    """Signed once, it is found below by who verifies, and above by who reads."""
    raw = signed(mail(), key, covers=(*COVERED, "message-id", "date"))
    assert proof(raw, names(key)).aligned
    found = proof(with_headers(raw, added), names(key))
    assert (found.aligned, "stands there twice" in found.why) == (False, True)


def test_a_signature_as_microsoft_365_makes_them_leaves_to_out_and_is_as_old_as_its_date(key: Key) -> None:
    covers = ("from", "date", "subject", "message-id", "content-type", "mime-version")
    found = proof(signed(mail(), key, None, covers), names(key))
    assert (found.aligned, found.covered, found.signed_at) == (True, frozenset(covers), NOON)


def test_what_was_signed_is_the_same_whatever_is_written_around_it(key: Key) -> None:
    raw = signed(mail(), key, covers=("from", "to"))
    again = raw.replace(b"Message-ID: <", b"Message-ID: <2", 1).replace(b"Subject: ", b"Subject: 2", 1)
    assert again != raw
    one, two = proof(raw, names(key)), proof(again, names(key))
    assert (one.aligned, one.signed_body) == (two.aligned, two.signed_body)
    assert one.signed_body
    assert proof(signed(mail().replace(b"15h", b"16h"), key), names(key)).signed_body != one.signed_body


def test_a_header_that_is_named_once_more_than_it_stands_there_can_not_be_added(key: Key) -> None:
    raw = signed(mail(), key, covers=(*COVERED, "to"))
    assert "to" in proof(raw, names(key)).covered
    assert not proof(with_headers(raw, "To: 33699999999@sms.example"), names(key)).aligned


def test_case_25_a_signature_of_a_part_of_the_body_proves_nothing(key: Key) -> None:
    text = mail(text="Bonjour")
    part = signed(text, key, l=str(len(b"Bonjour\r\n")))
    for raw in (part, part + b"et achetez ceci\r\n"):
        found = proof(raw, names(key))
        assert (found.aligned, "a part of the body" in found.why) == (False, True)


def test_case_26_a_good_signature_of_another_domain_is_not_aligned() -> None:
    other = key_of("evil.example")
    found = proof(signed(mail(), other), names(other))
    assert (found.aligned, found.why) == (False, "signed by evil.example, not aligned")


def test_case_27_a_name_server_that_is_silent_is_no_forgery(key: Key) -> None:
    raw = signed(mail(), key)
    found = proof(raw, names(key, silent=[key.name]))
    assert (found.aligned, found.temporary) == (False, True)
    assert not proof(raw, names()).temporary
    assert not proof(raw.replace(b"15h", b"16h"), names(key)).temporary


def test_one_good_signature_among_bad_ones_is_enough(key: Key) -> None:
    foreign, gone = key_of("list.example"), key_of("office.example", selector="gone", bits=1024)
    raw = signed(signed(signed(mail(), key), gone), foreign)
    found = proof(raw, names(key, foreign))
    assert (found.aligned, found.covered) == (True, frozenset(COVERED))
    assert proof(raw, names(key, silent=[gone.name])).aligned


def test_of_several_good_ones_that_which_covers_most_is_told(key: Key) -> None:
    little = key_of("office.example", selector="little", bits=1024)
    raw = signed(signed(mail(), key), little, covers=("from", "subject"))
    assert proof(raw, names(key, little)).covered == set(COVERED)


def test_at_most_five_are_looked_at(key: Key) -> None:
    raw = signed(mail(), key)
    wrong = re.sub(rb"b=[^;]*$", b"b=AAAA", raw.partition(b"\r\n")[0]) + b"\r\n"
    assert proof(wrong * 4 + raw, names(key)).aligned
    assert not proof(wrong * 5 + raw, names(key)).aligned


@pytest.mark.parametrize(
    "tags, why",
    [
        ({"a": "rsa-sha1"}, "algorithm"),
        ({"a": "ed25519-sha256"}, "for something else"),
        ({"v": "2"}, "algorithm"),
        ({"h": "to:subject"}, "does not cover From"),
        ({"h": "from:" + "x:" * 200}, "does not cover From"),
        ({"i": "ann@evil.example"}, "another domain"),
        ({"i": "no address"}, "another domain"),
        ({"d": "office example"}, "names no domain"),
        ({"s": "../hub"}, "names no domain"),
        ({"bh": None}, "incomplete"),
        ({"bh": "%%%%"}, "no base64"),
        ({"t": "soon"}, "times"),
        ({"x": "9" * 13}, "times"),
        ({"c": "nowsp/simple"}, "can't be verified"),
        ({"z": "a" * 8192}, "too long"),
        ({"b": "AAAA"}, "incomplete"),  # named twice
    ],
)
def test_a_signature_that_breaks_the_rules_proves_nothing(key: Key, tags: dict[str, Any], why: str) -> None:
    found = proof(signed(mail(), key, **tags), names(key))
    assert (found.aligned, found.temporary) == (False, False)
    assert why in found.why


def test_what_was_signed_is_over_when_it_says_so(key: Key) -> None:
    raw = signed(mail(), key, x=str((NOON + HOUR_MS) // 1000))
    assert proof(raw, names(key), at=NOON + HOUR_MS).aligned
    assert not proof(raw, names(key), at=NOON + HOUR_MS + 1000).aligned
    assert not proof(signed(mail(), key, x=str(NOON // 1000 - 1)), names(key), at=NOON - HOUR_MS).aligned


def test_a_signers_clock_may_be_ahead_of_ours_but_not_by_much(key: Key) -> None:
    raw = signed(mail(), key)
    assert proof(raw, names(key), at=NOON - HOUR_MS).aligned
    assert not proof(raw, names(key), at=NOON - HOUR_MS - 1).aligned


def test_without_a_time_of_its_own_the_signed_date_says_when(key: Key) -> None:
    dated = mail(at=NOON - 5_000)
    assert proof(signed(dated, key, at=None), names(key)).signed_at == NOON - 5_000
    assert proof(signed(dated, key, at=None, covers=("from", "to")), names(key)).signed_at is None
    future = signed(mail(at=NOON + 2 * HOUR_MS), key, at=None)
    assert (proof(future, names(key)).aligned, proof(future, names(key)).signed_at) == (True, None)


@pytest.mark.parametrize("date", ["yesterday", "Mon, 99 Sep 2026 12:00:00 +0200", ""])
def test_a_date_that_is_none_says_nothing(key: Key, date: str) -> None:
    raw = re.sub(rb"Date: [^\r]*", f"Date: {date}".encode(), mail())
    found = proof(signed(raw, key, at=None), names(key))
    assert (found.aligned, found.signed_at) == (True, None)


def test_a_date_without_a_zone_is_utc(key: Key) -> None:
    raw = re.sub(rb"Date: [^\r]*", b"Date: Mon, 21 Sep 2026 14:13:20 -0000", mail())
    assert proof(signed(raw, key, at=None), names(key)).signed_at == NOON


@pytest.mark.parametrize("bits, good", [(768, False), (1024, True)])
def test_short_keys_are_not_believed(bits: int, good: bool) -> None:
    short = weak_key("office.example") if bits == 768 else key_of("office.example", bits=bits)
    assert proof(signed(mail(), short), names(short)).aligned is good


def records(key: Key, *texts: bytes) -> Lookup:
    return lookup({key.name: texts})


@pytest.mark.parametrize(
    "change, good",
    [
        ((b"v=DKIM1; k=rsa; ", b""), True),
        ((b"v=DKIM1", b"v=DKIM1; t=s"), True),
        ((b"v=DKIM1", b"v=DKIM1; h=sha256; s=email"), True),
        ((b"v=DKIM1", b"v=DKIM1; s=*; n=a word of ours"), True),
        ((b"v=DKIM1", b"v=DKIM2"), False),
        ((b"k=rsa", b"k=ed25519"), False),
        ((b"v=DKIM1", b"v=DKIM1; h=sha1"), False),
        ((b"v=DKIM1", b"v=DKIM1; s=tlsrpt"), False),
        ((b"v=DKIM1", b"v=DKIM1; t=y:s"), False),
        ((b"p=", b"p=; q="), False),  # revoked
        ((b"p=", b"p=AAAA"), False),
        ((b"p=", b"p=" + b"A" * 1000), False),
        ((b"p=", b"q="), False),
        ((b"v=DKIM1", b"nothing like it"), False),
    ],
)
def test_the_record_of_the_key_says_what_it_is_for(key: Key, change: tuple[bytes, bytes], good: bool) -> None:
    changed = key.record.replace(*change, 1)
    assert changed != key.record
    assert proof(signed(mail(), key), records(key, changed)).aligned is good


def test_what_else_stands_beside_a_key_is_passed_over(key: Key) -> None:
    assert proof(signed(mail(), key), records(key, b"a word of somebody", key.record)).aligned
    assert not proof(signed(mail(), key), records(key)).aligned


def test_a_key_for_the_domain_itself_signs_for_no_part_of_it(key: Key) -> None:
    strictly = records(key, key.record.replace(b"v=DKIM1", b"v=DKIM1; t=s"))
    assert proof(signed(mail(), key, i="ann@office.example"), strictly).aligned
    assert not proof(signed(mail(), key, i="ann@sub.office.example"), strictly).aligned
    assert proof(signed(mail(), key, i="ann@sub.office.example"), names(key)).aligned


def test_blanks_and_signatures_without_end_are_read_to_their_end(key: Key) -> None:
    """Squares of these lengths would take hours."""
    blank = mail(text="a" + " " * 2_000_000 + "b")
    many = b"".join(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=office.example; b" + b"\r\n " * 2000 + b"\r\n" for _ in range(100)
    )
    assert proof(signed(blank, key), names(key)).aligned
    assert not proof(many + mail(), names(key)).aligned


def test_headers_that_are_more_than_any_mail_has_are_not_read(key: Key) -> None:
    raw = signed(mail(), key)
    for more in (b"X: y\r\n" * 1001, b"X: " + b"y" * 1024 * 1024 + b"\r\n"):
        assert not proof(more + raw, names(key)).aligned
    assert proof(b"X: y\r\n" * 900 + raw, names(key)).aligned
