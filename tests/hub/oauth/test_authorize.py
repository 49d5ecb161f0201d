"""What is refused at /oauth/authorize, and to whom it is told: to the application, or to the person where no address can be trusted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest

from hub.oauth import clients
from tests.support.provider import BACK, CHALLENGE, STATE, Provider, told

SENDER, VIEWER, BOSS = "sender@example.com", "viewer@example.com", "boss@example.com"


def refused(hub: Provider, app: Any, **changes: str | None) -> dict[str, str]:
    """What the application is told of a request that no person is asked about."""
    hub.ann.open(hub.address(app, **changes), follow=False)
    assert hub.ann.status == 303, hub.ann.page.said
    assert hub.ann.answer.headers["Location"].startswith(BACK)
    answer = told(hub.ann.answer)
    assert (answer["state"], answer["iss"]) == (STATE, "https://sms.example")
    assert "code" not in answer
    return answer


WITHOUT_PKCE: Final[Sequence[Mapping[str, str | None]]] = (
    {"code_challenge": None, "code_challenge_method": None},
    {"code_challenge": "", "code_challenge_method": ""},  # as Zapier's tool for makers of integrations sends them
    {"code_challenge": None},
    {"code_challenge_method": None},  # which means plain
    {"code_challenge_method": "plain"},
    {"code_challenge_method": "s256"},
    {"code_challenge": "too-short"},
    {"code_challenge": f"{CHALLENGE[:-1]}~"},
    {"code_challenge": f"{CHALLENGE}="},
)


@pytest.mark.parametrize("public", [False, True])
def test_a_request_without_pkce_s256_is_refused_here_for_every_client(hub: Provider, public: bool) -> None:
    """Fails without `hub.oauth.pkce`: Authlib gives a code to clients with a secret, and takes `plain` from all."""
    app = hub.register(public=public)
    for changes in WITHOUT_PKCE:
        answer = refused(hub, app, **changes)
        assert answer["error"] == "invalid_request", changes
        assert "code_challenge" in answer["error_description"]


def test_a_scope_that_is_unknown_never_given_or_not_registered_is_refused_and_not_left_out(hub: Provider) -> None:
    """Fails without `Client.get_allowed_scope`: Authlib's example quietly leaves out what it does not know."""
    app = hub.register(scopes=["messages:send", "messages:read"])
    others = ("nonsense", "credits:transfer", "messages:send account:write", "contacts:read", "*", '"', " ")
    for scope in ("messages:send admin:all", *others):
        assert refused(hub, app, scope=scope)["error"] == "invalid_scope", scope


def test_only_codes_are_given(hub: Provider) -> None:
    """Fails without `Provider.get_authorization_grant`: Authlib quotes the request, and breaks on quotes and accents."""
    app = hub.register()
    for kind in ("token", "id_token", "code token", "none", 'co"de', "codé"):
        assert refused(hub, app, response_type=kind)["error"] == "unsupported_response_type", kind


def test_a_request_without_a_response_type_is_refused(hub: Provider) -> None:
    assert refused(hub, hub.register(), response_type=None)["error"] == "unsupported_response_type"


OTHER_ADDRESSES: Final = (
    "https://app.example/back?code=polluted",
    "https://app.example/back/",
    "https://app.example/back?x=1",
    "https://app.example/back#f",
    "https://app.example/Back",
    "https://APP.example/back",
    "https://app.example/x/../back",
    "https://app.example//back",
    "https://app.example:443/back",
    "https://ann@app.example/back",
    "https://app.example@evil.example/back",
    "https://app.example.evil.example/back",
    "https://evil.example/?https://app.example/back",
    "http://app.example/back",
    "javascript:alert(1)",
    "//app.example/back",
    "https://app.example/back%0d%0aX-Evil: 1",
    "https://app.example/bäck",
    'https://app.example/"back',
    "",
    None,
)


def test_nobody_is_sent_to_an_address_that_is_not_the_registered_one_to_the_letter(hub: Provider) -> None:
    """Fails without `ByCode.validate_authorization_redirect_uri`: Authlib breaks on characters that it quotes, and takes none at all for
    the first that is registered.
    """
    app = hub.register()
    for uri in OTHER_ADDRESSES:
        hub.ann.open(hub.address(app, redirect_uri=uri), follow=False)
        assert (hub.ann.status, "Location" in hub.ann.answer.headers) == (400, False), uri
        assert "asked wrongly" in hub.ann.page.said
        assert "evil" not in f"{hub.ann.page.said} {hub.ann.page.links}"


def test_an_unknown_client_is_told_to_the_person_alone(hub: Provider) -> None:
    app = hub.register()
    for client_id in ("nobody", "", None, "'; DROP TABLE oauth_clients; --", "x" * 5000, "\0", "é"):
        for changes in ({}, {"response_type": "token"}):
            hub.ann.open(hub.address(app, client_id=client_id, **changes), follow=False)
            assert (hub.ann.status, "Location" in hub.ann.answer.headers) == (400, False), client_id


def test_a_deleted_client_is_unknown(hub: Provider) -> None:
    app = hub.register()
    with hub.runtime.begin() as tx:
        clients.delete(tx, app.id, "test")
    assert hub.ann.look(hub.address(app)) == 400


def test_a_parameter_that_comes_twice_is_refused(hub: Provider) -> None:
    """Fails without `Asked.refuse_repeated` in `ByCode.validate_requested_scope`: Authlib looks at five names only."""
    app = hub.register()
    for name in ("scope", "state", "response_type", "code_challenge", "code_challenge_method", "anything"):
        twice = f"{hub.address(app, scope='messages:send', anything='x')}&{urlencode({name: 'messages:send'})}"
        hub.ann.open(twice, follow=False)
        assert told(hub.ann.answer)["error"] == "invalid_request", name


def test_a_second_client_or_address_leads_nowhere(hub: Provider) -> None:
    app = hub.register()
    for name, value in (("client_id", "other"), ("redirect_uri", "https://evil.example/"), ("redirect_uri", BACK)):
        more = urlencode({name: value})
        for twice in (f"{hub.address(app)}&{more}", hub.address(app).replace("?", f"?{more}&")):
            hub.ann.open(twice, follow=False)
            assert (hub.ann.status, "Location" in hub.ann.answer.headers) == (400, False), more


def test_nobody_who_is_not_signed_in_is_sent_anywhere_by_a_request_that_is_wrong(hub: Provider) -> None:
    """RFC 9700 section 4.11.2: else anybody could use our address to lead people elsewhere."""
    app, stranger = hub.register(), hub.browser()
    for changes in ({"scope": "nonsense"}, {"response_type": "token"}, {"code_challenge": None}):
        stranger.open(hub.address(app, **changes), follow=False)
        assert stranger.answer.headers["Location"].startswith("/console/sign-in?next="), changes


def test_a_query_that_cannot_be_read_is_a_page_too(hub: Provider) -> None:
    for query in ("%ff=1", "a=%00", "&".join(f"p{n}=1" for n in range(100)), "x" * 40_000):
        assert hub.ann.look(f"/oauth/authorize?{query}") == 400


def test_no_other_site_frames_the_page_or_learns_its_address(hub: Provider) -> None:
    hub.ann.open(hub.address(hub.register()))
    headers = hub.ann.answer.headers
    assert (headers["X-Frame-Options"], headers["Referrer-Policy"]) == ("DENY", "no-referrer")
    assert headers["Cache-Control"] == "no-store"
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example" in policy  # Chromium follows the redirect with that in mind
    assert "script-src" not in policy


def test_a_form_that_another_site_sends_is_refused(hub: Provider) -> None:
    app = hub.register()
    for data in ({"decision": "allow"}, {"decision": "allow", "token": "made up"}):
        hub.ann.post(hub.address(app), data)
        assert (hub.ann.status, "Location" in hub.ann.answer.headers) == (403, False)
    assert hub.grants() == []


def test_the_token_of_another_visitors_form_does_not_serve(hub: Provider) -> None:
    app = hub.register()
    stranger = hub.browser()
    stranger.open("/console/sign-in")
    hub.ann.post(hub.address(app), {"decision": "allow", "token": stranger.form().fields["token"]})
    assert (hub.ann.status, hub.grants()) == (403, [])


def test_who_was_signed_out_meanwhile_gives_nothing(hub: Provider) -> None:
    app = hub.register()
    hub.ann.open(hub.address(app))
    hub.clock.forward(hours=9)
    hub.ann.send(follow=False, decision="allow")
    assert hub.ann.answer.headers["Location"].startswith("/console/sign-in?next=%2Foauth%2Fauthorize%3F")
    assert hub.grants() == []


def test_a_decision_is_the_word_allow_or_none(hub: Provider) -> None:
    for decision in ("", "yes", "deny", "ALLOW"):
        assert hub.consents(hub.register(f"Shop {decision}"), decision=decision)["error"] == "access_denied"


def test_the_state_comes_back_to_the_letter(hub: Provider) -> None:
    state = "%2B+ &=#é\"'<script>" * 20
    assert hub.consents(hub.register(), state=state)["state"] == state
    assert "state" not in hub.consents(hub.register("Two"), state=None)


def test_an_address_with_a_query_keeps_it(hub: Provider) -> None:
    app = hub.register(redirects=["https://app.example/back?tenant=7"])
    answer = hub.consents(app)
    assert answer["tenant"] == "7"
    assert hub.redeem(app, answer["code"]).status_code == 200


def test_a_program_on_the_persons_machine_may_listen_on_any_port(hub: Provider) -> None:
    """RFC 8252 section 7.3; the port alone is free, and only for public clients."""
    app = hub.register(redirects=["http://127.0.0.1:8000/back"], public=True)
    with_secret = hub.register("Server", redirects=["http://127.0.0.1:8000/back"])
    for uri, goes in (
        ("http://127.0.0.1:51004/back", True),
        ("http://127.0.0.1/back", True),
        ("http://127.0.0.1:51004/other", False),
        ("http://localhost:51004/back", False),
        ("http://127.0.0.1:51004@evil.example/back", False),
        ("https://127.0.0.1:51004/back", False),
        ("http://127.0.0.2:51004/back", False),
    ):
        assert hub.ann.look(hub.address(app, redirect_uri=uri)) == (200 if goes else 400), uri
        assert hub.ann.look(hub.address(with_secret, redirect_uri=uri)) == 400, uri


def test_what_somebodys_role_does_not_allow_they_cannot_give_and_are_told_so(hub: Provider) -> None:
    hub.user(SENDER, "sender", hub.account)
    hub.user(VIEWER, "viewer", hub.account)
    app = hub.register(scopes=["messages:send", "messages:read"])
    viewer = hub.signed_in(VIEWER)
    page = viewer.open(hub.address(app))
    assert "your role (Viewer) can’t give" in page.said
    tokens = hub.tokens(app, viewer)
    assert tokens["scope"] == "messages:read"
    assert hub.tokens(app, hub.signed_in(SENDER))["scope"] == "messages:send messages:read"


@pytest.mark.parametrize("who, role", [(VIEWER, "viewer"), (BOSS, "operator")])
def test_who_can_give_nothing_of_it_cannot_consent_at_all(hub: Provider, who: str, role: str) -> None:
    hub.user(who, role, hub.account if role == "viewer" else None)
    app = hub.register(scopes=["messages:send"])
    browser = hub.signed_in(who)
    assert "Allow" not in browser.open(hub.address(app)).words
    assert hub.consents(app, browser)["error"] == "access_denied"
    assert hub.grants() == []


def test_a_hub_that_is_neither_on_https_nor_on_this_machine_gives_nothing(database_url: str, tmp_path: Path) -> None:
    hub = Provider(database_url, tmp_path, SMSHUB_PUBLIC_URL="http://sms.example")
    app = hub.register()
    assert hub.ann.look(hub.address(app)) == 400
    assert "insecure_transport" in hub.ann.page.said
    answer: Any = hub.token(app, grant_type="refresh_token", refresh_token="x")
    assert (answer.status_code, answer.json["error"]) == (400, "insecure_transport")
    hub.close()
