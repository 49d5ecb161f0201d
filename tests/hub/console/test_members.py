"""/console/people: invited, given a role, removed."""

import re

import pytest

from tests.support.browser import Browser
from tests.support.pages import PASSWORD, Pages

ANN, BOB = "ann@example.com", "bob@example.com"


def invited(hub: Pages, by: Browser, address: str = BOB, role: str = "sender") -> Browser:
    """Whoever was invited, with their password chosen."""
    by.open("/console/people")
    by.send("/console/people", email=address, role=role)
    browser = hub.browser()
    browser.open(hub.link(address))
    browser.send(password=PASSWORD)
    return browser


def action(browser: Browser, kind: str, place: int) -> str:
    """The address behind the nth button of a kind on the page of people."""
    found = re.findall(rf'"(/console/people/[^"]+/{kind}|/console/people/{kind}/[^"]+)"', browser.page.text)
    return str(list(dict.fromkeys(found))[place])


def test_an_owner_invites_somebody_who_joins_with_that_role(hub: Pages) -> None:
    hub.user(ANN, name="Chez Ann")
    owner = hub.signed_in(ANN)
    bob = invited(hub, owner)
    assert "The invitation is on its way" in owner.page.said
    assert (bob.path, "Chez Ann" in bob.page.said) == ("/console/", True)
    assert "Your role: Sender" in bob.page.said
    assert hub.letters(BOB)[0]["subject"] == "You are invited to Chez Ann"
    owner.open("/console/people")
    assert BOB in owner.page.said
    assert "Invited" not in owner.page.said
    assert hub.trail("invitation.sent")[0].startswith("user:")
    assert hub.trail("user.created")[-1].startswith("invitation:")


def test_an_invitation_is_seen_and_can_be_taken_back(hub: Pages) -> None:
    hub.user(ANN)
    owner = hub.signed_in(ANN)
    owner.open("/console/people")
    owner.send("/console/people", email=BOB, role="viewer")
    path = hub.link(BOB)
    owner.send(action(owner, "invitations", 0))
    assert "was taken back" in owner.page.said
    assert hub.browser().look(path) == 410
    assert len(hub.trail("invitation.taken_back")) == 1


def test_whoever_has_a_user_already_is_told_by_mail_and_the_page_tells_nobody(hub: Pages) -> None:
    hub.user(ANN, name="Chez Ann")
    hub.user(BOB, name="Chez Bob")
    owner = hub.signed_in(ANN)
    owner.open("/console/people")
    owner.send("/console/people", email=BOB, role="owner")
    assert "The invitation is on its way" in owner.page.said
    (letter,) = hub.letters(BOB)
    assert "/console/link/" not in letter["body"]
    assert "your address already has a user" in letter["body"]


def test_another_role_ends_the_sessions_of_the_old_one(hub: Pages) -> None:
    hub.user(ANN)
    owner = hub.signed_in(ANN)
    bob = invited(hub, owner, role="owner")
    owner.open("/console/people")
    owner.send(action(owner, "role", 1), role="viewer")
    assert "The role was changed" in owner.page.said
    bob.open("/console/")
    assert bob.path == "/console/sign-in"
    bob.send(email=BOB, password=PASSWORD)
    assert "Your role: Viewer" in bob.page.said
    assert len(hub.trail("user.role")) == 1


def test_whoever_is_removed_is_out_at_once_and_the_address_is_free(hub: Pages) -> None:
    hub.user(ANN)
    owner = hub.signed_in(ANN)
    bob = invited(hub, owner)
    owner.open("/console/people")
    owner.open(action(owner, "remove", 1))
    assert (BOB in owner.page.said, "can't sign in any more" in owner.page.said) == (True, True)
    owner.send()
    assert "They were removed" in owner.page.said
    bob.open("/console/")
    assert bob.path == "/console/sign-in"
    bob.send(email=BOB, password=PASSWORD)
    assert "No user has this address" in bob.page.said
    assert "Your role: Viewer" in invited(hub, owner, role="viewer").page.said
    assert len(hub.trail("user.removed")) == 1


@pytest.mark.parametrize("what", ["role", "remove"])
def test_the_last_owner_stays(hub: Pages, what: str) -> None:
    hub.user(ANN)
    owner = hub.signed_in(ANN)
    invited(hub, owner)
    owner.open("/console/people")
    path = action(owner, what, 0)
    if what == "remove":
        owner.open(path)
        owner.send()
    else:
        owner.send(path, role="viewer")
    assert owner.status == 422
    assert "An account keeps one owner at least" in owner.page.said
    assert owner.look("/console/people") == 200


def test_an_invitation_of_somebody_who_was_removed_is_over(hub: Pages) -> None:
    hub.user(ANN)
    owner = hub.signed_in(ANN)
    bob = invited(hub, owner, role="owner")
    bob.open("/console/people")
    bob.send("/console/people", email="eve@example.com", role="owner")
    path = hub.link("eve@example.com")
    owner.open("/console/people")
    owner.open(action(owner, "remove", 1))
    owner.send()
    assert hub.browser().look(path) == 410


def test_people_of_another_account_are_not_found(hub: Pages) -> None:
    hub.user(ANN)
    hub.user(BOB, name="Chez Bob")
    bob = hub.signed_in(BOB)
    bob.open("/console/people")
    theirs = action(bob, "remove", 0)
    owner = hub.signed_in(ANN)
    assert owner.look(theirs) == 404
    owner.open("/console/people")
    token = owner.form().fields["token"]
    for path in (theirs, theirs.replace("/remove", "/role")):
        owner.post(path, {"token": token, "role": "viewer"})
        assert owner.status == 404
    assert bob.look("/console/") == 200


@pytest.mark.parametrize("role", ["operator", "admin", ""])
def test_a_role_that_an_account_does_not_have_is_refused(hub: Pages, role: str) -> None:
    hub.user(ANN)
    owner = hub.signed_in(ANN)
    owner.open("/console/people")
    owner.send("/console/people", email=BOB, role=role)
    assert (owner.status, "Choose a role" in owner.page.said) == (422, True)
    assert hub.letters(BOB) == []


def test_an_operator_invites_operators(hub: Pages) -> None:
    hub.user("boss@example.com", "operator")
    boss = hub.signed_in("boss@example.com")
    boss.open("/console/people")
    boss.send("/console/people", email=BOB)
    browser = hub.browser()
    browser.open(hub.link(BOB))
    browser.send(password=PASSWORD)
    assert "Accounts" in browser.page.said
