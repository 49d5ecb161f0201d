"""Proof Key for Code Exchange (RFC 7636), S256, asked of every client: secret or none, on this machine or elsewhere (RFC 9700 section 2.1.1)."""

import re
from typing import Any, Final

from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc7636 import CodeChallenge

_S256: Final = re.compile(r"[A-Za-z0-9_\-]{43}")


class Pkce(CodeChallenge):  # type: ignore[misc]  # Authlib has no types
    """Authlib asks a challenge of nobody, takes `plain`, and notices what is missing when the code is redeemed: here it is asked first."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, _result: Any) -> None:
        """Refuse an authorization request without a challenge of S256."""
        asked = grant.request.payload.data
        if not asked.get("code_challenge"):
            raise InvalidRequestError("A code_challenge is needed: PKCE with the method S256 (RFC 7636).")
        if asked.get("code_challenge_method") != "S256":
            raise InvalidRequestError("The code_challenge_method must be S256 (RFC 7636).")
        if not _S256.fullmatch(asked["code_challenge"]):
            raise InvalidRequestError("The code_challenge must be 43 characters of base64url (RFC 7636 section 4.2).")
