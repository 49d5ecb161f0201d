"""The OAuth 2.0 provider: Authlib's protocol on our own storage, and what Authlib leaves open closed (docs/oauth.md has the list).

One Provider serves one request inside one transaction. An error of the protocol is an answer, so what it did (ending a grant whose
token was replayed) is committed with it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError

from core import Runtime, Tx
from hub.oauth import clients, tokens
from hub.oauth.asked import Answer, Asked, Asking, Unproven, credentials
from hub.oauth.clients import Client
from hub.oauth.flows import ByCode, ByRefresh, BySelf, Giver
from hub.oauth.pkce import Pkce
from hub.oauth.questions import Introspection, Revocation

# Authlib writes whole tokens into its log where somebody listens at that level.
logging.getLogger("authlib").setLevel(logging.INFO)

SEE_OTHER = 303


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked: may this client do these things, and be told so at this address?"""

    client: Client
    scopes: str
    redirect_uri: str


class Provider(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """Authlib's server, bound to a transaction. `issuer` is SMSHUB_PUBLIC_URL."""

    def __init__(self, runtime: Runtime, tx: Tx, issuer: str) -> None:
        super().__init__()
        self.runtime, self.tx, self.issuer = runtime, tx, issuer
        self.register_grant(ByCode, [Pkce()])
        self.register_grant(ByRefresh)
        self.register_grant(BySelf)
        self.register_endpoint(Revocation)
        self.register_endpoint(Introspection)

    def question(self, asking: Asking) -> Question | Answer:
        """What an authorization request asks of a person; or the answer to one that can't be: without a Location it is for the person."""
        try:
            grant = self.get_consent_grant(Asked(asking))
        except OAuth2Error as error:
            return self._refused(error)
        return Question(grant.request.client, grant.request.scope, grant.redirect_uri)

    def decided(self, asking: Asking, giver: Giver | None) -> Answer:
        """The answer to the client: a code from who consents, `access_denied` from nobody. As `question` where it can't be asked."""

        def work(asked: Asked) -> Answer:
            grant = self.get_consent_grant(asked)
            answer: Answer = self.create_authorization_response(asked, giver, grant)
            return answer

        return self._answered(asking, work)

    def token(self, asking: Asking) -> Answer:
        """The token endpoint."""
        return self._answered(asking, self.create_token_response, strict=True)

    def revocation(self, asking: Asking) -> Answer:
        """The revocation endpoint (RFC 7009)."""
        name = Revocation.ENDPOINT_NAME
        return self._answered(asking, lambda asked: self.create_endpoint_response(name, asked), strict=True)

    def introspection(self, asking: Asking) -> Answer:
        """The introspection endpoint (RFC 7662)."""
        name = Introspection.ENDPOINT_NAME
        return self._answered(asking, lambda asked: self.create_endpoint_response(name, asked), strict=True)

    def _answered(self, asking: Asking, work: Callable[[Asked], Answer], *, strict: bool = False) -> Answer:
        try:
            asked = Asked(asking)
            if strict:
                asked.refuse_repeated()
            return work(asked)
        except OAuth2Error as error:
            return self._refused(error)

    def _refused(self, error: OAuth2Error) -> Answer:
        answer: Answer = self.handle_error_response(None, error)
        return answer

    # What Authlib asks of whoever uses it.

    def query_client(self, client_id: str) -> Client | None:
        return clients.find(self.tx, client_id)

    def authenticate_client(self, request: Asked, methods: Sequence[str], _endpoint: str = "token") -> Client:
        """The client that proves to be one, by a method of this endpoint; Authlib asks that of the token endpoint alone."""
        client_id, given, method = credentials(request.asking)
        client = clients.proven(self.tx, client_id, given)
        if client is None or method not in methods:
            raise Unproven
        request.auth_method = method
        return client

    def get_authorization_grant(self, request: Asked) -> Any:
        """Authlib's words for another response type quote the request, and it breaks on some characters in them."""
        if request.form.get("response_type") in ByCode.RESPONSE_TYPES:
            return super().get_authorization_grant(request)
        client = self.query_client(request.form.get("client_id", ""))
        if client is None:
            raise InvalidClientError(_NO_CLIENT)
        known = ByCode.validate_authorization_redirect_uri(request, client)
        raise OAuth2Error(_ONLY_CODE, redirect_uri=known, error="unsupported_response_type")

    def get_token_grant(self, request: Asked) -> Any:
        """A missing grant type is another error than an unknown one (RFC 6749 section 5.2)."""
        if request.form.get("grant_type") is None:
            raise InvalidRequestError("The parameter grant_type is missing.")
        if request.form["grant_type"] not in _GRANT_TYPES:
            raise OAuth2Error(_ONLY_THESE, error="unsupported_grant_type")
        return super().get_token_grant(request)

    def generate_token(self, client: Client, scope: str | None, include_refresh_token: bool, **_more: Any) -> Any:
        return tokens.draw(self.runtime, scope or client.scopes, refresh=include_refresh_token)

    def save_token(self, token: Mapping[str, Any], request: Asked) -> None:
        tokens.keep(self.tx, request.user, token)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: Asked) -> Asked:
        return request

    def handle_response(self, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> Answer:
        """Back to the client with who answers (`iss`, RFC 9207), and never so that a form is posted on (RFC 9700 section 4.12)."""
        named = dict(headers)
        if "Location" in named:
            return Answer(SEE_OTHER, {}, (("Location", add_params_to_uri(named["Location"], [("iss", self.issuer)])),))
        return Answer(status, body or {}, tuple(headers))


_GRANT_TYPES = (ByCode.GRANT_TYPE, ByRefresh.GRANT_TYPE, BySelf.GRANT_TYPE)
_NO_CLIENT = "The client_id is missing, or is not one that is registered here."
_ONLY_CODE = "The response_type must be code."
_ONLY_THESE = f"The grant_type must be one of {', '.join(_GRANT_TYPES)}."
