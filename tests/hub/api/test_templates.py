from tests.support.web import Visitor

SALE = {"name": "Soldes", "text": "Bonjour $prenom, -20 % ce samedi."}


def test_a_template_is_made_changed_and_deleted(alice: Visitor) -> None:
    made = alice.ask("POST", "/templates", SALE)
    assert made.status_code == 201
    path = f"/templates/{made.json['id']}"
    assert alice.ask("GET", path).json == made.json
    assert alice.ask("PATCH", path, {"text": "Bonsoir"}).json == made.json | {"text": "Bonsoir"}
    assert alice.ask("DELETE", path).json == {}
    assert alice.ask("DELETE", path).status_code == 404


def test_templates_are_not_shared(alice: Visitor, bob: Visitor) -> None:
    made = alice.ask("POST", "/templates", SALE).json
    assert bob.ask("GET", f"/templates/{made['id']}").status_code == 404
    assert bob.ask("GET", "/templates").json["items"] == []
    assert alice.ask("GET", "/templates").json["items"] == [made]


def test_a_template_needs_a_name_and_a_text(alice: Visitor) -> None:
    answer = alice.ask("POST", "/templates", {"name": " "})
    assert {error["pointer"] for error in answer.json["errors"]} == {"/name", "/text"}


def test_templates_come_in_pages(alice: Visitor) -> None:
    made = [alice.ask("POST", "/templates", SALE).json for _ in range(3)]
    first = alice.ask("GET", "/templates?limit=2").json
    rest = alice.ask("GET", f"/templates?limit=2&cursor={first['next_cursor']}").json
    assert first["items"] + rest["items"] == made[::-1]
