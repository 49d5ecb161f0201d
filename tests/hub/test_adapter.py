"""The addresses of connectors: what reaches a function, what does not, and how its reply goes out."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from werkzeug.test import Client, TestResponse

from connectors.contract import Installation, Reply, Request, Route, Visit
from core import PeerError, Refused
from hub.adapter import PUBLIC_PER_MINUTE, UNPROVEN_PER_MINUTE
from tests.support.databases import SqliteFiles
from tests.support.gadgets import GIVEN, SECRET, by_word, gadget, route
from tests.support.plugged import Plugged, plugged

WORD = {"x-word": SECRET}


class Seen:
    """A function of a connector that remembers its visits, and replies or raises what a test wants."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []
        self.outcome: Reply | BaseException = Reply({"seen": True})

    def __call__(self, visit: Visit) -> Reply:
        self.visits.append(visit)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    @property
    def request(self) -> Request:
        return self.visits[-1].asked


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def hub(sqlite_files: SqliteFiles, tmp_path: Path, seen: Seen) -> Iterator[Plugged]:
    routes: Sequence[Route] = (
        route(seen),
        route(seen, method="GET", most_bytes=10),
        route(seen, "/of/{shelf}/{place}"),
        route(seen, "/mine", auth="bearer", scope="messages:send"),
        route(seen, "/peers/{installation}/events", auth="installation", proven=by_word, most_bytes=100),
    )
    with plugged(sqlite_files.fresh(tmp_path), tmp_path, gadget(routes=routes)) as made:
        yield made


@pytest.fixture
def installed(hub: Plugged) -> Installation:
    return hub.install(hub.visitor("owner").account_id, hub.registry.get("gadget"), GIVEN)


def code(answer: TestResponse) -> tuple[int, str]:
    body = answer.get_json()
    assert answer.mimetype == "application/problem+json"
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return answer.status_code, body["code"]


def events(installation: Installation | str) -> str:
    return f"/gadget/peers/{installation if isinstance(installation, str) else installation.id}/events"


def test_a_request_comes_whole_and_by_the_public_address(hub: Plugged, seen: Seen) -> None:
    headers = {"Host": "evil.example", "X-Thing": "One", "Content-Type": "text/plain"}
    answer = hub.ask("POST", "/gadget/of/a%20shelf/b+c?x=1&y=%2B2&x=&z", data=b"\x00\xff", headers=headers)
    assert (answer.status_code, answer.get_json()) == (200, {"seen": True})
    assert (seen.request.method, seen.request.raw) == ("POST", b"\x00\xff")
    assert seen.request.url == "https://sms.example/connectors/gadget/of/a%20shelf/b+c?x=1&y=%2B2&x=&z"
    assert seen.request.query == [("x", "1"), ("y", "+2"), ("x", ""), ("z", "")]
    assert seen.request.headers["x-thing"] == "One"
    assert seen.visits[0].path == {"shelf": "a shelf", "place": "b+c"}
    assert seen.visits[0].tools.public_url == "https://sms.example"


def test_a_query_that_cannot_be_read_is_refused(hub: Plugged, seen: Seen) -> None:
    assert code(hub.ask("POST", "/gadget/thing?a=%00")) == (400, "invalid_request_line")
    assert code(hub.ask("POST", "/gadget/thing?" + "a=1&" * 60)) == (400, "invalid_request_line")
    assert seen.visits == []


def test_head_is_a_get_without_a_body_and_other_methods_are_told(hub: Plugged, seen: Seen) -> None:
    answer = hub.ask("HEAD", "/gadget/thing")
    assert (answer.status_code, answer.data, seen.request.method) == (200, b"", "HEAD")
    answer = hub.ask("DELETE", "/gadget/thing")
    assert code(answer) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
    for nowhere in ("/gadget/nothing", "/widget/thing", "/gadget", "/gadget/thing/", "/gadget/of/a%00b/c"):
        assert code(hub.ask("POST", nowhere)) == (404, "not_found")


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_not_read(hub: Plugged, seen: Seen, declared: bool) -> None:
    class Unread(BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("it was read")

    environ: dict[str, Any] = {"REMOTE_ADDR": "127.0.0.1"}
    if declared:
        sent: dict[str, Any] = {"input_stream": Unread(b"x" * 11)}
    else:  # in chunks: read no further than it may be long
        sent = {"input_stream": BytesIO(b"x" * 50)}
        environ["wsgi.input_terminated"] = True
    answer = Client(hub.app).open("/connectors/gadget/thing", method="GET", environ_overrides=environ, **sent)
    assert code(answer) == (413, "body_too_large")
    assert "10 bytes at most" in answer.get_json()["detail"]
    assert hub.ask("GET", "/gadget/thing", data=b"x" * 10).status_code == 200
    assert len(seen.visits) == 1


def test_a_caller_comes_by_a_key_and_what_it_does_is_the_connectors_doing(hub: Plugged, seen: Seen) -> None:
    alice = hub.visitor("alice")
    answer = hub.ask("POST", "/gadget/mine", headers={"Authorization": f"Bearer {alice.secret}"})
    assert answer.status_code == 200
    assert answer.headers["RateLimit"].startswith('"default";r=')
    caller = seen.visits[0].known
    assert (caller.account_id, caller.source) == (alice.account_id, "gadget")
    assert caller.actor.startswith("key:")


def test_nobody_comes_without_a_key_and_none_without_its_scope(hub: Plugged, seen: Seen) -> None:
    nobody = hub.ask("POST", "/gadget/mine")
    assert (code(nobody), nobody.headers["WWW-Authenticate"]) == ((401, "unauthenticated"), 'Bearer realm="smshub"')
    wrong = hub.ask("POST", "/gadget/mine", headers={"Authorization": "Bearer nothing"})
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]
    weak = hub.visitor("weak", scopes=["messages:read"])
    lacking = hub.ask("POST", "/gadget/mine", headers={"Authorization": f"Bearer {weak.secret}"})
    assert code(lacking) == (403, "insufficient_scope")
    assert 'scope="messages:send"' in lacking.headers["WWW-Authenticate"]
    assert "RateLimit" in lacking.headers
    assert seen.visits == []


def test_a_peer_comes_by_its_own_proof(hub: Plugged, seen: Seen, installed: Installation) -> None:
    assert hub.ask("POST", events(installed), data=b"news", headers=WORD).status_code == 200
    visit = seen.visits[0]
    assert visit.installed.settings == GIVEN
    assert (visit.asked.raw, visit.caller) == (b"news", None)
    assert visit.tools.installations.caller(visit.installed).account_id == installed.account_id


def test_a_peer_that_proves_nothing_is_401_and_an_unknown_installation_404(
    hub: Plugged, seen: Seen, installed: Installation
) -> None:
    wrong = hub.ask("POST", events(installed), headers={"x-word": "please"})
    assert code(wrong) == (401, "unauthenticated")
    assert wrong.headers["WWW-Authenticate"] == 'Signature realm="gadget"'
    assert code(hub.ask("POST", events("nobody"), headers=WORD)) == (404, "not_found")
    assert code(hub.ask("POST", events(installed.account_id), headers=WORD)) == (404, "not_found")
    assert seen.visits == []


def test_an_installation_of_another_connector_is_not_found(hub: Plugged, installed: Installation) -> None:
    with hub.runtime.begin() as tx:
        tx.connection.exec_driver_sql("UPDATE installations SET connector = 'widget'")
    assert code(hub.ask("POST", events(installed), headers=WORD)) == (404, "not_found")


def test_whoever_is_often_wrong_waits_and_others_do_not(hub: Plugged, installed: Installation) -> None:
    def from_(address: str, word: str, at: Installation = installed) -> int:
        headers = {"x-word": word, "X-Forwarded-For": address}
        return hub.ask("POST", events(at), headers=headers).status_code

    assert {from_("203.0.113.9", "please") for _ in range(UNPROVEN_PER_MINUTE)} == {401}
    assert from_("203.0.113.9", SECRET) == 429
    assert from_("203.0.113.10", SECRET) == 200
    neighbour = hub.install(hub.visitor("neighbour").account_id, hub.registry.get("gadget"), GIVEN)
    assert from_("203.0.113.9", SECRET, neighbour) == 200
    hub.engine.clock.forward(seconds=2)
    assert from_("203.0.113.9", SECRET) == 200
    assert from_("2001:db8::1", SECRET) == 200


def test_what_is_public_is_for_everybody_but_not_without_end(hub: Plugged) -> None:
    def from_(address: str) -> TestResponse:
        return hub.ask("POST", "/gadget/thing", headers={"X-Forwarded-For": address})

    assert {from_("203.0.113.9").status_code for _ in range(PUBLIC_PER_MINUTE)} == {200}
    late = from_("203.0.113.9")
    assert (code(late), late.headers["Retry-After"]) == ((429, "rate_limited"), "1")
    assert from_("198.51.100.1").status_code == 200
    hub.engine.clock.forward(seconds=1)
    assert from_("203.0.113.9").status_code == 200


def test_who_connected_is_told_and_believed_of_the_operators_own_proxy_alone(hub: Plugged, seen: Seen) -> None:
    for connected, forwarded, remote in (
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
    ):
        headers = {"X-Forwarded-For": forwarded}
        hub.ask("POST", "/gadget/thing", headers=headers, environ_overrides={"REMOTE_ADDR": connected})
        assert seen.request.remote == remote


def test_a_refusal_is_a_problem_with_its_faults(hub: Plugged, seen: Seen) -> None:
    seen.outcome = Refused.at("/to", "invalid_number", "This is no number.")
    answer = hub.ask("POST", "/gadget/thing")
    assert code(answer) == (422, "invalid_number")
    assert answer.get_json()["errors"] == [{"pointer": "/to", "message": "This is no number."}]


def test_a_peer_that_fails_is_502(hub: Plugged, seen: Seen) -> None:
    seen.outcome = PeerError("unavailable", "the CRM does not answer")
    answer = hub.ask("POST", "/gadget/thing")
    assert code(answer) == (502, "peer_failed")
    assert "the CRM does not answer" in answer.get_json()["detail"]


@pytest.mark.parametrize("bug", [LookupError("+33612345678"), SystemExit(3), Reply(object()), RecursionError()])
def test_a_bug_is_a_500_for_that_request_alone(hub: Plugged, seen: Seen, bug: Any) -> None:
    seen.outcome = bug
    with capture_logs() as entries:
        answer = hub.ask("POST", "/gadget/thing")
    assert code(answer) == (500, "internal_error")
    assert "33612345678" not in answer.get_data(as_text=True)
    assert [entry["event"] for entry in entries] == ["request.failed", "request"]
    seen.outcome = Reply({})
    assert hub.ask("POST", "/gadget/thing").status_code == 200


@pytest.mark.parametrize(
    "reply, body, kind",
    [
        (Reply({"a": [1, None]}), b'{"a":[1,null]}', "application/json"),
        (Reply(None), b"null", "application/json"),
        (Reply(b'{"raw":1}'), b'{"raw":1}', "application/json"),
        (Reply("<p>é", media_type="text/html; charset=utf-8"), "<p>é".encode(), "text/html; charset=utf-8"),
        (Reply(b"\x00", media_type="application/octet-stream"), b"\x00", "application/octet-stream"),
        (Reply(iter([b"a", b"b"]), media_type="text/csv"), b"ab", "text/csv"),
        (Reply(None, media_type="text/plain"), b"", "text/plain"),
        (Reply(None, 204), b"", None),
    ],
)
def test_a_reply_goes_out_as_what_it_is(hub: Plugged, seen: Seen, reply: Reply, body: bytes, kind: str | None) -> None:
    seen.outcome = reply
    answer = hub.ask("POST", "/gadget/thing")
    assert (answer.status_code, answer.data, answer.headers.get("Content-Type")) == (reply.status, body, kind)


def test_a_reply_may_lead_elsewhere_and_be_framed(hub: Plugged, seen: Seen) -> None:
    seen.outcome = Reply(None, 302, "text/plain", {"Location": "https://crm.example/done"})
    assert hub.ask("POST", "/gadget/thing").headers["Location"] == "https://crm.example/done"
    policy = "frame-ancestors https://crm.example"
    seen.outcome = Reply("<p>", media_type="text/html", headers={"Content-Security-Policy": policy})
    answer = hub.ask("POST", "/gadget/thing")
    assert answer.headers.getlist("Content-Security-Policy") == [policy]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    seen.outcome = Reply({})
    plain = hub.ask("POST", "/gadget/thing").headers["Content-Security-Policy"]
    assert plain == "default-src 'none'; frame-ancestors 'none'"


def test_the_log_has_the_template_of_the_path(hub: Plugged, installed: Installation) -> None:
    with capture_logs() as entries:
        hub.ask("POST", events(installed), headers=WORD)
        hub.ask("POST", "/gadget/of/33612345678/b")
    routes = [entry["route"] for entry in entries]
    assert routes == [
        "/connectors/gadget/peers/<installation>/events",
        "/connectors/gadget/of/<shelf>/<place>",
    ]
    assert "33612345678" not in str(entries)
    assert SECRET not in str(entries)
