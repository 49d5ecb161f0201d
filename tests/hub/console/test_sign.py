"""From a stranger to somebody who is signed in, over HTTP, with the mail read from the folder."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.pages import PASSWORD, Pages

ANN = "ann@example.com"


def test_a_stranger_signs_up_by_mail_and_signs_in_again_the_next_day(hub: Pages) -> None:
    browser = hub.browser()
    browser.open("/console/")
    assert browser.path == "/console/sign-in"
    browser.open("/console/sign-up")
    browser.send(email=" Ann@Example.com ")
    assert "on its way to ann@example.com" in browser.page.said
    browser.open(hub.link(ANN))
    browser.send(name="Chez Ann", password=PASSWORD)
    assert (browser.path, browser.status) == ("/console/", 200)
    assert "Chez Ann" in browser.page.said
    assert hub.trail("account.created")[-1] == "sign-up"

    browser.send("/console/sign-out")
    assert browser.path == "/console/sign-in"
    browser.open("/console/")
    assert browser.path == "/console/sign-in"
    hub.clock.forward(days=1)
    browser.send(email="ANN@example.com", password=PASSWORD)
    assert "Chez Ann" in browser.page.said


def test_nothing_is_made_before_the_link_is_used_and_then_once(hub: Pages) -> None:
    browser = hub.browser()
    browser.open("/console/sign-up")
    browser.send(email=ANN)
    path = hub.link(ANN)
    assert "Chez Ann" not in hub.browser().open(path).said  # a program that looks after mail opens it too
    assert hub.trail("user.created") == []
    browser.open(path)
    browser.send(name="Chez Ann", password=PASSWORD)
    assert len(hub.trail("user.created")) == 1
    other = hub.browser()
    other.open(path)
    assert (other.status, "no longer works" in other.page.said) == (410, True)


def test_a_link_is_good_for_a_day_and_only_the_newest(hub: Pages) -> None:
    browser = hub.browser()
    paths = []
    for _ in range(2):
        browser.open("/console/sign-up")
        browser.send(email=ANN)
        paths.append(hub.link(ANN))
    assert browser.look(paths[0]) == 410
    hub.clock.forward(hours=23)
    assert browser.look(paths[1]) == 200
    hub.clock.forward(hours=1)
    assert browser.look(paths[1]) == 410


def test_an_address_that_is_known_is_told_so_by_mail_and_the_page_says_the_same(hub: Pages) -> None:
    hub.user(ANN)
    browser = hub.browser()
    browser.open("/console/sign-up")
    browser.send(email=ANN)
    assert "on its way to ann@example.com" in browser.page.said
    (letter,) = hub.letters(ANN)
    assert letter["subject"] == "You already have an account"
    assert "/console/link/" not in letter["body"]


def test_a_forgotten_password_is_replaced_and_every_session_is_over(hub: Pages) -> None:
    hub.user(ANN)
    before = hub.signed_in(ANN)
    browser = hub.browser()
    browser.open("/console/reset")
    browser.send(email=ANN)
    assert "If ann@example.com has a user" in browser.page.said
    browser.open(hub.link(ANN))
    browser.send(password="another good password")
    assert browser.path == "/console/"
    before.open("/console/")
    assert before.path == "/console/sign-in"
    before.send(email=ANN, password=PASSWORD)
    assert "No user has this address and this password" in before.page.said
    before.send(email=ANN, password="another good password")
    assert before.path == "/console/"
    assert len(hub.trail("user.password")) == 1


def test_a_reset_for_nobody_looks_the_same_and_writes_to_nobody(hub: Pages) -> None:
    browser = hub.browser()
    browser.open("/console/reset")
    browser.send(email="nobody@example.com")
    assert "If nobody@example.com has a user" in browser.page.said
    assert hub.letters("nobody@example.com") == []


@pytest.mark.parametrize("address, password", [(ANN, "wrong"), ("nobody@example.com", PASSWORD), (ANN, "")])
def test_a_wrong_password_and_an_unknown_address_are_told_with_the_same_words(
    hub: Pages, address: str, password: str
) -> None:
    hub.user(ANN)
    browser = hub.browser()
    browser.open("/console/sign-in")
    browser.send(email=address, password=password or "x")
    assert browser.status == 422
    assert "No user has this address and this password" in browser.page.said
    assert browser.form().fields["email"] == address
    assert hub.browser().cookie("__Host-smshub") is None


@pytest.mark.parametrize(
    "typed, said",
    [
        ({"name": "", "password": PASSWORD}, "Enter a name for the account"),
        ({"name": "x" * 101, "password": PASSWORD}, "100 characters or fewer"),
        ({"name": "Ann", "password": "short"}, "8 characters or more"),
        ({"name": "Ann", "password": "x" * 257}, "256 characters or fewer"),
        ({"name": "Ann", "password": "aaaaaaaaaaaaaa"}, "too easy to guess"),
        ({"name": "Ann", "password": "ann@example.com"}, "too easy to guess"),
    ],
)
def test_what_is_wrong_with_a_form_is_said_and_linked_to_its_field(
    hub: Pages, typed: dict[str, Any], said: str
) -> None:
    browser = hub.browser()
    browser.open("/console/sign-up")
    browser.send(email=ANN)
    browser.open(hub.link(ANN))
    page = browser.send(**typed)
    assert (browser.status, said in page.said) == (422, True)
    assert any(link.removeprefix("#") in page.ids for link in page.links if link in ("#name", "#password"))
    browser.send(name="Ann", password=PASSWORD)
    assert browser.path == "/console/"


@pytest.mark.parametrize("path", ["/console/sign-up", "/console/reset"])
@pytest.mark.parametrize("typed", ["", "ann", "ann@", "ann@exa mple.com", "a@b.c\r\nBcc: all@example.com", "x" * 255])
def test_an_address_that_cannot_be_written_to_is_said_to_be_wrong(hub: Pages, path: str, typed: str) -> None:
    browser = hub.browser()
    browser.open(path)
    browser.send(email=typed)
    assert browser.status == 422
    assert "e-mail address" in browser.page.said
    assert hub.letters(typed) == []


def test_mails_and_pages_are_in_the_visitors_language(hub: Pages) -> None:
    browser = hub.browser("fr-FR,fr;q=0.9,en;q=0.5")
    browser.open("/console/sign-up")
    assert 'lang="fr"' in browser.page.text
    browser.send(email=ANN)
    assert hub.letters(ANN)[0]["subject"] == "Créez votre compte"
    browser.send("/console/language", language="en", next="/console/sign-up")
    assert (browser.path, 'lang="en"' in browser.page.text) == ("/console/sign-up", True)


def test_a_closed_hub_takes_no_sign_up(hub: Pages, database_url: str, tmp_path: Path) -> None:
    closed = Pages(database_url, tmp_path, SMSHUB_SIGNUP="closed")
    browser = closed.browser()
    browser.open("/console/sign-up")
    assert (browser.status, "made by the operator" in browser.page.said) == (403, True)
    browser.open("/console/sign-in")
    assert "/console/sign-up" not in browser.page.links
    closed.close()
