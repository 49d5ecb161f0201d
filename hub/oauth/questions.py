"""Two questions of a client about its own tokens: end this one (RFC 7009), and is this one good (RFC 7662)?"""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from hub.oauth import grants, tokens
from hub.oauth.asked import BASIC, NONE, POST, Asked
from hub.oauth.clients import Client
from hub.oauth.tokens import Token


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib has no types
    """200 whether the token was known or not; another client's is refused."""

    CLIENT_AUTH_METHODS = (BASIC, POST, NONE)

    def check_params(self, request: Asked, _client: Client) -> None:
        """A hint is let be (RFC 7009 section 2.1): one index finds every token."""
        _need_token(request)

    def query_token(self, token: str, _hint: str | None) -> Token | None:
        return tokens.held(self.server.tx, token)

    def revoke_token(self, token: Token, request: Asked) -> None:
        """An access token goes alone; a refresh token takes its whole grant along."""
        if token.kind == "access":
            tokens.drop(self.server.tx, token)
        else:
            grants.end(self.server.tx, token.grant.id, "client", f"client:{request.client.id}")


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    """For clients that have a secret, about tokens of their own: of any other they learn nothing."""

    CLIENT_AUTH_METHODS = (BASIC, POST)

    def check_params(self, request: Asked, _client: Client) -> None:
        _need_token(request)

    def query_token(self, token: str, _hint: str | None) -> Token | None:
        return tokens.found(self.server.tx, token)

    def check_permission(self, token: Token, client: Client, _request: Asked) -> bool:
        return token.check_client(client)

    def create_introspection_payload(self, token: Token | None) -> dict[str, Any]:
        """RFC 7662 section 2.2. What the role of its person has lost since is no scope of it."""
        allowed = token.get_scope() if token and token.spent_at is None else ""
        if token is None or not allowed:
            return {"active": False}
        return {
            "active": True,
            "scope": allowed,
            "client_id": token.grant.client_id,
            "exp": token.ends_at // 1000,
            "iat": token.created_at // 1000,
            "sub": token.grant.user_id or token.grant.client_id,
            "iss": self.server.issuer,
        } | ({"token_type": "Bearer"} if token.kind == "access" else {})


def _need_token(request: Asked) -> None:
    if not request.form.get("token"):
        raise InvalidRequestError("The parameter token is missing.")
