"""No form is taken that does not come from a page of this visitor's; cookies and pages are closed to others."""

import pytest

from hub.console.page import policy
from tests.support.browser import Browser
from tests.support.pages import PASSWORD, Pages
from tests.support.web import application, settings

ANN = "ann@example.com"


def forms(hub: Pages) -> list[str]:
    """The address of everything on a page that takes a form."""
    ours = [rule for rule in hub.app.url_map.iter_rules() if rule.endpoint.startswith("page ")]
    return [
        str(rule).replace("<", "").replace(">", "").replace("path:", "")
        for rule in ours
        if "POST" in (rule.methods or ())
    ]


def test_every_form_of_every_page_needs_the_token_of_this_visitor(hub: Pages) -> None:
    hub.user(ANN)
    browser, stranger = hub.signed_in(ANN), hub.browser()
    stranger.open("/console/sign-in")
    taken = stranger.form().fields["token"]
    assert {"/console/sign-in", "/console/people", "/stop"} <= set(forms(hub))
    for path in forms(hub):
        for data in ({}, {"token": ""}, {"token": taken}, {"token": "é"}):
            browser.post(path, data)
            assert browser.status == 403, path
            assert "This form has expired" in browser.page.said
            newcomer = hub.browser()
            newcomer.post(path, data)
            assert newcomer.status == 403, path
    assert browser.look("/console/") == 200


def test_a_form_from_before_signing_in_is_not_taken_afterwards(hub: Pages) -> None:
    hub.user(ANN)
    browser = hub.browser()
    browser.open("/stop")
    before = browser.form().fields
    browser.open("/console/sign-in")
    browser.send(email=ANN, password=PASSWORD)
    browser.post("/stop", before)
    assert browser.status == 403


def test_a_form_of_one_session_is_not_taken_in_another(hub: Pages) -> None:
    hub.user(ANN)
    first, second = hub.signed_in(ANN), hub.signed_in(ANN)
    token = first.form("/console/language").fields["token"]
    second.post("/console/sign-out", {"token": token})
    assert second.status == 403
    assert second.look("/console/") == 200


def test_a_larger_form_than_any_of_ours_is_not_read(hub: Pages) -> None:
    browser = hub.browser()
    browser.open("/stop")
    browser.send(number="1" * 100_000)
    assert browser.status == 413


def test_over_https_cookies_are_closed_to_scripts_to_other_sites_and_to_other_hosts(hub: Pages) -> None:
    hub.user(ANN)
    browser = hub.browser()
    browser.open("/console/sign-in")
    (visit,) = browser.answer.headers.getlist("Set-Cookie")
    browser.send(email=ANN, password=PASSWORD, follow=False)
    session = browser.answer.headers.getlist("Set-Cookie")[0]
    for cookie, name in ((visit, "__Host-smshub_visit="), (session, "__Host-smshub=")):
        assert cookie.startswith(name)
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


def test_without_https_cookies_have_plain_names(hub: Pages) -> None:
    app = application(hub.runtime, settings=settings(SMSHUB_PUBLIC_URL="http://127.0.0.1:8080"))
    answer = app.test_client().get("/console/sign-in")
    assert answer.headers["Set-Cookie"].startswith("smshub_visit=")
    assert "Secure" not in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("path", ["/console/sign-in", "/console/nothing", "/stop", "/console/"])
def test_every_page_is_closed_to_everything_from_elsewhere(hub: Pages, path: str) -> None:
    browser = hub.browser()
    browser.open(path)
    headers = browser.answer.headers
    assert headers["Content-Security-Policy"] == policy()
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert "<script" not in browser.page.text
    assert "style=" not in browser.page.text


@pytest.mark.parametrize(
    "addresses, told",
    [
        ((), "'self'"),
        (("https://app.example/cb?x=1", "https://app.example/other"), "'self' https://app.example"),
        (("http://127.0.0.1:4711/cb",), "'self' http://127.0.0.1:4711"),
        (("https://ann:secret@app.example/",), "'self' https://app.example"),
        (("com.example.app:/cb",), "'self' com.example.app:"),
        (("http://[::1]:8080/cb",), "'self' http:"),
        (("https://a b/", "https://x;script-src *", "nonsense", "", "//host"), "'self'"),
    ],
)
def test_a_page_may_let_its_forms_lead_to_these_sites_and_no_others(addresses: tuple[str, ...], told: str) -> None:
    shown = policy(addresses)
    assert shown.rpartition("form-action ")[2] == told
    assert shown.count(";") == 5


def test_the_style_is_asked_for_again_only_when_it_changed(hub: Pages) -> None:
    browser = Browser(hub.app)
    assert browser.look("/console/console.css") == 200
    tag = browser.answer.headers["ETag"]
    browser.open("/console/console.css", headers={"If-None-Match": tag})
    assert browser.status == 304


@pytest.mark.parametrize("typed", ["a\0b", "a\0b@example.com"])
def test_what_no_database_takes_is_nobodys_address(hub: Pages, typed: str) -> None:
    browser = hub.browser()
    browser.open("/console/sign-in")
    assert "No user has this address" in browser.send(email=typed, password="x\0y").said


@pytest.mark.parametrize("name", ["Ac\x1b[2Jme", "Ac\u202eme"])
def test_a_name_that_does_not_print_is_refused(hub: Pages, name: str) -> None:
    """It would turn round what people read next to it, or move about in the operator's terminal."""
    browser = signing_up(hub)
    assert "letters" in browser.send(name=name, password=PASSWORD).said
    browser.send(name="Acme\u00a0Söhne\0\n& fils", password=PASSWORD)
    assert "Acme Söhne & fils" in browser.page.said


def signing_up(hub: Pages) -> Browser:
    """Somebody with the link that makes an account."""
    browser = hub.browser()
    browser.open("/console/sign-up")
    browser.send(email="new@example.com")
    browser.open(hub.link("new@example.com"))
    return browser
