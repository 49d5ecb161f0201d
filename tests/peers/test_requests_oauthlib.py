"""The whole flow with requests-oauthlib, which refuses scopes and states that are not what it asked for, against a hub that listens."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from oauthlib.oauth2 import BackendApplicationClient
from oauthlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidScopeError,
    MismatchingStateError,
)
from requests_oauthlib import OAuth2Session

from tests.support.provider import ANN, App
from tests.support.provider_site import Site, listening

pytestmark = pytest.mark.peer
SCOPE = ["messages:read", "webhooks:manage"]


@pytest.fixture
def site(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # this machine is far enough
    with listening(database_url, tmp_path) as made:
        yield made


@pytest.mark.parametrize("way", ["basic", "post", "public", "public by basic"])
def test_requests_oauthlib_goes_all_the_way(site: Site, way: str) -> None:
    app = site.hub.register(public=way.startswith("public"))
    client = session(app)
    by_basic = way.endswith("basic")
    url, _state = client.authorization_url(f"{site.base}/oauth/authorize")
    back = site.ann.allows(url)
    proof: dict[str, Any] = {"client_secret": app.secret, "include_client_id": not by_basic}
    tokens = client.fetch_token(f"{site.base}/oauth/token", authorization_response=back, **proof)
    assert tokens["scope"] == SCOPE
    assert client.get(f"{site.base}/api/v1/me").json()["user"] == ANN

    again: dict[str, Any] = {"auth": (app.id, app.secret or "")} if by_basic else app.credentials
    fresh = client.refresh_token(f"{site.base}/oauth/token", tokens["refresh_token"], **again)
    assert fresh["refresh_token"] != tokens["refresh_token"]
    assert client.get(f"{site.base}/api/v1/me").status_code == 200

    site.hub.clock.forward(minutes=1)
    with pytest.raises(InvalidGrantError):
        client.refresh_token(f"{site.base}/oauth/token", tokens["refresh_token"], **again)
    assert client.get(f"{site.base}/api/v1/me").status_code == 401


def test_requests_oauthlib_notices_another_state_and_hears_a_no(site: Site) -> None:
    client = session(site.hub.register())
    url, state = client.authorization_url(f"{site.base}/oauth/authorize")
    back = site.ann.allows(url)
    with pytest.raises(MismatchingStateError):
        client.fetch_token(f"{site.base}/oauth/token", authorization_response=back.replace(state, "another"))
    poor = session(site.hub.register("Poor", scopes=["messages:read"]))
    url, _state = poor.authorization_url(f"{site.base}/oauth/authorize")
    back = site.ann.refused(url)
    with pytest.raises(InvalidScopeError):
        poor.fetch_token(f"{site.base}/oauth/token", authorization_response=back)


def test_requests_oauthlib_acts_by_itself(site: Site) -> None:
    app = site.hub.register("Nightly", (), account_id=site.hub.account.id)
    client = OAuth2Session(client=BackendApplicationClient(app.id, scope=["stats:read"]))
    client.fetch_token(f"{site.base}/oauth/token", client_secret=app.secret)
    assert client.get(f"{site.base}/api/v1/me").json()["scopes"] == ["stats:read"]
    with pytest.raises(InvalidClientError):
        client.fetch_token(f"{site.base}/oauth/token", client_secret="wrong")


def session(app: App) -> OAuth2Session:
    return OAuth2Session(app.id, redirect_uri=app.redirect_uri, scope=SCOPE, pkce="S256")
