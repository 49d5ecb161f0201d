from tests.support.asking import ask
from tests.support.web import Visitor

SALE = {"name": "Soldes", "text": "Bonjour $prenom, -20 % ce samedi."}


def test_a_template_is_made_changed_and_deleted(alice: Visitor) -> None:
    made = ask(alice, "POST", "/templates", SALE)
    assert made.status_code == 201
    path = f"/templates/{made.json['id']}"
    assert ask(alice, "GET", path).json == made.json
    assert ask(alice, "PATCH", path, {"text": "Bonsoir"}).json == made.json | {"text": "Bonsoir"}
    assert ask(alice, "DELETE", path).json == {}
    assert ask(alice, "DELETE", path).status_code == 404


def test_templates_are_not_shared(alice: Visitor, bob: Visitor) -> None:
    made = ask(alice, "POST", "/templates", SALE).json
    assert ask(bob, "GET", f"/templates/{made['id']}").status_code == 404
    assert ask(bob, "GET", "/templates").json["items"] == []
    assert ask(alice, "GET", "/templates").json["items"] == [made]


def test_a_template_needs_a_name_and_a_text(alice: Visitor) -> None:
    answer = ask(alice, "POST", "/templates", {"name": " "})
    assert {error["pointer"] for error in answer.json["errors"]} == {"/name", "/text"}


def test_templates_come_in_pages(alice: Visitor) -> None:
    made = [ask(alice, "POST", "/templates", SALE).json for _ in range(3)]
    first = ask(alice, "GET", "/templates?limit=2").json
    rest = ask(alice, "GET", f"/templates?limit=2&cursor={first['next_cursor']}").json
    assert first["items"] + rest["items"] == made[::-1]
