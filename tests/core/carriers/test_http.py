"""HTTP providers against real servers: what is asked of them, and looking up."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from core.carriers import http_settings
from core.carriers.contract import LONGEST_REF, Accepted, Carrier, Found, NotFound, Outcome
from core.carriers.http import HttpCarrier
from tests.core.carriers.contract_cases import CASES, attempt, sent, window
from tests.core.carriers.providers import (
    BODY,
    PLAIN,
    TAKEN,
    Behaviour,
    Heard,
    Serve,
    answers,
    closed_port,
    resets_after,
)

Open = Callable[..., HttpCarrier]
Ask = Callable[..., Outcome]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_keeps_the_contract_of_carriers(case: Callable[[Carrier], None], serve: Serve, open_carrier: Open) -> None:
    lookup = {
        "url": serve(answers(404)).url + "/{reference}",
        "found": {"statuses": [200]},
        "not_found": {"statuses": [404]},
    }
    taking = serve(answers(200, TAKEN))
    case(open_carrier(taking.url, lookup=lookup))
    assert not any("late" in heard.json["ref"] for heard in taking.heard)


def heard_of(serve: Serve, open_carrier: Open, suffix: str = "", **changes: Any) -> Heard:
    server = serve(answers(200, TAKEN))
    text = changes.pop("message", 'Été "€" {text} & \\ 100%')
    sent(open_carrier(server.url + suffix, **changes), [attempt(text=text, sender="Acme & Co")])
    return server.heard[0]


def test_a_json_body_is_filled_in_and_a_text_stays_a_text(serve: Serve, open_carrier: Open) -> None:
    heard = heard_of(serve, open_carrier)
    assert heard.method == "POST"
    assert heard.headers["content-type"] == "application/json"
    assert heard.json == {"to": "+33612345678", "from": "Acme & Co", "text": 'Été "€" {text} & \\ 100%', "ref": "m-1"}


def test_a_placeholder_alone_keeps_its_type_and_braces_are_doubled(serve: Serve, open_carrier: Open) -> None:
    body = {
        "to": ["{to_number}"],
        "text": "{{{text}}}",
        "ttl": "{validity_minutes}",
        "for": "{validity_seconds} s",
        "dlr": True,
    }
    heard = heard_of(serve, open_carrier, body=body, message="Oui")
    assert heard.json == {"to": [33612345678], "text": "{Oui}", "ttl": 2880, "for": "172800 s", "dlr": True}


def test_encodings_are_told_in_the_words_of_the_provider(serve: Serve, open_carrier: Open) -> None:
    body = BODY | {"unicode": "{encoding}"}
    assert heard_of(serve, open_carrier, body=body, encodings={"gsm7": False, "ucs2": True}).json["unicode"] is False
    assert heard_of(serve, open_carrier, body=body).json["unicode"] == "gsm7"


def test_a_form_holds_one_field_for_each_whatever_the_text(serve: Serve, open_carrier: Open) -> None:
    heard = heard_of(serve, open_carrier, body_type="form", message="a&to=0 = é+ €")
    assert heard.headers["content-type"] == "application/x-www-form-urlencoded"
    form = Heard("", f"/?{heard.body.decode()}", {}, b"", 0).query
    assert form == {"to": ["+33612345678"], "from": ["Acme & Co"], "text": ["a&to=0 = é+ €"], "ref": ["m-1"]}


def test_a_query_is_filled_in_behind_what_the_url_has(serve: Serve, open_carrier: Open) -> None:
    query = {"to": "{to}", "text": "{text}"}
    heard = heard_of(
        serve, open_carrier, "/{reference}?key=1", method="GET", body=None, query=query, message="a&b=c #/../é"
    )
    assert heard.target.startswith("/sms/m-1?")
    assert (heard.method, heard.body) == ("GET", b"")
    assert heard.query == {"key": ["1"], "to": ["33612345678"], "text": ["a&b=c #/../é"]}


def test_headers_and_credentials_go_along(serve: Serve, open_carrier: Open) -> None:
    headers = {"Idempotency-Key": "{reference}", "content-type": "application/vnd.acme+json"}
    heard = heard_of(serve, open_carrier, headers=headers, auth={"type": "basic", "username": "ü", "password": "p:w"})
    assert heard.headers["idempotency-key"] == "m-1"
    assert heard.headers["content-type"] == "application/vnd.acme+json"
    assert heard.headers["authorization"] == "Basic w7w6cDp3"
    assert (
        heard_of(serve, open_carrier, auth={"type": "bearer", "token": "t0k3n"}).headers["authorization"]
        == "Bearer t0k3n"
    )


def test_nothing_of_the_environment_goes_along(
    serve: Serve, open_carrier: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    assert "authorization" not in heard_of(serve, open_carrier).headers


def test_a_connection_serves_many_messages(serve: Serve, open_carrier: Open) -> None:
    server = serve(answers(200, TAKEN))
    carrier = open_carrier(server.url, concurrency=1)
    sent(carrier, window(20))
    assert [heard.connection for heard in server.heard] == [1] * 20


def test_a_chunked_answer_leaves_its_connection_to_the_next(serve: Serve, open_carrier: Open) -> None:
    content = json.dumps(TAKEN).encode()
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
    server = serve(lambda connection, _: connection.sendall(raw))
    outcomes = sent(open_carrier(server.url, concurrency=1), window(3))
    assert outcomes == [Accepted(f"m-{place}", "abc") for place in range(3)]
    assert {heard.connection for heard in server.heard} == {1}


def test_no_more_are_under_way_than_may_be(serve: Serve, open_carrier: Open) -> None:
    server = serve(answers(200, TAKEN))
    carrier = open_carrier(server.url, concurrency=3, lanes=1)
    assert carrier.traits.window == 3
    sent(carrier, window(60))
    assert len(server.connections) <= 3


LOOKUP = {
    "url": "/{reference}",
    "found": {"statuses": [200], "path": "/messages/0/id"},
    "not_found": {"statuses": [404], "path": "/error", "values": ["unknown"]},
    "id": "/messages/0/id",
}


def test_look_up_tells_what_the_rules_tell_and_leaves_out_the_rest(serve: Serve, open_carrier: Open) -> None:
    told: dict[str, Behaviour] = {
        "m-found": answers(200, TAKEN),
        "m-never": answers(404, {"error": "unknown"}),
        "m-wrong": answers(404, b"no such page"),
        "m-odd": answers(200, {}),
        "m-broken": answers(500, {}),
        "m-gone": resets_after(b""),
        "m/%2e é": answers(404, {"error": "unknown"}),
    }
    server = serve(lambda connection, heard: told[target(heard)](connection, heard))
    carrier = open_carrier(
        server.url,
        lookup=LOOKUP | {"url": server.url + "?ref={reference}"},
        headers={"X-Key": "k", "X-Ref": "{reference}", "X-To": "{to}"},
    )
    assert carrier.traits.looks_up
    assert carrier.lookup(list(told)) == {
        "m-found": Found("m-found", "abc"),
        "m-never": NotFound("m-never"),
        "m/%2e é": NotFound("m/%2e é"),
    }
    assert {heard.method for heard in server.heard} == {"GET"}
    assert all(heard.headers["x-key"] == "k" and "x-to" not in heard.headers for heard in server.heard)


def test_an_id_that_is_very_long_is_cut_where_it_is_looked_up_too(serve: Serve, open_carrier: Open) -> None:
    url = serve(answers(200, {"messages": [{"id": "i" * 8_000}]})).url
    assert open_carrier(url, lookup=LOOKUP | {"url": url + "?ref={reference}"}).lookup(["m-1"]) == {
        "m-1": Found("m-1", "i" * LONGEST_REF)
    }


def target(heard: Heard) -> str:
    return heard.query["ref"][0]


def test_without_look_up_nothing_is_asked(open_carrier: Open) -> None:
    carrier = open_carrier(f"http://127.0.0.1:{closed_port()}/")
    assert not carrier.traits.looks_up
    assert carrier.lookup(["m-1"]) == {}


def test_its_settings_are_its_traits(open_carrier: Open) -> None:
    traits = open_carrier(
        "https://acme.example/", concurrency=20, per_second=30, lanes=2, promises_receipts=True
    ).traits
    assert (traits.real, traits.promises_receipts, traits.window) == (True, True, 20)
    assert (traits.per_second, traits.lanes, traits.submit_timeout_ms) == (30, 2, 7000)


def test_secrets_do_not_show_in_the_settings_that_are_logged() -> None:
    entry = PLAIN | {"url": "https://acme.example/?key=k3y", "headers": {"X-Key": "k3y"}, "secret": "k3y" * 6}
    assert "k3y" not in repr(http_settings.read(entry | {"auth": {"type": "bearer", "token": "k3y"}}))


def test_only_the_secret_in_the_path_lets_a_callback_in(open_carrier: Open) -> None:
    carrier = open_carrier("https://acme.example/", secret="abcdefghijklmnop")
    assert carrier.admits("abcdefghijklmnop")
    assert not carrier.admits("abcdefghijklmnoq")
    assert not carrier.admits("é\ud800")
    assert not open_carrier("https://acme.example/").admits("")
