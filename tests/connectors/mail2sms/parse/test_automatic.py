"""Who wrote a mail: a person, or a machine that would be answered for ever."""

import pytest

from tests.support.written import headers, mail, mime, multipart, part


def test_case_35_an_answer_of_somebody_who_is_away_is_automatic() -> None:
    found = headers(mail("Je suis absent", "Auto-Submitted: auto-replied (vacation)"))
    assert (found.automatic, found.generated, found.quiet) == ("automatic", False, True)


def test_case_36_a_mail_that_returns_to_nobody_is_a_bounce() -> None:
    assert headers(mail(), returns_to="").automatic == "bounce"
    assert headers(mail(), returns_to="<>").automatic == "bounce"
    assert headers(b"Return-Path: <>\r\n" + mail()).automatic == "bounce"
    assert headers(b"Return-Path: <>\r\n" + mail(), returns_to="anne@example.org").automatic is None


def test_case_37_suppressed_answers_make_a_mail_quiet_and_not_automatic() -> None:
    found = headers(mail("Bonjour", "X-Auto-Response-Suppress: DR, OOF, AutoReply"))
    assert (found.automatic, found.quiet) == (None, True)
    assert not headers(mail("Bonjour", "X-Auto-Response-Suppress: None")).quiet


def test_case_38_what_monitoring_writes_says_that_it_is_generated() -> None:
    found = headers(mail("Disk full", "Auto-Submitted: auto-generated; of=disks"))
    assert (found.automatic, found.generated) == ("automatic", True)


@pytest.mark.parametrize("gateway", ["sms.example.org", "sms@office.example"])
def test_case_39_our_own_mail_is_known_by_its_loop_header_and_its_sender(gateway: str) -> None:
    ours = "r-x@sms.example.org" if gateway == "sms.example.org" else "sms+no-reply@office.example"
    assert headers(mail("Bonjour", f"X-Loop: {gateway.upper()}"), gateway=gateway).automatic == "own_mail"
    assert headers(mail(sender=ours), gateway=gateway).automatic == "own_mail"
    assert headers(mail("Bonjour", "X-Loop: another.example"), gateway=gateway).automatic is None


@pytest.mark.parametrize("kind", ["disposition-notification", "delivery-status"])
def test_case_51_a_receipt_is_a_report(kind: str) -> None:
    report = multipart("report", part("Your message was read"), more=f"; report-type={kind}")
    assert headers(mime(report)).automatic == "report"


def test_case_51_a_mail_that_is_recalled_is_a_report() -> None:
    assert headers(mail("x", "Content-Class: urn:content-classes:recallmessage")).automatic == "report"
    assert headers(mail("x", "Content-Class: urn:content-classes:message")).automatic is None


@pytest.mark.parametrize(
    "line, why",
    [
        ("List-Id: <news.example.org>", "list"),
        ("List-Unsubscribe: <https://example.org>", "list"),
        ("Precedence: Bulk", "list"),
        ("Precedence: junk", "list"),
        ("Precedence: auto_reply", "automatic"),
        ("Precedence: first-class", None),
        ("Auto-Submitted: no", None),
        ("Auto-Submitted:", None),
        ("auto-submitted: Auto-Notified", "automatic"),
        ("X-Autoreply: yes", "automatic"),
        ("X-Autorespond: no", None),
    ],
)
def test_other_signs_of_machines(line: str, why: str | None) -> None:
    assert headers(mail("Bonjour", line)).automatic == why


@pytest.mark.parametrize("name", ["MAILER-DAEMON", "no-reply", "noreply+x", "postmaster", "do_not_reply", "bounces"])
def test_mail_systems_write_under_names_of_their_own(name: str) -> None:
    assert headers(mail(sender=f"{name}@example.org")).automatic == "system_sender"
    assert headers(mail(sender=f"a{name}@example.org")).automatic is None
