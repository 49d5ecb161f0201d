"""The token endpoint read strictly: what it takes, what it refuses, and that it speaks RFC 6749 whatever goes wrong."""

import base64
import logging
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from core import Database
from hub.console import house
from hub.oauth import clients, endpoints
from hub.oauth.parameters import LONGEST
from tests.support.provider import BACK, VERIFIER, Provider
from tests.support.web import settings
from tests.support.world import runtime_on

TOKEN = "/oauth/token"
ENDPOINTS = (TOKEN, "/oauth/revoke", "/oauth/introspect")
FORM = "application/x-www-form-urlencoded"
NUL = base64.b64encode(b"a%00b:secret").decode()  # PostgreSQL can't look it up


def is_of_oauth(answer: Any, status: int, error: str) -> bool:
    """Whether an answer is an error as RFC 6749 section 5.2 has them."""
    assert answer.headers["Content-Type"] == "application/json", answer.text
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert set(answer.json) == {"error", "error_description"}, answer.json
    assert answer.json["error_description"].isascii()
    return (answer.status_code, answer.json["error"]) == (status, error)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_what_is_no_post_of_a_form_or_json_is_refused_in_words_of_oauth(hub: Provider, path: str) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = hub.http.open(path, method=method)
        assert is_of_oauth(answer, 405, "invalid_request")
        assert answer.headers["Allow"] == "POST"
    for content_type, body in {
        "": b"grant_type=x",
        "text/plain": b"grant_type=x",
        "multipart/form-data; boundary=x": b"--x--",
        FORM: b"a=%ff",
        f"{FORM} ": b"a=%00&b=%0a",
        f"{FORM};charset=utf-8": "a=é".encode(),
        "application/json": b"[]",
        "application/json; charset=utf-8": b'{"grant_type": 1}',
    }.items():
        assert is_of_oauth(hub.http.post(path, data=body, content_type=content_type), 400, "invalid_request"), body
    for body in (
        b"",
        b"{",
        b'{"a": "x", "a": "y"}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\n"}',
        b'{"a": "\\ud800"}',
        b"[" * 9_000,
        b"NaN",
    ):
        assert is_of_oauth(hub.http.post(path, data=body, content_type="application/json"), 400, "invalid_request")
    assert is_of_oauth(hub.http.post(path, data=b"a=" + b"x" * LONGEST, content_type=FORM), 413, "invalid_request")
    many = "&".join(f"p{n}=1" for n in range(100)).encode()
    assert is_of_oauth(hub.http.post(path, data=many, content_type=FORM), 400, "invalid_request")


def test_parameters_in_the_address_are_refused(hub: Provider) -> None:
    """Fails without `endpoints.posted`: Authlib's part for Flask takes client_id and grant_type from the address too."""
    app = hub.register()
    fields = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER}
    code = hub.consents(app)["code"]
    answer = hub.ask(f"{TOKEN}?client_id={app.id}&client_secret={app.secret}", fields | {"code": code})
    assert is_of_oauth(answer, 400, "invalid_request")
    assert hub.redeem(app, code).status_code == 200


@pytest.mark.parametrize(
    "name", ["client_id", "code", "grant_type", "scope", "redirect_uri", "code_verifier", "anything"]
)
def test_a_parameter_that_comes_twice_is_refused(hub: Provider, name: str) -> None:
    """Fails without `Asked.refuse_repeated`: Authlib takes the first, and another reader may take the last."""
    app = hub.register()
    code = hub.consents(app)["code"]
    asked = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER, "code": code}
    fields = app.credentials | asked | {"anything": "x", "scope": "stats:read"}
    answer = hub.ask(TOKEN, fields | {name: [fields[name], fields[name]]})
    assert is_of_oauth(answer, 400, "invalid_request")
    assert hub.redeem(app, code).status_code == 200  # nothing was used up


def test_an_unknown_client_and_a_wrong_secret_are_told_with_the_same_words(hub: Provider) -> None:
    """Fails without `Provider.authenticate_client`: Authlib says of one that it does not exist, and of the other what it could not do."""
    app, public = hub.register(), hub.register("Public", public=True)
    tried = [
        {"client_id": "nobody", "client_secret": "x"},
        {"client_id": app.id, "client_secret": "wrong"},
        {"client_id": app.id, "client_secret": f"{app.secret}x"},
        {"client_id": "nobody"},
        {"client_id": app.id},
        {"client_id": app.id, "client_secret": ""},
        {"client_id": public.id, "client_secret": "x"},
        {"client_secret": "x"},
        {},
    ]
    for path in ENDPOINTS:
        asked = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
        answers = [hub.ask(path, asked | one, network=f"192.0.2.{place}") for place, one in enumerate(tried)]
        assert {answer.data for answer in answers} == {answers[0].data}
        assert all(is_of_oauth(answer, 401, "invalid_client") for answer in answers)
        assert {answer.headers["WWW-Authenticate"] for answer in answers} == {'Basic realm="smshub"'}


@pytest.mark.parametrize(
    "packed", ["", "x", "=", "YQ==", "Og==", "OnNlY3JldA==", base64.b64encode(b"\xff:\xfe").decode(), NUL]
)
def test_a_basic_header_that_makes_no_sense_is_nobodys(hub: Provider, packed: str) -> None:
    """Fails without `asked._unpacked`: Authlib breaks on bytes that are no UTF-8."""
    answer = hub.ask(TOKEN, {"grant_type": "refresh_token"}, headers={"Authorization": f"Basic {packed}"})
    assert is_of_oauth(answer, 401, "invalid_client")


def test_a_secret_is_shown_in_one_way_only(hub: Provider) -> None:
    app, other = hub.register(), hub.register("Other")
    basic = base64.b64encode(f"{app.id}:{app.secret}".encode()).decode()
    for more in (app.credentials, {"client_secret": "x"}, {"client_id": other.id}):
        answer = hub.ask(TOKEN, {"grant_type": "refresh_token"} | more, headers={"Authorization": f"Basic {basic}"})
        assert is_of_oauth(answer, 400, "invalid_request"), more
    named = {"grant_type": "refresh_token", "client_id": app.id, "refresh_token": "x"}
    answer = hub.ask(TOKEN, named, headers={"Authorization": f"Basic {basic}"})
    assert is_of_oauth(answer, 400, "invalid_grant")


@pytest.mark.parametrize(
    "kind", ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", 'pass"word', "é"]
)
def test_other_flows_are_not_offered(hub: Provider, kind: str) -> None:
    app = hub.register()
    asked = {"username": "ann@example.com", "password": "correct horse battery"}
    assert is_of_oauth(hub.token(app, grant_type=kind, **asked), 400, "unsupported_grant_type")
    assert is_of_oauth(hub.token(app, grant_type=None), 400, "invalid_request")


def test_a_database_that_is_away_is_told_in_words_of_oauth() -> None:
    runtime, app = runtime_on(Database("postgresql://nobody@127.0.0.1:1/nowhere")), Flask("hub")
    house.build(app, runtime, settings())
    endpoints.register(app, runtime, settings())
    answer: Any = app.test_client().post(TOKEN, data={"grant_type": "refresh_token", "client_id": "x"})
    assert is_of_oauth(answer, 503, "temporarily_unavailable")
    assert answer.headers["Retry-After"] == "5"


def test_a_bug_is_told_in_words_of_oauth(hub: Provider) -> None:
    app = hub.register()
    with hub.runtime.begin() as tx:
        tx.execute(text("DROP TABLE oauth_clients"))
    answer = hub.token(app, grant_type="refresh_token", refresh_token="x")
    assert is_of_oauth(answer, 500, "server_error")


def test_no_token_stands_in_the_log_at_any_level(hub: Provider, caplog: pytest.LogCaptureFixture) -> None:
    """Fails without the level that `hub.oauth.provider` sets: Authlib tells of each token it made, and whole ones."""
    with caplog.at_level(logging.DEBUG):
        app = hub.register()
        tokens = hub.tokens(app)
        second: Any = hub.refresh(app, tokens["refresh_token"]).json
    for one in (tokens["access_token"], tokens["refresh_token"], second["access_token"], str(app.secret)):
        assert one not in caplog.text


def test_a_secret_that_was_rotated_goes_on_for_a_day_unless_it_should_not(hub: Provider) -> None:
    app = hub.register()
    asked = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": app.id}

    def proves(secret: str | None) -> bool:
        return hub.ask(TOKEN, asked | {"client_secret": secret or ""}).status_code == 400  # and not 401

    with hub.runtime.begin() as tx:
        second = clients.rotate(hub.runtime, tx, app.id, "test")
    assert proves(app.secret)
    assert proves(second)
    hub.clock.forward(days=1)
    assert not proves(app.secret)
    with hub.runtime.begin() as tx:
        third = clients.rotate(hub.runtime, tx, app.id, "test", at_once=True)
    assert [proves(one) for one in (app.secret, second, third)] == [False, False, True]
