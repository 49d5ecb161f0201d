"""A hub that is an OAuth provider: applications to register, people who consent on the real pages, and requests to the endpoints."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask
from sqlalchemy import Row, select
from werkzeug.test import Client as Http
from werkzeug.test import TestResponse

from hub.api import hooks, me
from hub.hooks.triggers import TRIGGERS
from hub.oauth import clients, endpoints, pages, scopes
from hub.oauth.clients import Wanted
from hub.oauth.identify import by_token
from hub.oauth.tables import oauth_grants
from tests.support.browser import Browser
from tests.support.hooked import KEYS, LOOPBACK
from tests.support.pages import Pages
from tests.support.web import application

ANN = "ann@example.com"
BACK = "https://app.example/back"
STATE = "a state that nobody can guess"
VERIFIER = "a-verifier-of-at-least-43-characters-that-nobody-knows"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class App:
    """An application as its makers know it."""

    id: str
    secret: str | None
    redirect_uri: str = BACK

    @property
    def credentials(self) -> dict[str, str]:
        return {"client_id": self.id} | ({"client_secret": self.secret} if self.secret else {})


class Provider(Pages):
    """The hub; `ann` is the owner of an account, and has signed in."""

    def __init__(self, url: str, folder: Path, **changes: str) -> None:
        super().__init__(url, folder, **changes)
        self.http = Http(self.app, use_cookies=False)
        self.account = self.user(ANN)
        self.ann = self.signed_in(ANN)

    def made(self) -> Flask:
        """With a few operations only: to prepare them all takes longer than a test."""
        known = {"identify": [by_token(self.runtime)], "more_pages": pages.ROUTES, "settings": self.settings}
        app = application(self.runtime, (*me.OPERATIONS, *hooks.operations(KEYS, LOOPBACK, TRIGGERS)), **known)
        endpoints.register(app, self.runtime, self.settings)
        return app

    def register(self, name: str = "Shop", redirects: Sequence[str] = (BACK,), **changes: Any) -> App:
        """An application; with a secret, and any scope, unless told otherwise."""
        wanted = Wanted(name, redirects, changes.pop("scopes", scopes.GRANTABLE), **changes)
        with self.runtime.begin() as tx:
            made, secret = clients.create(self.runtime, tx, wanted, "test")
        return App(made.id, secret, redirects[0] if redirects else "")

    def address(self, app: App, **changes: str | None) -> str:
        """Where an application sends people."""
        asked = {
            "response_type": "code",
            "client_id": app.id,
            "redirect_uri": app.redirect_uri,
            "state": STATE,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return f"/oauth/authorize?{urlencode({name: value for name, value in (asked | changes).items() if value is not None})}"

    def consents(
        self, app: App, browser: Browser | None = None, decision: str = "allow", **changes: str | None
    ) -> dict[str, str]:
        """What the application is told when a person has decided."""
        visitor = browser or self.ann
        visitor.open(self.address(app, **changes))
        assert visitor.status == 200, visitor.page.said
        visitor.send(follow=False, decision=decision)
        assert visitor.status == 303, visitor.page.said
        return told(visitor.answer)

    def ask(self, path: str, fields: Mapping[str, str | list[str]], **options: Any) -> TestResponse:
        """A form, posted to an endpoint."""
        network = options.pop("network", "198.51.100.9")
        return self.http.post(path, data=dict(fields), environ_base={"REMOTE_ADDR": network}, **options)

    def token(self, app: App, **fields: str | None) -> TestResponse:
        """A request for tokens."""
        asked = app.credentials | fields
        return self.ask("/oauth/token", {name: value for name, value in asked.items() if value is not None})

    def redeem(self, app: App, code: str, **changes: str | None) -> TestResponse:
        """Ask for the tokens of a code."""
        asked = {"grant_type": "authorization_code", "redirect_uri": app.redirect_uri, "code_verifier": VERIFIER}
        return self.token(app, code=code, **(asked | changes))

    def refresh(self, app: App, refresh_token: str, **changes: str | None) -> TestResponse:
        return self.token(app, grant_type="refresh_token", refresh_token=refresh_token, **changes)

    def tokens(self, app: App, browser: Browser | None = None, **changes: str | None) -> Any:
        """Consent and redeem."""
        answer = self.redeem(app, self.consents(app, browser, "allow", **changes)["code"])
        assert answer.status_code == 200, answer.json
        return answer.json

    def me(self, access_token: str) -> TestResponse:
        """A request to the API."""
        return self.api("GET", "/me", access_token)

    def api(self, method: str, path: str, access_token: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {access_token}"}
        return self.http.open(f"/api/v1{path}", method=method, headers=headers, **options)

    def hook(self, access_token: str, url: str = "http://127.0.0.1:1/hook") -> dict[str, Any]:
        """A hook that an application makes."""
        answer: Any = self.api("POST", "/hooks", access_token, json={"url": url, "events": ["reply.received"]})
        assert answer.status_code == 201, answer.json
        found: dict[str, Any] = answer.json
        return found

    def grants(self) -> Sequence[Row[Any]]:
        """Every grant there is, the oldest first."""
        with self.runtime.read() as tx:
            return tx.all(select(oauth_grants).order_by(oauth_grants.c.id))


def told(answer: TestResponse) -> dict[str, str]:
    """What stands in the address that a browser is sent back to."""
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
