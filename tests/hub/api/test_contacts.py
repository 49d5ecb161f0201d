import pytest

from tests.support.asking import ask
from tests.support.web import Visitor

ANNE = {"number": "06 12 34 56 78", "nom": "Lefèvre", "prenom": "Anne"}


def test_a_contact_is_made_read_changed_and_deleted(alice: Visitor) -> None:
    made = ask(alice, "POST", "/contacts", ANNE)
    assert made.status_code == 201
    assert (made.json["number"], made.json["country"], made.json["source"]) == ("+33612345678", "FR", "api")
    path = f"/contacts/{made.json['id']}"
    assert ask(alice, "GET", path).json == made.json
    assert ask(alice, "PATCH", path, {"nom": None, "prenom": ""}).json == made.json | {"nom": None}
    assert ask(alice, "DELETE", path).json == {}
    assert ask(alice, "GET", path).status_code == 404


@pytest.mark.parametrize(
    "body, code, pointer",
    [
        ({}, "invalid_request", "/number"),
        ({"number": ""}, "invalid_request", "/number"),
        ({"number": "0142685300"}, "fixed_line_number", "/number"),
        ({"number": "0612345678", "age": 3}, "invalid_request", "/age"),
        ({"number": "0612345678", "nom": "x" * 256}, "invalid_request", "/nom"),
        ({"number": "0612345678", "groups": ["none"]}, "unknown_group", "/groups/0"),
    ],
)
def test_what_cannot_be_a_contact_is_refused_at_its_field(
    alice: Visitor, body: dict[str, object], code: str, pointer: str
) -> None:
    answer = ask(alice, "POST", "/contacts", body)
    assert (answer.status_code, answer.json["code"], answer.json["errors"][0]["pointer"]) == (422, code, pointer)


def test_a_change_that_changes_nothing_is_refused(alice: Visitor) -> None:
    made = ask(alice, "POST", "/contacts", ANNE).json
    assert ask(alice, "PATCH", f"/contacts/{made['id']}", {}).status_code == 422


def test_a_foreign_contact_is_not_there(alice: Visitor, bob: Visitor) -> None:
    made = ask(alice, "POST", "/contacts", ANNE).json
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"nom": "x"}),
        ("DELETE", "", None),
        ("POST", "/restore", {}),
    ):
        assert ask(bob, method, f"/contacts/{made['id']}{path}", body).status_code == 404
    assert ask(bob, "GET", "/contacts").json["items"] == []


@pytest.mark.parametrize("contact_id", ["nobody", "%00", "00000000-0000-0000-0000-000000000000"])
def test_what_is_no_id_is_not_found(alice: Visitor, contact_id: str) -> None:
    assert ask(alice, "GET", f"/contacts/{contact_id}").status_code == 404


def test_the_list_goes_on_from_its_cursor(alice: Visitor) -> None:
    made = [ask(alice, "POST", "/contacts", {"number": f"061234567{digit}"}).json["id"] for digit in range(5)]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = ask(alice, "GET", f"/contacts?limit=2&cursor={cursor}").json
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert found == made[::-1]


def test_the_list_is_searched_and_shows_groups(alice: Visitor) -> None:
    group = ask(alice, "POST", "/groups", {"name": "Clients fidèles"}).json
    anne = ask(alice, "POST", "/contacts", ANNE | {"groups": ["clients-fideles"]}).json
    ask(alice, "POST", "/contacts", {"number": "0798765432"})
    assert anne["groups"] == [group["id"]]
    for query in ("q=lefevre", "q=0612", "q=%2B33612", f"group={group['id']}", "group=clients-fideles"):
        assert ask(alice, "GET", f"/contacts?{query}").json["items"] == [anne]
    assert ask(alice, "GET", "/contacts?group=nobody").json["errors"][0]["pointer"] == "/group/0"


def test_duplicates_are_listed_by_number(alice: Visitor) -> None:
    for number in ("0612345678", "+33612345678", "0612345679", "0612345670", "0612345670"):
        ask(alice, "POST", "/contacts", {"number": number})
    first = ask(alice, "GET", "/contacts/duplicates?limit=1").json
    [one] = first["items"]
    assert (one["number"], one["country"], one["count"], len(one["contacts"])) == ("+33612345670", "FR", 2, 2)
    second = ask(alice, "GET", f"/contacts/duplicates?limit=1&cursor={first['next_cursor']}").json
    assert [item["number"] for item in second["items"]] == ["+33612345678"]
    assert second["next_cursor"] is None


def test_who_opted_out_is_archived_and_comes_back_only_when_let_in(alice: Visitor) -> None:
    made = ask(alice, "POST", "/contacts", ANNE).json
    ask(alice, "POST", "/blacklist", {"number": "0612345678"})
    assert ask(alice, "GET", "/contacts").json["items"] == []
    [archived] = ask(alice, "GET", "/contacts?archived=true").json["items"]
    assert (archived["id"], archived["archived_reason"]) == (made["id"], "blacklisted")
    refused = ask(alice, "POST", f"/contacts/{made['id']}/restore")
    assert (refused.status_code, refused.json["code"]) == (409, "opted_out")
    ask(alice, "DELETE", "/blacklist/+33612345678")
    assert ask(alice, "POST", f"/contacts/{made['id']}/restore").json == made


def test_one_is_found_by_a_number_in_any_form_and_by_an_address(alice: Visitor) -> None:
    made = ask(alice, "POST", "/contacts", ANNE | {"email": "anne@example.com"}).json
    ask(alice, "POST", "/contacts", {"number": "0612345679", "email": "anne@example.org"})
    for query in ("number=0033612345678", "number=%2B33612345678", "email=ANNE@example.com"):
        assert ask(alice, "GET", f"/contacts?{query}").json["items"] == [made]
    assert ask(alice, "GET", "/contacts?number=12").json["errors"][0]["pointer"] == "/number"
