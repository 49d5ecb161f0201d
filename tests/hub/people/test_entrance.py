"""What a link is good for, and for whom."""

import pytest

from core import Refused, Runtime, accounts
from hub.people import attempts, entrance, links, members
from hub.people.links import INVITATION, RESET, SIGN_UP, Invited
from tests.hub.people.conftest import SignedIn

PASSWORD = "correct horse battery"
NOBODY = "01997b2c-1a2b-7c3d-8e4f-123456789abc"


def link(runtime: Runtime, purpose: str, email: str, to: Invited | None = None) -> str:
    """The secret of a link that was mailed."""
    with runtime.begin() as tx:
        drawn_for = links.ask(tx, purpose, email, "en", to)
    drawn = links.draw(runtime, drawn_for)
    assert drawn is not None
    return drawn[1]


def test_a_link_does_what_it_is_for_and_nothing_else(runtime: Runtime, signed_in: SignedIn) -> None:
    ann, _ = signed_in()
    invited = Invited(ann.account_id, "owner", ann.user_id)
    made = {
        SIGN_UP: link(runtime, SIGN_UP, "bob@example.com"),
        INVITATION: link(runtime, INVITATION, "eve@example.com", invited),
        RESET: link(runtime, RESET, ann.email),
    }
    for purpose, secret in made.items():
        for other in {SIGN_UP, INVITATION, RESET} - {purpose}:
            with pytest.raises(Refused) as refused:
                _use(runtime, other, secret)
            assert refused.value.code == "link_over"
    for purpose, secret in made.items():
        assert _use(runtime, purpose, secret)


def _use(runtime: Runtime, purpose: str, secret: str) -> str:
    if purpose == SIGN_UP:
        return entrance.sign_up(runtime, secret, "Acme", PASSWORD)
    return (entrance.accept if purpose == INVITATION else entrance.reset)(runtime, secret, PASSWORD)


@pytest.mark.parametrize("password", ["short", "password1", "ann@example.com"])
def test_a_password_that_is_refused_uses_no_link_up(runtime: Runtime, signed_in: SignedIn, password: str) -> None:
    ann, _ = signed_in()
    secret = link(runtime, RESET, ann.email)
    with pytest.raises(Refused) as refused:
        entrance.reset(runtime, secret, password)
    assert refused.value.code == "invalid_password"
    assert entrance.reset(runtime, secret, PASSWORD)


def test_a_reset_of_somebody_who_was_removed_is_over(runtime: Runtime, signed_in: SignedIn) -> None:
    ann, _ = signed_in()
    bob, _ = signed_in("bob@example.com", "viewer", ann.account_id)
    secret = link(runtime, RESET, bob.email)
    with runtime.begin() as tx:
        members.remove(tx, ann, bob.user_id)
    with pytest.raises(Refused) as refused:
        entrance.reset(runtime, secret, PASSWORD)
    assert refused.value.code == "link_over"


def test_a_link_that_is_mailed_again_opens_by_its_newest_secret_only(runtime: Runtime) -> None:
    with runtime.begin() as tx:
        link_id = links.ask(tx, SIGN_UP, "ann@example.com", "en")
    first, second = links.draw(runtime, link_id), links.draw(runtime, link_id)
    assert first is not None
    assert second is not None
    with runtime.read() as tx:
        assert links.read(tx, second[1]).email == "ann@example.com"
        with pytest.raises(Refused):
            links.read(tx, first[1])
    assert entrance.sign_up(runtime, second[1], "Acme", PASSWORD)
    assert links.draw(runtime, link_id) is None


@pytest.mark.parametrize("link_id", [NOBODY, "nonsense"])
def test_an_invitation_that_there_is_not_is_not_taken_back(runtime: Runtime, signed_in: SignedIn, link_id: str) -> None:
    ann, _ = signed_in()
    with runtime.begin() as tx, pytest.raises(Refused) as refused:
        members.take_back(tx, ann, link_id)
    assert refused.value.code == "not_found"


def test_an_account_has_so_many_people_at_most(runtime: Runtime, signed_in: SignedIn) -> None:
    ann, _ = signed_in()
    with runtime.begin() as tx:
        for place in range(members.MOST - 2):
            accounts.create_user(tx, ann.account_id, f"user{place}@example.com", "viewer", None, "test")
        members.invite(tx, ann, "eve@example.com", "viewer", "en")
    with runtime.begin() as tx, pytest.raises(Refused) as refused:
        members.invite(tx, ann, "dan@example.com", "viewer", "en")
    assert refused.value.code == "too_many_members"


@pytest.mark.parametrize(
    "address, network",
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("nonsense", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_visitor_has_an_address_or_the_half_of_one(address: str, network: str) -> None:
    assert attempts.network_of(address) == network
