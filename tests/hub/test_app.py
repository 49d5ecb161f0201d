from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs
from werkzeug.test import Client

from connectors.contract import Call, Operation, Reply
from core import Caller, Runtime, Tx, accounts
from hub.api.table import OPERATIONS
from hub.app import create_app
from tests.support.web import application, settings, visitor
from tests.support.world import ManualClock


def operation(handler: Any, path: str = "/shoes/{number}", **changes: Any) -> Operation:
    plain = {"name": "shoes", "method": "GET", "scope": None, "summary": "Shoes", "tag": "Shoes", "transaction": "own"}
    return Operation(path=path, handler=handler, **(plain | changes))


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return application(runtime)


def problem(answer: Any) -> tuple[int, str]:
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == answer.status_code
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    return answer.status_code, answer.json["code"]


def test_nothing_is_answered_to_nobody(app: Flask) -> None:
    for one in OPERATIONS:
        path = f"/api/v1{one.path}".replace("{", "").replace("}", "")
        answer = Client(app).open(path, method=one.method)
        assert problem(answer) == (401, "unauthenticated"), one.name
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="smshub"'


def test_a_key_in_the_query_is_no_key(runtime: Runtime, app: Flask) -> None:
    alice = visitor(runtime, app, "alice")
    assert Client(app).get(f"/api/v1/me?access_token={alice.secret}").status_code == 401
    assert problem(alice.ask("GET", "/me?access_token=x")) == (422, "invalid_request")


def test_a_wrong_key_is_told_apart_from_none(app: Flask) -> None:
    answer = Client(app).get("/api/v1/me", headers={"Authorization": "Bearer smshub_nobody"})
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="smshub", error="invalid_token"'


@pytest.mark.parametrize(
    "method, path, expected",
    [
        ("GET", "/nowhere", (404, "not_found")),
        ("GET", "/api/v1/nowhere", (404, "not_found")),
        ("GET", "/api/v1/me/", (404, "not_found")),
        ("DELETE", "/api/v1/me", (405, "method_not_allowed")),
        ("OPTIONS", "/api/v1/me", (405, "method_not_allowed")),
        ("BREW", "/api/v1/me", (405, "method_not_allowed")),
        ("PATCH", "/api/v1/messages/batch", (405, "method_not_allowed")),
    ],
)
def test_what_is_not_there_is_a_problem_too(app: Flask, method: str, path: str, expected: tuple[int, str]) -> None:
    answer = Client(app).open(path, method=method)
    assert problem(answer) == expected
    assert ("Allow" in answer.headers) == (expected[0] == 405)


def test_json_is_asked_for_by_name(runtime: Runtime, app: Flask) -> None:
    alice = visitor(runtime, app, "alice")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert problem(alice.send_raw("/numbers/lookup", b'{"number": "1"}', kind)) == (415, "unsupported_media_type")
    for kind in ("application/json; charset=utf-8", "application/vnd.api+json"):
        assert alice.send_raw("/numbers/lookup", b'{"number": "1"}', kind).status_code == 200


def test_a_bug_is_a_problem_that_tells_nothing_and_a_log_that_tells_where(runtime: Runtime) -> None:
    def broken(_: Call) -> Reply:
        raise LookupError("+33612345678")

    app = application(runtime, [operation(broken)])
    alice = visitor(runtime, app, "alice")
    with capture_logs() as entries:
        answer = alice.ask("GET", "/shoes/40")
    assert problem(answer) == (500, "internal_error")
    assert "33612345678" not in answer.get_data(as_text=True)
    (failed,) = [entry for entry in entries if entry["event"] == "request.failed"]
    assert isinstance(failed["exc_info"], LookupError)


def test_a_database_that_is_away_is_503_with_a_time_to_come_back(runtime: Runtime) -> None:
    def away(_: Call) -> Reply:
        raise OperationalError("select", {}, OSError("gone"))

    app = application(runtime, [operation(away)])
    answer = visitor(runtime, app, "alice").ask("GET", "/shoes/40")
    assert problem(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "5"


def test_the_log_has_the_template_of_the_path_and_never_its_numbers(runtime: Runtime) -> None:
    app = application(runtime, [operation(lambda _: Reply({}))])
    alice = visitor(runtime, app, "alice")
    with capture_logs() as entries:
        alice.ask("GET", "/shoes/33612345678")
    (entry,) = entries
    assert (entry["route"], entry["method"], entry["status"]) == ("/api/v1/shoes/<number>", "GET", 200)
    assert "33612345678" not in str(entries)
    assert "33612345678" not in Client(app).get("/metrics").get_data(as_text=True)


def test_every_answer_carries_the_headers_of_a_careful_house(runtime: Runtime, app: Flask) -> None:
    for path in ("/api/v1/me", "/nowhere", "/healthz"):
        headers = Client(app).get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Strict-Transport-Security"].startswith("max-age=")
        assert "Access-Control-Allow-Origin" not in headers


def test_a_request_id_is_kept_when_it_is_one(app: Flask) -> None:
    kept = Client(app).get("/healthz", headers={"X-Request-Id": "abc-12345"})
    made = Client(app).get("/healthz", headers={"X-Request-Id": "x" * 500})
    assert kept.headers["X-Request-Id"] == "abc-12345"
    assert len(made.headers["X-Request-Id"]) == 36


def test_too_many_requests_are_told_when_to_come_back(runtime: Runtime, clock: ManualClock) -> None:
    app = application(runtime, settings=settings(SMSHUB_RATE_PER_MINUTE="2"))
    alice, bob = (visitor(runtime, app, name) for name in ("alice", "bob"))
    answers = [alice.ask("GET", "/me") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert problem(answers[2]) == (429, "rate_limited")
    assert (answers[2].headers["Retry-After"], answers[0].headers["RateLimit"]) == ("30", '"default";r=1;t=30')
    assert bob.ask("GET", "/me").status_code == 200
    clock.forward(seconds=30)
    assert alice.ask("GET", "/me").status_code == 200


def test_an_access_token_is_asked_for_where_the_hub_says(runtime: Runtime) -> None:
    with runtime.begin() as tx:
        account = accounts.create(tx, "A")
    ada = Caller(account.id, frozenset({"credits:read"}), "zapier", "grant:1", "ada@example.com")
    app = create_app(runtime, settings(), identify=[{"hub_at_1": ada}.get])
    me = Client(app).get("/api/v1/me", headers={"Authorization": "Bearer hub_at_1"})
    assert me.json is not None
    assert (me.json["user"], me.json["scopes"]) == ("ada@example.com", ["credits:read"])


def test_a_form_is_refused_without_its_file_or_with_two(runtime: Runtime) -> None:
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}, "kind": {"type": "string"}},
    }

    def upload(call: Call, _: Tx) -> Reply:
        assert call.upload is not None
        return Reply({"name": call.upload.filename, "size": len(call.upload.stream.read()), **call.body})

    app = application(runtime, [operation(upload, "/files", method="POST", form=form, transaction="read")])
    alice = visitor(runtime, app, "alice")

    def sent(**fields: Any) -> Any:
        return alice.ask("POST", "/files", data=fields, content_type="multipart/form-data")

    assert sent(file=(BytesIO(b"abc"), "a.csv"), kind="x").json == {"name": "a.csv", "size": 3, "kind": "x"}
    assert problem(sent(kind="x")) == (422, "invalid_request")
    assert problem(sent(file=[(BytesIO(b"1"), "a"), (BytesIO(b"2"), "b")])) == (422, "invalid_request")
    assert problem(sent(other=(BytesIO(b"1"), "a"))) == (422, "invalid_request")
    assert problem(alice.ask("POST", "/files", {"kind": "x"})) == (415, "unsupported_media_type")


def test_health_and_metrics_are_there_for_whoever_watches(runtime: Runtime, app: Flask) -> None:
    assert Client(app).get("/healthz").status_code == 503  # no worker works here
    Client(app).get("/api/v1/me")
    assert 'route="/api/v1/me",status="401"' in Client(app).get("/metrics").get_data(as_text=True)


def test_no_redirect_leads_to_where_the_host_header_says(app: Flask) -> None:
    """Behind a proxy that is the way from there to here, and with a stranger whatever he likes."""
    visitor_ = Client(app)
    assert visitor_.get("/console", headers={"Host": "evil.example"}).headers["Location"] == "/console/"
    for rule in app.url_map.iter_rules():
        path = str(rule).replace("<", "").replace(">", "").replace("path:", "")
        for other in {path.rstrip("/"), f"/{path[1:].replace('/', '//')}"} - {path, ""}:
            answer = visitor_.get(other, headers={"Host": "evil.example"})
            assert "evil" not in answer.headers.get("Location", ""), other
