"""Who gets where: signed in or not, by role, and never on to another site."""

import pytest
from flask import Response
from sqlalchemy.exc import TimeoutError as NoneFree
from werkzeug.exceptions import Forbidden

from core import Refused, accounts
from hub.console import gate
from hub.console.page import policy
from hub.console.routes import Route
from tests.support.browser import Browser
from tests.support.pages import PASSWORD, Pages
from tests.support.web import application

ANN = "ann@example.com"
ELSEWHERE = [
    *("https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example"),
    *("/\t/evil.example", "/\n/evil.example", "javascript:alert(1)", "console/people", "", "/é", "/x" * 2100),
    *("http:evil.example", "/console/people\r\nSet-Cookie: a=b", "//[evil", " /console/people"),
]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_only_a_path_of_this_hub_is_gone_on_to(path: str) -> None:
    assert gate.local(path) == gate.HOME


@pytest.mark.parametrize("path", ["/console/people", "/oauth/authorize?client_id=a&state=%2F%2Fevil.example", "/"])
def test_a_path_of_this_hub_is_kept_with_its_query(path: str) -> None:
    assert gate.local(path) == path


@pytest.mark.parametrize("path", ELSEWHERE[:4])
def test_signing_in_never_leads_to_another_site(hub: Pages, path: str) -> None:
    hub.user(ANN)
    browser = hub.browser()
    browser.open("/console/sign-in", query_string={"next": path})
    browser.send(email=ANN, password=PASSWORD, next=path, follow=False)
    assert (browser.status, browser.answer.headers["Location"]) == (303, "/console/")


def test_whoever_signs_in_comes_to_the_page_that_was_asked_for(hub: Pages) -> None:
    hub.user(ANN)
    browser = hub.browser()
    browser.open("/console/people?done=role")
    assert browser.path == "/console/sign-in"
    browser.send(email=ANN, password=PASSWORD)
    assert browser.path == "/console/people"
    assert "The role was changed" in browser.page.said


def test_whoever_is_signed_in_sees_no_form_to_sign_in(hub: Pages) -> None:
    hub.user(ANN)
    browser = hub.signed_in(ANN)
    browser.open("/console/sign-in?next=/console/people")
    assert browser.path == "/console/people"


@pytest.mark.parametrize(
    "role, seen",
    [
        ("owner", {"/console/": 200, "/console/people": 200}),
        ("sender", {"/console/": 200, "/console/people": 403}),
        ("viewer", {"/console/": 200, "/console/people": 403}),
        ("operator", {"/console/": 200, "/console/people": 200}),
    ],
)
def test_a_role_sees_its_pages_and_the_bar_names_no_others(hub: Pages, role: str, seen: dict[str, int]) -> None:
    hub.user(ANN, role)
    browser = hub.signed_in(ANN)
    bar = set(browser.page.links)
    assert {path: browser.look(path) for path in seen} == seen
    assert {path for path in seen if path in bar} == {path for path, status in seen.items() if status == 200}


def test_an_operator_sees_every_account_and_an_owner_only_their_own(hub: Pages) -> None:
    hub.user("boss@example.com", "operator")
    hub.user(ANN, name="Chez Ann")
    hub.user("bob@example.com", name="Chez Bob")
    assert "Chez Bob" not in hub.signed_in(ANN).page.said
    said = hub.signed_in("boss@example.com").page.said
    assert "Chez Ann" in said
    assert "Chez Bob" in said


def test_a_form_that_is_sent_signed_out_leads_back_to_its_page(hub: Pages) -> None:
    hub.user(ANN)
    browser = hub.signed_in(ANN)
    browser.open("/console/people")
    hub.clock.forward(days=8)
    browser.send("/console/people", email="bob@example.com")
    assert browser.path == "/console/sign-in"
    browser.send(email=ANN, password=PASSWORD)
    assert browser.path == "/console/people"
    assert hub.letters("bob@example.com") == []


def test_what_goes_wrong_on_a_page_is_a_page(hub: Pages) -> None:
    hub.user(ANN)
    browser = hub.signed_in(ANN)
    assert browser.look("/console/nothing") == 404
    assert "There is no such page" in browser.page.said
    assert "text/html" in browser.answer.headers["Content-Type"]
    assert browser.look("/console/sign-out") == 404  # it takes a form alone
    assert browser.look("/console/people/x' OR 1=1/remove") == 404


def raises(error: Exception) -> Route:
    def view() -> Response:
        raise error

    return Route("/console/raises", view)


@pytest.mark.parametrize(
    "error, status, said",
    [
        (RuntimeError("a bug"), 500, "Something went wrong here"),
        (Forbidden(), 403, "That could not be done"),
        (Refused("not_found", "There is none."), 404, "There is no such page"),
        (NoneFree("no connection"), 503, "can’t reach its database"),
        (Refused("last_owner", "A code without a page of its own."), 409, "That could not be done"),
    ],
)
def test_errors_are_told_in_words_and_never_as_json(hub: Pages, error: Exception, status: int, said: str) -> None:
    browser = Browser(application(hub.runtime, settings=hub.settings, more_pages=(raises(error),)))
    assert browser.look("/console/raises") == status
    assert said in browser.page.said
    assert str(error) not in browser.page.text
    assert browser.answer.headers["Content-Security-Policy"] == policy()


def test_a_caller_of_the_pages_has_the_scopes_of_its_role(hub: Pages) -> None:
    account = hub.user(ANN, "viewer")
    told: list[object] = []

    def view() -> Response:
        told.append(gate.caller())
        return Response("")

    app = application(hub.runtime, settings=hub.settings, more_pages=(Route("/console/who", gate.signed_in(view)),))
    hub.app = app
    hub.signed_in(ANN).open("/console/who")
    (caller,) = told
    assert isinstance(caller, accounts.Caller)
    assert (caller.account_id, caller.source, caller.user) == (account.id, "console", ANN)
    assert caller.scopes == {"messages:read", "contacts:read", "stats:read", "credits:read"}
