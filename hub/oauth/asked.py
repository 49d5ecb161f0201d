"""A request to the provider as a value, and its form for Authlib; and the answer."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_plus

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

BASIC, POST, NONE = (
    "client_secret_basic",
    "client_secret_post",
    "none",
)  # how a client may show who it is (RFC 7591 section 2)
CHALLENGE: Final = ("WWW-Authenticate", 'Basic realm="smshub"')
# The same words for a client that nobody knows and for a wrong secret: who guesses learns nothing.
LONGEST_ID: Final = 64
UNPROVEN: Final = "The client is unknown, or its secret is wrong or missing."


@dataclass(frozen=True, slots=True)
class Asking:
    """What came. `parameters` have a value each, `repeated` names those that came more than once; url is ours, never the Host header's."""

    method: str
    url: str
    parameters: Mapping[str, str] = field(repr=False)
    repeated: frozenset[str] = frozenset()
    authorization: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out: a JSON object, or nothing and a Location."""

    status: int
    body: Mapping[str, Any]
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def location(self) -> str | None:
        return next((value for name, value in self.headers if name == "Location"), None)


class Unproven(InvalidClientError):  # type: ignore[misc]  # noqa: N818 - what the client is. Authlib has no types
    """401 however the client tried (RFC 6749 section 5.2)."""

    def __init__(self) -> None:
        super().__init__(UNPROVEN, status_code=401)

    def get_headers(self) -> list[tuple[str, str]]:
        """With the realm that RFC 7617 section 2 asks for, which Authlib leaves out."""
        return [pair for pair in super().get_headers() if pair[0] != CHALLENGE[0]] + [CHALLENGE]


class Asked(OAuth2Request):  # type: ignore[misc]
    """The request as Authlib wants it. Raises its InsecureTransportError where the hub is neither on HTTPS nor on this machine."""

    def __init__(self, asking: Asking) -> None:
        super().__init__(asking.method, asking.url)
        self.payload = BasicOAuth2Payload(dict(asking.parameters))
        self.repeated = asking.repeated
        self.asking = asking

    @property
    def form(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.payload.data
        return found

    def refuse_repeated(self) -> None:
        """No parameter may come twice (RFC 6749 sections 3.1 and 3.2): two readers could take one each."""
        if self.repeated:
            raise InvalidRequestError("A parameter came more than once.")


def credentials(asking: Asking) -> tuple[str, str | None, str]:
    """Who a client says it is: its id, its secret or None, and the method. Raises Authlib's errors.

    An Authorization header of another scheme is let be: Zapier sends the expired access token along.
    """
    client_id, given = asking.parameters.get("client_id"), asking.parameters.get("client_secret")
    scheme, _, packed = (asking.authorization or "").partition(" ")
    if scheme.lower() != "basic":
        if client_id is None:
            raise Unproven
        return client_id, given, NONE if given is None else POST
    named, secret = _unpacked(packed)
    if given is not None or client_id not in (None, named):
        raise InvalidRequestError("The client must show its secret in one way only.")
    return named, secret or None, BASIC if secret else NONE  # some write a public client so


def client_of(asking: Asking) -> str | None:
    """Whose request it claims to be, for the limits; None where it does not say."""
    try:
        return credentials(asking)[0][:LONGEST_ID]
    except OAuth2Error:
        return None


def _unpacked(packed: str) -> tuple[str, str]:
    """Each half is encoded as in a form (RFC 6749 section 2.3.1)."""
    try:
        name, colon, secret = base64.b64decode(packed.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Unproven from None
    named = unquote_plus(name)
    if not colon or not named.isprintable() or not named:
        raise Unproven
    return named, unquote_plus(secret)
