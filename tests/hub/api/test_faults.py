"""Faults 1 to 10 that clients of an API really make, and what becomes of them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from core import Runtime, ledger
from tests.support.web import Visitor

KEY = {"Idempotency-Key": "5f2c"}
NESTED = b'{"number": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def code(response: TestResponse) -> str:
    assert response.mimetype == "application/problem+json"
    return str((response.json or {})["code"])


def available(runtime: Runtime, who: Visitor) -> int:
    with runtime.read() as tx:
        return ledger.balance(tx, who.account_id).available


def gift(to: Visitor, credits_: float = 1) -> dict[str, Any]:
    return {"to_account": to.account_id, "credits": credits_}


def test_fault_1_a_key_that_stands_twice_in_an_object_is_400(alice: Visitor) -> None:
    twice = alice.send_raw("/numbers/lookup", b'{"number": "0612345678", "number": "0687654321"}')
    assert (twice.status_code, code(twice)) == (400, "invalid_json")


def test_fault_2_a_hundred_thousand_nested_lists_are_400(alice: Visitor) -> None:
    nested = alice.send_raw("/numbers/lookup", NESTED)
    assert (nested.status_code, code(nested)) == (400, "invalid_json")


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"9007199254740993", b"1" * 5000])
def test_fault_3_what_is_no_number_to_every_reader_is_400(alice: Visitor, number: bytes) -> None:
    answer = alice.send_raw("/credits/alert", b'{"threshold": ' + number + b"}", method="PUT")
    assert (answer.status_code, code(answer)) == (400, "invalid_json")


@pytest.mark.parametrize(
    "text", [rb'"a\u0000b"', rb'"\ud83d"', rb'"\ude00\ud83d"', rb'["x", {"\u0000": 1}]', b'"\xff"', b'"\xed\xa0\x80"']
)
def test_fault_4_a_nul_or_half_a_character_is_400(alice: Visitor, text: bytes) -> None:
    answer = alice.send_raw("/numbers/lookup", b'{"number": ' + text + b"}")
    assert (answer.status_code, code(answer)) == (400, "invalid_json")


def test_fault_5_fifty_at_once_with_one_key_are_done_once(runtime: Runtime, alice: Visitor, bob: Visitor) -> None:
    def transfer(_: int) -> tuple[int, bytes]:
        answer = alice.ask("POST", "/credits/transfers", gift(bob), headers=KEY)
        return answer.status_code, answer.data

    with ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(transfer, range(50)))
    done = {body for status, body in answers if status == 201}
    assert len(done) == 1
    assert {status for status, _ in answers} <= {201, 409}
    assert available(runtime, alice) == 9_000


def test_fault_6_the_same_key_for_another_body_is_422(runtime: Runtime, alice: Visitor, bob: Visitor) -> None:
    assert alice.ask("POST", "/credits/transfers", gift(bob), headers=KEY).status_code == 201
    other = alice.ask("POST", "/credits/transfers", gift(bob, 2), headers=KEY)
    assert (other.status_code, code(other)) == (422, "idempotency_conflict")
    assert available(runtime, alice) == 9_000


def environ(who: Visitor, path: str, **options: Any) -> dict[str, Any]:
    made = EnvironBuilder(f"/api/v1{path}", method="POST", **options).get_environ()
    return made | {"HTTP_AUTHORIZATION": f"Bearer {who.secret}"}


class GoneError(OSError):
    """What a server sees when it writes to a client that went."""


def test_fault_7_a_client_that_left_before_its_answer_asks_again_and_it_was_done_once(
    runtime: Runtime, app: Flask, alice: Visitor, bob: Visitor
) -> None:
    def hang_up(*_: Any) -> None:
        raise GoneError

    asked = environ(alice, "/credits/transfers", json=gift(bob)) | {"HTTP_IDEMPOTENCY_KEY": KEY["Idempotency-Key"]}
    application: Any = app
    with pytest.raises(GoneError):
        list(application(asked, hang_up))
    again = alice.ask("POST", "/credits/transfers", gift(bob), headers=KEY)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert available(runtime, alice) == 9_000


def test_fault_8_a_cursor_of_another_account_or_list_or_tampered_with_is_400(alice: Visitor, bob: Visitor) -> None:
    cursor = (alice.ask("GET", "/tariffs?limit=1").json or {})["next_cursor"]
    assert alice.ask("GET", f"/tariffs?limit=1&cursor={cursor}").status_code == 200
    turned = ("B" if cursor[0] == "A" else "A") + cursor[1:]
    refused = [
        bob.ask("GET", f"/tariffs?limit=1&cursor={cursor}"),
        alice.ask("GET", f"/credits/transfers?cursor={cursor}"),
        *(alice.ask("GET", f"/tariffs?cursor={text}") for text in (turned, cursor[:-2], "x", "%C3%A9", "*" * 900)),
    ]
    assert [(answer.status_code, code(answer)) for answer in refused] == [(400, "invalid_cursor")] * len(refused)


def test_fault_9_the_id_of_another_account_is_404_in_the_same_words_as_one_that_is_not(
    alice: Visitor, bob: Visitor
) -> None:
    hers = (alice.ask("POST", "/keys", {"name": "hers", "scopes": ["stats:read"]}).json or {})["id"]
    foreign, unknown = (bob.ask("DELETE", f"/keys/{key}") for key in (hers, "01997b2c-1a2b-7c3d-8e4f-123456789abc"))
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert (foreign.json or {})["detail"] == (unknown.json or {})["detail"]
    assert alice.ask("DELETE", f"/keys/{hers}").status_code == 200


class Untouched:
    """A body that fails the test when it is read."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("the body was read")


def test_fault_10_ten_megabytes_are_413_before_they_are_read(app: Flask, alice: Visitor) -> None:
    asked = environ(alice, "/numbers/lookup", content_type="application/json")
    asked |= {"CONTENT_LENGTH": str(10 * 1024 * 1024), "wsgi.input": Untouched()}
    assert run_wsgi_app(app, asked)[1] == "413 REQUEST ENTITY TOO LARGE"


def test_fault_10_in_chunks_is_413_too(app: Flask, alice: Visitor) -> None:
    large = b'{"number": "' + b"x" * (10 * 1024 * 1024) + b'"}'
    asked = environ(alice, "/numbers/lookup", data=large, content_type="application/json")
    asked |= {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    del asked["CONTENT_LENGTH"]
    assert run_wsgi_app(app, asked)[1] == "413 REQUEST ENTITY TOO LARGE"
