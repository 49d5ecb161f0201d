"""The three flows that are offered, on our storage: a code with PKCE, a refresh token, and a client by itself.

Not the implicit one, and no passwords of people (RFC 9700 sections 2.1.2 and 2.4). Each is Authlib's, with what it leaves to its user.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant

from hub.oauth import codes, grants, scopes, secret, tokens
from hub.oauth.asked import BASIC, NONE, POST, Asked
from hub.oauth.clients import Client
from hub.oauth.codes import Code
from hub.oauth.grants import Grant
from hub.oauth.tokens import Token

WRONG_CODE: Final = "The code is unknown, too old, used, or another client's."
WRONG_REFRESH: Final = "The refresh token is unknown, too old, used, revoked, or another client's."
NOTHING_LEFT: Final = "Whoever consented may not let an application do any of this any more."


@dataclass(frozen=True, slots=True)
class Giver:
    """Who consents."""

    user_id: str
    account_id: str
    role: str


class ByCode(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """Authorization code (RFC 6749 section 4.1)."""

    TOKEN_ENDPOINT_AUTH_METHODS = (BASIC, POST, NONE)

    @staticmethod
    def validate_authorization_redirect_uri(request: Asked, client: Client) -> str:
        """The address to go back to. Its refusals have none themselves: nobody is sent anywhere on the word of a stranger."""
        uri = request.form.get("redirect_uri")
        if request.repeated & {"client_id", "redirect_uri"} or not uri or not client.check_redirect_uri(uri):
            raise InvalidRequestError("The redirect_uri is missing, or is not one that this client registered.")
        return uri

    def validate_requested_scope(self) -> None:
        """What is refused from here on is told to the client. The scopes themselves are compared by `Client.get_allowed_scope`."""
        self.request.refuse_repeated()

    def create_authorization_response(self, redirect_uri: str, grant_user: Giver | None) -> Any:
        """A code; `access_denied` where the person denied, or may themselves do nothing of what is asked."""
        able = grant_user if grant_user and scopes.left(self.request.scope, grant_user.role) else None
        return super().create_authorization_response(redirect_uri, able)

    def generate_authorization_code(self) -> str:
        return secret.new(self.server.runtime, secret.CODE)

    def save_authorization_code(self, code: str, request: Asked) -> None:
        """The consent, and the code that it is redeemed by."""
        tx, giver = self.server.tx, request.user
        granted = scopes.left(request.scope, giver.role)
        ends_at = tx.now + codes.LIFE_MS
        grant_id = grants.give(tx, request.client, giver.user_id, giver.account_id, granted, ends_at)
        codes.keep(tx, secret.digest(code), grant_id, request.form["redirect_uri"], request.form["code_challenge"])

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """The code, used or not, of this client: a stranger who has it can do nothing with it, not even have it revoked."""
        found = codes.held(self.server.tx, secret.digest(code))
        return found if found and found.grant.client_id == client.id else None

    def authenticate_user(self, code: Code) -> Grant:
        """Asked last, when client, address and verifier are proven: a code that was used before now ends all that came of it."""
        if code.used:
            grants.end(self.server.tx, code.grant.id, "reused", f"client:{self.request.client.id}")
            raise InvalidGrantError(WRONG_CODE)
        if not code.grant.left:
            raise InvalidGrantError(NOTHING_LEFT)
        return code.grant

    def delete_authorization_code(self, code: Code) -> None:
        codes.use(self.server.tx, code)


class ByRefresh(RefreshTokenGrant):  # type: ignore[misc]
    """Refresh token (RFC 6749 section 6): another pair for each, once."""

    TOKEN_ENDPOINT_AUTH_METHODS = (BASIC, POST, NONE)
    INCLUDE_NEW_REFRESH_TOKEN = True

    made: Mapping[str, Any]

    def authenticate_refresh_token(self, plain: str) -> Token:
        """The token, spent or not, of this client: a stranger who has it can do nothing with it, not even have it revoked."""
        found = tokens.held(self.server.tx, plain)
        if found is None or found.kind != "refresh" or not found.check_client(self.request.client):
            raise InvalidGrantError(WRONG_REFRESH)
        return found

    def create_token_response(self) -> Any:
        """A new pair; for a token that was spent just now the pair that it was spent on, and for one spent before the end of its grant."""
        token = self.request.refresh_token
        if token.spent_at is None:
            return super().create_token_response()
        again = tokens.successor(self.server.tx, token, self.request.form["refresh_token"])
        if again is None:
            grants.end(self.server.tx, token.grant.id, "reused", f"client:{self.request.client.id}")
            raise InvalidGrantError(WRONG_REFRESH)
        return 200, again, self.TOKEN_RESPONSE_HEADER

    def authenticate_user(self, token: Token) -> Grant:
        if not token.get_scope():
            raise InvalidGrantError(NOTHING_LEFT)
        return token.grant

    def issue_token(self, user: Grant, refresh_token: Token) -> Mapping[str, Any]:
        self.made = super().issue_token(user, refresh_token)
        return self.made

    def revoke_old_credential(self, token: Token) -> None:
        tokens.spend(self.server.tx, token, self.request.form["refresh_token"], self.made)


class BySelf(ClientCredentialsGrant):  # type: ignore[misc]
    """Client credentials (RFC 6749 section 4.4), for the account that the operator registered the client for."""

    TOKEN_ENDPOINT_AUTH_METHODS = (BASIC, POST)

    def validate_token_request(self) -> None:
        super().validate_token_request()
        if self.request.client.get_allowed_scope(self.request.form.get("scope")) is None:
            raise InvalidScopeError
        self.request.user = grants.by_itself(self.server.tx, self.request.client)
        if self.request.user is None:
            raise UnauthorizedClientError("The account took back what this client might do.")
