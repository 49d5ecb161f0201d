"""What a client may ask about its own tokens: /oauth/revoke (RFC 7009) and /oauth/introspect (RFC 7662)."""

import base64
from typing import Any

import pytest

from tests.support.provider import App, Provider


def revoke(hub: Provider, app: App, token: str, **more: str) -> Any:
    return hub.ask("/oauth/revoke", app.credentials | {"token": token} | more)


def introspect(hub: Provider, app: App, token: str, **more: str) -> Any:
    return hub.ask("/oauth/introspect", app.credentials | {"token": token} | more)


def test_a_revoked_refresh_token_takes_everything_along(hub: Provider) -> None:
    app = hub.register()
    tokens = hub.tokens(app)
    answer = revoke(hub, app, tokens["refresh_token"])
    assert (answer.status_code, answer.json) == (200, {})
    assert hub.me(tokens["access_token"]).status_code == 401
    assert hub.refresh(app, tokens["refresh_token"]).status_code == 400
    assert [row.ended_reason for row in hub.grants()] == ["client"]


def test_a_revoked_access_token_goes_alone(hub: Provider) -> None:
    app = hub.register()
    tokens = hub.tokens(app)
    assert revoke(hub, app, tokens["access_token"]).status_code == 200
    assert hub.me(tokens["access_token"]).status_code == 401
    assert hub.refresh(app, tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "saml", '"'])
def test_a_wrong_hint_changes_nothing(hub: Provider, hint: str) -> None:
    """Fails without `Revocation.check_params`: Authlib answers 401 to a hint that it does not know."""
    app = hub.register()
    tokens = hub.tokens(app)
    assert introspect(hub, app, tokens["refresh_token"], token_type_hint=hint).json["active"] is True
    assert revoke(hub, app, tokens["access_token"], token_type_hint=hint).status_code == 200
    assert hub.me(tokens["access_token"]).status_code == 401


def test_to_revoke_what_is_unknown_or_gone_is_no_error(hub: Provider) -> None:
    app = hub.register()
    tokens = hub.tokens(app)
    for token in ("x", "smshub_at_x", "é", tokens["refresh_token"], tokens["refresh_token"], tokens["access_token"]):
        assert revoke(hub, app, token).status_code == 200


@pytest.mark.parametrize("public", [False, True])
def test_no_client_revokes_what_is_another_clients(hub: Provider, public: bool) -> None:
    app, thief = hub.register(), hub.register("Thief", public=public)
    tokens = hub.tokens(app)
    for token in (tokens["refresh_token"], tokens["access_token"]):
        answer = revoke(hub, thief, token)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")
    assert hub.me(tokens["access_token"]).status_code == 200


def test_a_public_client_revokes_its_own(hub: Provider) -> None:
    app = hub.register(public=True)
    tokens = hub.tokens(app)
    assert revoke(hub, app, tokens["refresh_token"]).status_code == 200
    assert hub.me(tokens["access_token"]).status_code == 401


def test_a_client_learns_what_its_tokens_are_good_for(hub: Provider) -> None:
    app = hub.register(scopes=["messages:send", "stats:read"])
    tokens = hub.tokens(app)
    now = hub.clock.now // 1000
    (grant,) = hub.grants()
    known = {"active": True, "scope": "messages:send stats:read", "client_id": app.id, "iat": now}
    known |= {"sub": grant.user_id, "iss": "https://sms.example"}
    access = introspect(hub, app, tokens["access_token"])
    assert access.json == known | {"exp": now + 3600, "token_type": "Bearer"}
    assert access.headers["Cache-Control"] == "no-store"
    assert introspect(hub, app, tokens["refresh_token"]).json == known | {"exp": now + 60 * 86_400}


def test_of_anything_else_it_learns_nothing(hub: Provider) -> None:
    """Fails without `Introspection.check_permission`: whose token may be asked about, Authlib leaves open."""
    app, other = hub.register(), hub.register("Other")
    old, theirs = hub.tokens(app), hub.tokens(other)
    hub.refresh(app, old["refresh_token"])
    for token in ("x", "smshub_at_x", theirs["access_token"], theirs["refresh_token"], old["refresh_token"]):
        answer = introspect(hub, app, token)
        assert (answer.status_code, answer.json) == (200, {"active": False})
    hub.clock.forward(hours=1)
    assert introspect(hub, app, old["access_token"]).json == {"active": False}


def test_who_cannot_prove_to_be_a_client_is_told_nothing(hub: Provider) -> None:
    """Fails without `Provider.authenticate_client`: Authlib asks how a client shows who it is at the token endpoint alone."""
    app, public = hub.register(), hub.register("Public", public=True)
    token = hub.tokens(public)["access_token"]
    empty = {"Authorization": f"Basic {base64.b64encode(f'{public.id}:'.encode()).decode()}"}
    tried: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"client_id": public.id}, {}),
        ({}, empty),
        ({"client_id": app.id}, {}),
        ({"client_id": app.id, "client_secret": "x"}, {}),
        ({}, {}),
    ]
    for asked, headers in tried:
        answer: Any = hub.ask("/oauth/introspect", asked | {"token": token}, headers=headers)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_a_question_without_a_token_is_refused(hub: Provider) -> None:
    app = hub.register()
    for path in ("/oauth/revoke", "/oauth/introspect"):
        for asked in ({}, {"token": ""}):
            answer: Any = hub.ask(path, app.credentials | asked)
            assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_resource_server_may_ask_by_basic(hub: Provider) -> None:
    app = hub.register()
    tokens = hub.tokens(app)
    basic = base64.b64encode(f"{app.id}:{app.secret}".encode()).decode()
    asked = {"token": tokens["access_token"]}
    answer: Any = hub.ask("/oauth/introspect", asked, headers={"Authorization": f"Basic {basic}"})
    assert answer.json["active"] is True
