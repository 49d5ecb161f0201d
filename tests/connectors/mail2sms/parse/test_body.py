"""Which text of a mail is sent."""

import pytest

from tests.support.written import mail, mime, multipart, part, refusal, text

PDF = part(b"%PDF", "application/pdf; name=a.pdf", "Content-Disposition: attachment; filename=a.pdf")
HTML = "text/html; charset=utf-8"


def test_case_1_a_plain_mail_is_its_text() -> None:
    assert text(mail("Bonjour à tous\r\n\r\nAnne\r\n")) == "Bonjour à tous\n\nAnne"


def test_case_3_of_alternatives_an_empty_plain_one_gives_way_to_html() -> None:
    assert text(mime(multipart("alternative", part(" \u00a0\r\n"), part("<p>Bonjour", HTML)))) == "Bonjour"


def test_of_alternatives_the_plain_one_is_meant_wherever_it_stands() -> None:
    plain, page = part("Bonjour"), part("<p>Bonjour <b>tous", HTML)
    assert text(mime(multipart("alternative", plain, page))) == "Bonjour"
    assert text(mime(multipart("alternative", page, plain))) == "Bonjour"


def test_case_4_an_attached_text_before_the_body_is_not_the_body() -> None:
    attached = part("Terms", "text/plain", "Content-Disposition: attachment; filename=terms.txt")
    inline = part("Terms", 'text/plain; name="terms.txt"', "Content-Disposition: inline")
    assert text(mime(multipart("mixed", attached, inline, part("Bonjour"), PDF))) == "Bonjour"
    assert refusal(mime(multipart("mixed", attached))) == "no_body"


def test_what_a_gateway_puts_below_html_is_not_the_text() -> None:
    page, footer = part("<p>Bonjour", HTML), part("This mail is confidential")
    assert text(mime(multipart("mixed", page, footer))) == "Bonjour"


def test_a_body_deep_within_is_found() -> None:
    related = multipart("related", part("<p>Bonjour", HTML), PDF, boundary="c")
    inner = multipart("alternative", part(""), related, boundary="b")
    assert text(mime(multipart("mixed", inner, PDF))) == "Bonjour"


def test_case_11_a_multipart_without_a_boundary_has_no_body() -> None:
    assert refusal(mime(part("Bonjour", "multipart/mixed"))) == "no_body"
    assert refusal(mime(part("Bonjour", 'multipart/mixed; boundary="never"'))) == "no_body"
    assert refusal(mail("")) == "no_body"


def test_case_12_fifteen_hundred_nested_parts_are_refused() -> None:
    levels = b"\r\n".join(
        f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}".encode() for level in range(1500)
    )
    assert refusal(mime(levels + b"\r\n\r\nBonjour")) == "too_complex"


def test_reports_within_reports_and_thousands_of_parts_are_refused() -> None:
    assert refusal(mime(multipart("mixed", *([part("x")] * 300)))) == "too_complex"
    within = b"Content-Type: message/rfc822\r\n\r\n" * 1500
    assert refusal(mime(within + b"Bonjour")) == "no_body"
    blocks = part("a: b\r\n\r\n" * 100_000, "message/delivery-status")
    assert text(mime(multipart("mixed", part("Bonjour"), blocks))) == "Bonjour"


def test_a_last_part_may_miss_its_end_and_what_stands_around_parts_is_left_out() -> None:
    raw = multipart("mixed", part("Bonjour"))
    assert text(mime(raw.replace(b"--limit--\r\n", b""))) == "Bonjour"
    assert text(mime(raw.replace(b"--limit\r\n", b"Preamble\r\n--limit \t\r\n") + b"Epilogue")) == "Bonjour"
    assert text(mime(raw.replace(b"\r\n", b"\n"))) == "Bonjour"


def test_lines_that_only_begin_like_a_boundary_are_text() -> None:
    assert text(mime(multipart("mixed", part("a\r\n--limits\r\nb\r\n --limit")))) == "a\n--limits\nb\n --limit"


@pytest.mark.parametrize(
    "kind", ["text", "text/plain;;; =; charset", "?", "", 'text/plain; charset="utf-8', "TEXT/Plain (a comment); x=y"]
)
def test_a_content_type_that_makes_no_sense_is_plain_text(kind: str) -> None:
    assert text(mime(part("Bonjour", kind))) == "Bonjour"


def test_parameters_are_read_in_every_spelling() -> None:
    split = "multipart/mixed; boundary*0=li; boundary*1*=mi%74"
    assert (
        text(mime(multipart("mixed", part("Bonjour")).replace(b'multipart/mixed; boundary="limit"', split.encode())))
        == "Bonjour"
    )
    attached = part("x", "text/plain", "Content-Disposition: attachment; filename*=utf-8'fr'%C3%A9t%C3%A9.txt")
    assert text(mime(multipart("mixed", attached, part("Bonjour")))) == "Bonjour"


@pytest.mark.parametrize(
    "kind, code",
    [
        ("application/ms-tnef", "winmail"),
        ('application/octet-stream; name="Winmail.dat"', "winmail"),
        ("text/calendar; method=REQUEST", "calendar"),
        ("application/pkcs7-mime; smime-type=enveloped-data", "encrypted"),
        ("application/x-pkcs7-mime", "encrypted"),
        ("application/pkcs7-mime; smime-type=signed-data", "unreadable"),
        ("application/pgp-encrypted", "encrypted"),
    ],
)
def test_case_44_what_can_not_be_read_as_text_is_refused_with_its_reason(kind: str, code: str) -> None:
    assert refusal(mime(part("...", kind))) == code
    assert refusal(mime(multipart("mixed", part("Bonjour"), part("...", kind)))) == code


def test_case_44_encrypted_mails_are_refused_however_they_are() -> None:
    control = part("Version: 1", "application/pgp-encrypted")
    assert refusal(mime(multipart("encrypted", control, part("...", "application/octet-stream")))) == "encrypted"
    assert refusal(mail("-----BEGIN PGP MESSAGE-----\r\n\r\nhQEM\r\n-----END PGP MESSAGE-----")) == "encrypted"


def test_case_44_signed_mails_are_sent() -> None:
    smime = part("...", "application/pkcs7-signature; name=smime.p7s", "Content-Disposition: attachment")
    assert text(mime(multipart("signed", part("Bonjour"), smime))) == "Bonjour"
    pgp = part("-----BEGIN PGP SIGNATURE-----", "application/pgp-signature; name=signature.asc")
    assert text(mime(multipart("signed", part("Bonjour"), pgp))) == "Bonjour"
    lines = ["-----BEGIN PGP SIGNED MESSAGE-----", "Hash: SHA256", "", "Bonjour", "- - entree", "- -----", ""]
    armoured = "\r\n".join([*lines, "-----BEGIN PGP SIGNATURE-----", "", "iQ", "-----END PGP SIGNATURE-----"])
    assert text(mail(armoured)) == "Bonjour\n- entree\n-----"


def test_an_attached_calendar_is_an_attachment() -> None:
    ics = part("BEGIN:VCALENDAR", "text/calendar; name=a.ics", "Content-Disposition: attachment; filename=a.ics")
    assert text(mime(multipart("mixed", part("Bonjour"), ics))) == "Bonjour"


def test_case_43_lines_that_flow_are_joined() -> None:
    body = "Bonjour \r\nà tous, \r\nmerci\r\n\r\n > 20 EUR\r\n From Paris\r\n-- \r\nAnne \r\nMartin\r\n"
    flowing = "text/plain; charset=utf-8; format=flowed"
    assert text(mime(part(body, flowing))) == "Bonjour à tous, merci\n\n> 20 EUR\nFrom Paris"
    assert text(mime(part("Bon \r\njour\r\n", f"{flowing}; DelSp=yes"))) == "Bonjour"
    assert text(mime(part("Bon \r\njour\r\n"))) == "Bon\njour"


def test_case_43_quotes_of_text_that_flows_stay_apart() -> None:
    body = "Oui \r\nmerci \r\n\r\nOn 26/11/2026 10:00, Bob wrote: \r\n> Une \r\n> question\r\n"
    assert text(mime(part(body, "text/plain; format=flowed"))) == "Oui merci"
    assert text(mime(part("Oui \r\n> non\r\nmerci ", "text/plain; format=flowed"))) == "Oui\n> non\nmerci"


def test_case_43_more_lines_than_are_ever_sent_stay_as_they_are() -> None:
    assert text(mime(part("a \n" * 60_000, "text/plain; format=flowed"))).count("\n") == 59_999
