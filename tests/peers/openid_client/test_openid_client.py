"""The whole flow with npm openid-client, which looks at everything that it is told, against a hub that listens on 127.0.0.1."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.openid_client import ClientError, OpenidClient
from tests.support.provider import ANN, App
from tests.support.provider_site import Site, listening

pytestmark = pytest.mark.peer
SCOPE = "messages:read webhooks:manage"


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    with listening(database_url, tmp_path) as made:
        yield made


@pytest.fixture
def peer() -> Iterator[OpenidClient]:
    with OpenidClient() as made:
        yield made


@pytest.mark.parametrize("auth", ["basic", "post", "none"])
def test_openid_client_goes_all_the_way(site: Site, peer: OpenidClient, auth: str) -> None:
    app = site.hub.register(public=auth == "none")
    found = peer("discover", issuer=site.base, client_id=app.id, client_secret=app.secret, auth=auth)
    assert found["issuer"] == site.base
    tokens = connected(site, peer, app)
    assert (tokens["token_type"], tokens["scope"], tokens["expires_in"]) == ("bearer", SCOPE, 3600)
    me = peer("resource", url=f"{site.base}/api/v1/me", token=tokens["access_token"])
    assert (me["status"], me["body"]["user"]) == (200, ANN)
    fresh = peer("refresh", token=tokens["refresh_token"])
    assert fresh["refresh_token"] != tokens["refresh_token"]
    first, second = peer("refresh_twice", token=fresh["refresh_token"])  # as two workers of one application do
    assert first["refresh_token"] == second["refresh_token"]
    if auth != "none":
        assert peer("introspect", token=first["access_token"])["active"] is True
    peer("revoke", token=first["refresh_token"])
    with pytest.raises(ClientError) as refused:
        peer("refresh", token=first["refresh_token"])
    assert (refused.value.name, refused.value.error) == ("ResponseBodyError", "invalid_grant")
    with pytest.raises(ClientError) as gone:
        peer("resource", url=f"{site.base}/api/v1/me", token=fresh["access_token"])
    assert gone.value.name == "WWWAuthenticateChallengeError"


def test_openid_client_takes_no_for_an_answer(site: Site, peer: OpenidClient) -> None:
    app = site.hub.register(scopes=["messages:read"])
    peer("discover", issuer=site.base, client_id=app.id, client_secret=app.secret, auth="basic")
    back = site.ann.refused(begun(peer, app, "nonsense"))
    with pytest.raises(ClientError) as refused:
        peer("finish", url=back)
    assert (refused.value.name, refused.value.error) == ("AuthorizationResponseError", "invalid_scope")


def test_openid_client_would_notice_another_issuer_and_another_state(site: Site, peer: OpenidClient) -> None:
    app = site.hub.register()
    peer("discover", issuer=site.base, client_id=app.id, client_secret=app.secret, auth="basic")
    back = site.ann.allows(begun(peer, app))
    for old, new in (("iss=http", "iss=https"), ("state=", "state=x")):
        with pytest.raises(ClientError, match="invalid response encountered"):
            peer("finish", url=back.replace(old, new))
    assert peer("finish", url=back)["access_token"]


def test_openid_client_acts_by_itself(site: Site, peer: OpenidClient) -> None:
    app = site.hub.register("Nightly", (), account_id=site.hub.account.id)
    peer("discover", issuer=site.base, client_id=app.id, client_secret=app.secret, auth="basic")
    tokens = peer("alone", scope="stats:read")
    assert peer("introspect", token=tokens["access_token"])["sub"] == app.id
    peer("discover", issuer=site.base, client_id=app.id, client_secret="wrong", auth="basic")
    with pytest.raises(ClientError) as refused:
        peer("alone", scope="stats:read")
    assert refused.value.name == "WWWAuthenticateChallengeError"


def begun(peer: OpenidClient, app: App, scope: str = SCOPE) -> Any:
    return peer("begin", redirect_uri=app.redirect_uri, scope=scope)


def connected(site: Site, peer: OpenidClient, app: App) -> Any:
    return peer("finish", url=site.ann.allows(begun(peer, app)))
