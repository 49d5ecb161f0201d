"""What is asked of a token endpoint, and what its answer means (RFC 6749 sections 4.4, 5 and 6). Pure.

A plain form is posted with the hub's own guarded client. Authlib's OAuth2Session is a `requests` session: it knows neither the guard of
addresses nor the deadline nor the limit of what is read, and refreshes whenever it likes.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import orjson

from connectors.contract import Issuer
from hub.hooks.schedule import retry_after
from hub.outbound import Answer

LONGEST_LIFE_MS: Final = 366 * 24 * 3600 * 1000
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,32768}")  # it stands in a header: no blank, no line end
_CODE: Final = re.compile(r"[a-z_]{1,40}")  # as RFC 6749 section 5.2 writes them: a token echoed here is not told


@dataclass(frozen=True, slots=True)
class Given:
    """Tokens as they were given. refresh_token: None where the old one stays. life_ms: None where nothing was said."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    life_ms: int | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there are none: a phrase for people, without anything of the answer but its status and error code.

    over: the grant has ended (`invalid_grant`): asking again is of no use. wait_ms: the other side said when to come back.
    """

    why: str
    over: bool = False
    wait_ms: int | None = None


def form(issuer: Issuer, fields: Mapping[str, str], client_secret: str | None) -> tuple[Mapping[str, str], bytes]:
    """Headers and body of the POST."""
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    body = {**issuer.more, **fields}
    if issuer.auth == "basic":
        pair = f"{quote_plus(issuer.client_id)}:{quote_plus(client_secret or '')}"  # section 2.3.1
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        body["client_id"] = issuer.client_id
    if issuer.auth == "post":
        body["client_secret"] = client_secret or ""
    return headers, urlencode(body).encode()


def refreshing(token: str) -> Mapping[str, str]:
    """The fields that ask for tokens with a refresh token."""
    return {"grant_type": "refresh_token", "refresh_token": token}


def by_itself(issuer: Issuer) -> Mapping[str, str]:
    """The fields that ask for a token with the client's own credentials."""
    return {"grant_type": "client_credentials"} | ({"scope": issuer.scope} if issuer.scope else {})


def read(answer: Answer, now: int) -> Given | Trouble:
    """What the endpoint said. Some servers say that they refuse with 200, and only an `error` in the body."""
    said = _object(answer)
    access, code = said.get("access_token"), str(said.get("error", ""))
    if answer.status == 200 and isinstance(access, str) and _TOKEN.fullmatch(access):
        return _given(access, said)
    why = f"it answered {answer.status}{f' ({code})' if _CODE.fullmatch(code) else ''}"
    over = code == "invalid_grant" and answer.status < 500
    without = ", without an access token" if answer.status == 200 and not code else ""
    return Trouble(f"{why}{without}", over, retry_after(answer.headers, now))


def _given(access: str, said: Mapping[str, Any]) -> Given | Trouble:
    refresh = said.get("refresh_token")
    if str(said.get("token_type", "bearer")).lower() != "bearer":
        return Trouble("it gives tokens that are not bearer tokens")
    kept = refresh if isinstance(refresh, str) and _TOKEN.fullmatch(refresh) else None
    return Given(access, kept, _life(said.get("expires_in")))


def _life(seconds: object) -> int | None:
    """How long it is good, in ms. Some servers write the number as a text."""
    try:
        life = int(float(seconds) * 1000)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return min(life, LONGEST_LIFE_MS) if life > 0 else None


def _object(answer: Answer) -> Mapping[str, Any]:
    try:
        said = orjson.loads(answer.body) if answer.whole else None
    except ValueError:
        said = None
    return said if isinstance(said, dict) else {}
