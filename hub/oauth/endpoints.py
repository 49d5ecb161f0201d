"""What applications ask: /oauth/token, /oauth/revoke, /oauth/introspect, and the document that names them (RFC 8414).

Form or JSON in, JSON out; errors are those of RFC 6749 section 5.2, whatever goes wrong, and never problem details.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from core import Runtime, outages
from hub.access import REQUEST_ID
from hub.console import network
from hub.oauth import parameters, scopes
from hub.oauth.asked import BASIC, NONE, POST, Answer, Asking, client_of
from hub.oauth.limits import Limits
from hub.oauth.provider import Provider
from hub.outage import Outages
from hub.settings import Settings

TOKEN, REVOKE, INTROSPECT, AUTHORIZE = "/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/authorize"
METADATA: Final = "/.well-known/oauth-authorization-server"
EVERY_METHOD: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
HEADERS: Final[Mapping[str, str]] = {"Cache-Control": "no-store", "Pragma": "no-cache"}

Serve = Callable[[Provider, Asking], Answer]
log = structlog.get_logger()


def register(app: Flask, runtime: Runtime, settings: Settings) -> None:
    """Add the endpoints. The pages that go with them are `hub.oauth.pages`."""
    desk = Desk(runtime, settings, Limits(settings), Outages())
    for path, serve in ((TOKEN, Provider.token), (REVOKE, Provider.revocation), (INTROSPECT, Provider.introspection)):
        app.add_url_rule(path, endpoint=f"oauth {path}", view_func=desk.view(serve), methods=EVERY_METHOD)
    known = orjson.dumps(metadata(settings.public_url))
    app.add_url_rule(METADATA, endpoint="oauth metadata", view_func=lambda: _json(200, known), methods=["GET"])


@dataclass(frozen=True, slots=True)
class Desk:
    """Where requests come in, from a limit to an answer."""

    runtime: Runtime
    settings: Settings
    limits: Limits
    outages: Outages

    def view(self, serve: Serve) -> Callable[[], Response]:
        """The view of an endpoint."""

        def view() -> Response:
            try:
                return self._answered(serve)
            except ValueError as wrong:
                return error(400, "invalid_request", f"The request can't be read: {wrong}.")
            except HTTPException as wrong:
                return error(wrong.code or 400, "invalid_request", "The body is too large, or broke off.")
            except Exception as wrong:  # noqa: BLE001 - a bug, or a database that is away: told in the log, and in words of OAuth
                return self._broken(wrong)

        return view

    def _answered(self, serve: Serve) -> Response:
        if request.method != "POST":
            return error(405, "invalid_request", "Ask by POST.", {"Allow": "POST"})
        asking = posted(self.settings.public_url)
        client_id, visitor, now = client_of(asking), network.visitor(), self.runtime.clock()
        if (wait_s := self.limits.take(client_id, visitor, now)) is not None:
            return error(429, "temporarily_unavailable", "Too many requests: wait.", {"Retry-After": str(wait_s)})
        with self.runtime.begin() as tx:
            answer = serve(Provider(self.runtime, tx, self.settings.public_url), asking)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            self.limits.refused(client_id, visitor, now)
        return _json(answer.status, orjson.dumps(answer.body), dict(answer.headers))

    def _broken(self, wrong: Exception) -> Response:
        outage = outages.of(wrong)
        if outage is None:
            log.error("oauth.failed", exc_info=wrong, request_id=request.environ[REQUEST_ID])
            return error(500, "server_error", "This is our fault; the operator finds it in the log.")
        self.outages.tell(outage, wrong)
        return error(503, "temporarily_unavailable", "The hub can not reach its database.", {"Retry-After": "5"})


def posted(public_url: str) -> Asking:
    """The request that came, with the parameters of its body. Raises ValueError where it can't be read."""
    if request.query_string:
        raise ValueError("its parameters belong in its body, where no log shows them")
    request.max_content_length = parameters.LONGEST
    raw = request.get_data(cache=False)
    readers = {"application/x-www-form-urlencoded": parameters.of_form, "application/json": parameters.of_json}
    if request.mimetype not in readers:
        raise ValueError("send a form (application/x-www-form-urlencoded) or JSON")
    pairs = readers[request.mimetype](raw)
    return Asking(
        method="POST",
        url=f"{public_url}{request.path}",
        parameters=parameters.given(pairs),
        repeated=parameters.repeated(pairs),
        authorization=request.headers.get("Authorization"),
    )


def error(status: int, code: str, description: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error in the form of RFC 6749 section 5.2."""
    return _json(status, orjson.dumps({"error": code, "error_description": description}), headers)


def metadata(public_url: str) -> Mapping[str, Any]:
    """RFC 8414 section 2; `iss` comes with RFC 9207."""
    return {
        "issuer": public_url,
        "authorization_endpoint": f"{public_url}{AUTHORIZE}",
        "token_endpoint": f"{public_url}{TOKEN}",
        "revocation_endpoint": f"{public_url}{REVOKE}",
        "introspection_endpoint": f"{public_url}{INTROSPECT}",
        "scopes_supported": list(scopes.GRANTABLE),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [BASIC, POST, NONE],
        "revocation_endpoint_auth_methods_supported": [BASIC, POST, NONE],
        "introspection_endpoint_auth_methods_supported": [BASIC, POST],
        "authorization_response_iss_parameter_supported": True,
    }


def _json(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, {**HEADERS, **(headers or {})}, content_type="application/json")
