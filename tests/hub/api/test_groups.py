from tests.support.asking import ask
from tests.support.web import Visitor


def contact(visitor: Visitor, number: str = "0612345678") -> str:
    return str(ask(visitor, "POST", "/contacts", {"number": number}).json["id"])


def test_a_group_is_made_filled_renamed_and_deleted(alice: Visitor) -> None:
    made = ask(alice, "POST", "/groups", {"name": "Clients fidèles"})
    assert (made.status_code, made.json["slug"], made.json["contacts"]) == (201, "clients-fideles", 0)
    path, member = f"/groups/{made.json['id']}", contact(alice)
    assert ask(alice, "PUT", f"{path}/contacts/{member}").json == {}
    assert ask(alice, "GET", path).json["contacts"] == 1
    assert ask(alice, "PATCH", path, {"name": "Clients"}).json["name"] == "Clients"
    assert ask(alice, "DELETE", f"{path}/contacts/{member}").json == {}
    assert ask(alice, "GET", "/groups").json["items"][0]["contacts"] == 0
    assert ask(alice, "DELETE", path).json == {}
    assert ask(alice, "GET", path).status_code == 404
    assert ask(alice, "GET", f"/contacts/{member}").status_code == 200


def test_a_second_group_of_the_same_name_is_a_conflict(alice: Visitor, bob: Visitor) -> None:
    ask(alice, "POST", "/groups", {"name": "Clients"})
    refused = ask(alice, "POST", "/groups", {"name": "Clients"})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (409, "/name")
    assert ask(bob, "POST", "/groups", {"name": "Clients"}).status_code == 201


def test_a_slug_is_written_as_slugs_are(alice: Visitor) -> None:
    assert ask(alice, "POST", "/groups", {"name": "x", "slug": "Été !"}).json["errors"][0]["pointer"] == "/slug"


def test_neither_foreign_groups_nor_foreign_contacts_can_be_joined(alice: Visitor, bob: Visitor) -> None:
    mine, theirs = (ask(each, "POST", "/groups", {"name": "G"}).json["id"] for each in (alice, bob))
    assert ask(alice, "PUT", f"/groups/{mine}/contacts/{contact(bob)}").status_code == 404
    assert ask(alice, "PUT", f"/groups/{theirs}/contacts/{contact(alice)}").status_code == 404
    assert ask(alice, "PUT", f"/groups/{mine}/contacts/nobody").status_code == 404
    assert ask(alice, "PATCH", f"/groups/{theirs}", {"name": "x"}).status_code == 404


def test_groups_come_in_pages(alice: Visitor) -> None:
    for name in ("A", "B", "C"):
        ask(alice, "POST", "/groups", {"name": name})
    first = ask(alice, "GET", "/groups?limit=2").json
    rest = ask(alice, "GET", f"/groups?limit=2&cursor={first['next_cursor']}").json
    assert [group["name"] for group in first["items"] + rest["items"]] == ["C", "B", "A"]
    assert rest["next_cursor"] is None
