"""From a person's consent to a request of the API, over HTTP, as applications see it."""

import base64
from typing import Any

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc9207 import AuthorizationServerMetadata as IssMetadata

from core import accounts
from hub.oauth.identify import by_token
from tests.support.provider import ANN, BACK, STATE, VERIFIER, Provider, told


def test_a_person_consents_and_the_application_acts_for_their_account(hub: Provider) -> None:
    app = hub.register("Shop", scopes=["messages:send", "messages:read"])
    answer = hub.consents(app)
    assert (answer["state"], answer["iss"]) == (STATE, "https://sms.example")
    assert hub.ann.answer.headers["Location"].startswith(f"{BACK}?")
    tokens = hub.redeem(app, answer["code"])
    assert tokens.status_code == 200
    assert (tokens.headers["Cache-Control"], tokens.headers["Content-Type"]) == ("no-store", "application/json")
    given: Any = tokens.json
    assert (given["token_type"], given["expires_in"], given["scope"]) == ("Bearer", 3600, "messages:send messages:read")
    me: Any = hub.me(given["access_token"]).json
    assert (me["account_id"], me["user"]) == (hub.account.id, ANN)
    assert me["scopes"] == ["messages:read", "messages:send"]


def test_what_it_makes_carries_its_name_and_the_trail_names_the_grant(hub: Provider) -> None:
    tokens = hub.tokens(hub.register("Shop"))
    assert hub.hook(tokens["access_token"])["source"] == "Shop"
    caller = by_token(hub.runtime)(tokens["access_token"])
    (grant,) = hub.grants()
    assert (caller and (caller.source, caller.actor, caller.user)) == ("Shop", f"grant:{grant.id}", ANN)
    assert hub.trail("oauth.granted") == [f"user:{grant.user_id}"]


def test_the_client_of_a_connector_acts_in_its_name(hub: Provider) -> None:
    tokens = hub.tokens(hub.register("Zapier at large", connector="zapier"))
    assert hub.hook(tokens["access_token"])["source"] == "zapier"


def test_who_denies_sends_the_application_back_with_nothing(hub: Provider) -> None:
    answer = hub.consents(hub.register(), decision="deny")
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", STATE, "https://sms.example")
    assert "code" not in answer
    assert hub.grants() == []


def test_who_is_not_signed_in_signs_in_first_and_comes_back(hub: Provider) -> None:
    app = hub.register("Shop")
    browser = hub.browser()
    browser.open(hub.address(app, state="%" * 900))
    assert browser.path == "/console/sign-in"
    browser.send(email=ANN, password="correct horse battery")
    assert browser.path == "/oauth/authorize"
    assert "Let Shop act for you?" in browser.page.said
    browser.send(follow=False, decision="allow")
    assert hub.redeem(app, told(browser.answer)["code"]).status_code == 200


@pytest.mark.parametrize("language, said", [("en", "Let Shop act for you?"), ("fr", "Laisser Shop agir pour vous ?")])
def test_the_page_says_who_asks_for_what_for_which_account_and_where_it_leads(
    hub: Provider, language: str, said: str
) -> None:
    app = hub.register("Shop", scopes=["messages:send", "credits:read"])
    browser = hub.signed_in(ANN, language=language)
    page = browser.open(hub.address(app))
    assert said in page.said
    assert all(word in page.said for word in ("Acme", ANN, "app.example"))
    given = {"en": ["Send SMS", "See the credits"], "fr": ["Envoyer des SMS", "Voir les crédits"]}[language]
    assert all(words in page.said for words in given)


def test_a_public_client_has_no_secret_and_needs_none(hub: Provider) -> None:
    app = hub.register("On your desk", public=True)
    assert app.secret is None
    tokens = hub.tokens(app)
    assert hub.refresh(app, tokens["refresh_token"]).status_code == 200


def test_the_secret_may_come_by_basic_or_in_the_form(hub: Provider) -> None:
    app = hub.register()
    packed = base64.b64encode(f"{app.id}:{app.secret}".encode()).decode()
    fields = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER}
    code = hub.consents(app)["code"]
    by_basic = hub.ask("/oauth/token", fields | {"code": code}, headers={"Authorization": f"Basic {packed}"})
    assert by_basic.status_code == 200
    assert hub.redeem(app, hub.consents(app)["code"]).status_code == 200


def test_the_token_endpoint_takes_json_too(hub: Provider) -> None:
    app = hub.register()
    fields = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER}
    asked = app.credentials | fields | {"code": hub.consents(app)["code"]}
    answer: Any = hub.http.post("/oauth/token", json=asked)
    assert (answer.status_code, answer.json["token_type"]) == (200, "Bearer")


@pytest.mark.parametrize("bearer", ["smshub_at_expired", "{{bundle.authData.access_token}}", ""])
def test_a_stray_bearer_header_at_the_token_endpoint_is_let_be(hub: Provider, bearer: str) -> None:
    """Zapier sends the expired token along, and sometimes its own placeholder."""
    app = hub.register()
    tokens = hub.tokens(app)
    asked = app.credentials | {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert hub.ask("/oauth/token", asked, headers={"Authorization": f"Bearer {bearer}"}).status_code == 200


def test_a_client_by_itself_acts_for_the_account_that_it_was_registered_for(hub: Provider) -> None:
    app = hub.register("Nightly", (), scopes=["messages:read", "stats:read"], account_id=hub.account.id)
    answer: Any = hub.token(app, grant_type="client_credentials")
    assert (answer.status_code, answer.json["expires_in"], answer.json["scope"]) == (
        200,
        3600,
        "messages:read stats:read",
    )
    assert "refresh_token" not in answer.json
    me: Any = hub.me(answer.json["access_token"]).json
    assert (me["account_id"], me["user"]) == (hub.account.id, None)
    less: Any = hub.token(app, grant_type="client_credentials", scope="stats:read").json
    assert hub.me(less["access_token"]).json["scopes"] == ["stats:read"]  # type: ignore[index]


@pytest.mark.parametrize("changes", [{}, {"public": True}])
def test_a_client_without_an_account_does_nothing_by_itself(hub: Provider, changes: dict[str, Any]) -> None:
    app = hub.register(**changes)
    answer: Any = hub.token(app, grant_type="client_credentials")
    assert answer.json["error"] in {"unauthorized_client", "invalid_client"}


def test_a_client_by_itself_asks_for_no_more_than_it_has(hub: Provider) -> None:
    app = hub.register("Nightly", (), scopes=["stats:read"], account_id=hub.account.id)
    answer: Any = hub.token(app, grant_type="client_credentials", scope="stats:read messages:send")
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")


def test_the_metadata_names_what_there_is_and_is_valid(hub: Provider) -> None:
    found: Any = hub.http.get("/.well-known/oauth-authorization-server")
    assert found.headers["Content-Type"] == "application/json"
    AuthorizationServerMetadata(found.json).validate(metadata_classes=[IssMetadata])
    assert found.json["code_challenge_methods_supported"] == ["S256"]
    assert not {"credits:transfer", "account:write"} & set(found.json["scopes_supported"])
    assert set(found.json["scopes_supported"]) < set(accounts.SCOPES)
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        path = found.json[name].removeprefix("https://sms.example")
        assert hub.ask(path, {"token": "x"}).json["error"].startswith("invalid_")  # type: ignore[index]
