import io
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from flask import Flask

from core import Runtime, imports, jobs
from tests.support.asking import ask
from tests.support.spreadsheet import HEADER, WRITERS, as_csv, people
from tests.support.web import Visitor, visitor


def upload(sender: Visitor, content: bytes, filename: str = "people.csv", **form: str) -> Any:
    return ask(
        sender,
        "POST",
        "/imports",
        data={"file": (io.BytesIO(content), filename), **form},
        content_type="multipart/form-data",
    )


def imported(
    runtime: Runtime, sender: Visitor, content: bytes | Sequence[Sequence[Any]], **form: str
) -> Mapping[str, Any]:
    answer = upload(sender, content if isinstance(content, bytes) else as_csv(content), **form)
    assert answer.status_code == 202, answer.json
    while jobs.work(runtime, {"import": imports.work}):
        pass
    found: Mapping[str, Any] = ask(sender, "GET", f"/imports/{answer.json['id']}").json
    return found


@pytest.mark.parametrize("kind", WRITERS)
def test_a_spreadsheet_becomes_contacts(runtime: Runtime, alice: Visitor, kind: str) -> None:
    job = imported(runtime, alice, WRITERS[kind]([HEADER, *people(3)]))
    assert (job["status"], job["total"], job["done"], job["created"], job["preview"]["format"]) == (
        "finished",
        3,
        3,
        3,
        kind,
    )
    assert len(ask(alice, "GET", "/contacts").json["items"]) == 3


def test_the_answer_shows_how_the_file_is_understood(alice: Visitor) -> None:
    job = upload(
        alice, as_csv([("Portable", "Nom"), ("0612345678", "Durand")]), mapping='{"number": 0, "nom": "NOM"}'
    ).json
    assert (job["status"], job["filename"], job["total"]) == ("queued", "people.csv", 1)
    assert job["preview"]["mapping"] == {"number": "Portable", "nom": "Nom"}
    assert job["preview"]["rows"][0]["number"] == "+33612345678"


def test_a_blacklist_is_imported(runtime: Runtime, alice: Visitor) -> None:
    assert imported(runtime, alice, [["0612345678"], ["0612345679"]], kind="blacklist")["created"] == 2
    assert len(ask(alice, "GET", "/blacklist").json["items"]) == 2


def test_a_dry_run_changes_nothing(runtime: Runtime, alice: Visitor) -> None:
    job = imported(runtime, alice, [HEADER, *people(3)], dry_run="true", group_name="Salon")
    assert (job["dry_run"], job["created"], job["group_id"]) == (True, 3, None)
    assert ask(alice, "GET", "/contacts").json["items"] == ask(alice, "GET", "/groups").json["items"] == []


def test_a_group_is_made_on_the_way(runtime: Runtime, alice: Visitor) -> None:
    job = imported(runtime, alice, [HEADER, *people(3)], group_name="Salon")
    assert ask(alice, "GET", f"/groups/{job['group_id']}").json["contacts"] == 3


def test_errors_are_a_spreadsheet_without_formulas(runtime: Runtime, alice: Visitor) -> None:
    job = imported(runtime, alice, [HEADER, *people(1), ["=1+1"], ["0142685300"]])
    answer = ask(alice, "GET", f"/imports/{job['id']}/errors.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    header, first, second = answer.get_data(as_text=True).splitlines()
    assert header == "\ufeffrow,field,value,message"
    assert first.startswith("3,number,'=1+1,")
    assert second.startswith("4,number,0142685300,")


@pytest.mark.parametrize(
    "content, form, status, code, pointer",
    [
        (b"", {}, 422, "empty_file", None),
        (b"\x89PNG\0", {}, 422, "unreadable_file", None),
        (b"A;B\nx;y\n", {}, 422, "no_number_column", "/mapping/number"),
        (b"Mobile;B\n0612345678;y\n", {"mapping": '{"nom": "C"}'}, 422, "unknown_column", "/mapping/nom"),
        (b"0612345678", {"mapping": '{"age": 0}'}, 422, "invalid_request", "/mapping/age"),
        (b"0612345678", {"mapping": "Mobile"}, 400, "invalid_json", None),
        (b"0612345678", {"separator": ":"}, 422, "invalid_request", "/separator"),
        (b"0612345678", {"kind": "messages"}, 422, "invalid_request", "/kind"),
        (b"0612345678", {"colour": "red"}, 422, "invalid_request", "/colour"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_its_reason(
    alice: Visitor, content: bytes, form: dict[str, str], status: int, code: str, pointer: str | None
) -> None:
    answer = upload(alice, content, **form)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert [error["pointer"] for error in answer.json["errors"]][:1] == ([pointer] if pointer else [])


def test_a_blacklist_needs_its_own_scope(runtime: Runtime, app: Flask) -> None:
    carol = visitor(runtime, app, "carol", scopes=["contacts:write"])
    refused = upload(carol, b"0612345678", kind="blacklist")
    assert (refused.status_code, refused.json["code"]) == (403, "insufficient_scope")
    assert upload(carol, b"0612345678").status_code == 202


def test_a_foreign_import_is_not_there(alice: Visitor, bob: Visitor) -> None:
    job = upload(alice, b"0612345678").json
    assert ask(bob, "GET", f"/imports/{job['id']}").status_code == 404
    assert ask(bob, "GET", f"/imports/{job['id']}/errors.csv").status_code == 404


def test_the_tab_can_be_said_in_letters(runtime: Runtime, alice: Visitor) -> None:
    job = imported(runtime, alice, b"Mobile\tNom\n0612345678\tx\n", separator="tab")
    assert (job["preview"]["separator"], job["created"]) == ("\t", 1)
