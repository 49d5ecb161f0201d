import pytest

from core import Runtime, blacklist
from core.accounts import add_inbound_number
from tests.support.asking import ask
from tests.support.web import Visitor

ANNE = 33612345678


def shared_code(runtime: Runtime) -> None:
    """Anne texted STOP to a code that every account uses."""
    with runtime.begin() as tx:
        add_inbound_number(tx, "38000", "simulator", "FR")
        blacklist.add(tx, "38000", ANNE, "STOP", "reply")


def test_a_number_is_added_once_and_shown(alice: Visitor) -> None:
    first = ask(alice, "POST", "/blacklist", {"number": "0612345678", "reason": "asked by telephone"})
    again = ask(alice, "POST", "/blacklist", {"number": "+33612345678"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    assert (first.json["number"], first.json["reason"], first.json["source"], first.json["code"]) == (
        "+33612345678",
        "asked by telephone",
        "api",
        None,
    )
    assert ask(alice, "GET", "/blacklist").json["items"] == [first.json]


@pytest.mark.parametrize("written", ["+33612345678", "33612345678", "0612345678", "%2B33612345678"])
def test_an_entry_is_found_by_any_spelling(alice: Visitor, written: str) -> None:
    made = ask(alice, "POST", "/blacklist", {"number": "0612345678"}).json
    assert ask(alice, "GET", f"/blacklist/{written}").json == made
    assert ask(alice, "DELETE", f"/blacklist/{written}").json == {"number": "+33612345678", "still_on": []}
    assert ask(alice, "GET", f"/blacklist/{written}").status_code == 404


@pytest.mark.parametrize("written", ["nobody", "0142685300", "1", "%00", "99999999999999999999"])
def test_what_is_no_number_is_not_found(alice: Visitor, written: str) -> None:
    assert ask(alice, "GET", f"/blacklist/{written}").status_code == 404


def test_a_number_that_no_plan_knows_can_still_be_found_and_removed(alice: Visitor, runtime: Runtime) -> None:
    with runtime.begin() as tx:
        blacklist.add(tx, alice.account_id, 33142685300, "STOP", "reply")
    assert ask(alice, "GET", "/blacklist/+33142685300").status_code == 200
    assert ask(alice, "DELETE", "/blacklist/33142685300").status_code == 200


def test_a_bad_number_is_refused_by_name(alice: Visitor) -> None:
    refused = ask(alice, "POST", "/blacklist", {"number": "0142685300"})
    assert (refused.json["code"], refused.json["errors"][0]["pointer"]) == ("fixed_line_number", "/number")


def test_one_accounts_list_is_not_anothers(alice: Visitor, bob: Visitor) -> None:
    ask(alice, "POST", "/blacklist", {"number": "0612345678"})
    assert ask(bob, "GET", "/blacklist").json["items"] == []
    assert ask(bob, "GET", "/blacklist/+33612345678").status_code == 404
    assert ask(bob, "DELETE", "/blacklist/+33612345678").status_code == 404


def test_who_opted_out_of_a_shared_code_is_not_listed_but_told_of(alice: Visitor, runtime: Runtime) -> None:
    shared_code(runtime)
    assert ask(alice, "GET", "/blacklist").json["items"] == []
    assert ask(alice, "GET", "/blacklist/0612345678").json["code"] == "38000"
    refused = ask(alice, "DELETE", "/blacklist/0612345678")
    assert (refused.status_code, refused.json["code"]) == (409, "shared_optout")


def test_removal_says_what_still_binds(alice: Visitor, runtime: Runtime) -> None:
    shared_code(runtime)
    ask(alice, "POST", "/blacklist", {"number": "0612345678"})
    assert ask(alice, "DELETE", "/blacklist/0612345678").json == {"number": "+33612345678", "still_on": ["38000"]}


def test_the_list_comes_in_pages_and_is_searched(alice: Visitor) -> None:
    for number in ("0612345678", "0612345679", "0798765432"):
        ask(alice, "POST", "/blacklist", {"number": number})
    first = ask(alice, "GET", "/blacklist?limit=2").json
    rest = ask(alice, "GET", f"/blacklist?limit=2&cursor={first['next_cursor']}").json
    assert [entry["number"] for entry in first["items"] + rest["items"]] == [
        "+33798765432",
        "+33612345679",
        "+33612345678",
    ]
    assert rest["next_cursor"] is None
    assert [entry["number"] for entry in ask(alice, "GET", "/blacklist?q=07").json["items"]] == ["+33798765432"]
    assert ask(alice, "GET", "/blacklist?q=anne").json["code"] == "invalid_search"
