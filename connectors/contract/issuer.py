"""Who issues a third party's tokens, as a connector says it: what the hub needs to ask for new ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Issuer:
    """The token endpoint of an authorization server, and who we are there (RFC 6749 sections 2.3 and 3.2).

    client_secret: None where there is none, or where it is the operator's (the hub finds it by the client's id).
    auth: how the client proves itself: `basic` in a header, `post` in the form, `none` by its id alone.
    scope: what is asked for with the client's own credentials, word for word as this server wants it.
    more: further fields of every form (a server that wants `redirect_uri` or `scope` when it refreshes).
    """

    token_url: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    auth: Literal["basic", "post", "none"] = "basic"
    scope: str | None = None
    more: Mapping[str, str] = field(default_factory=dict)
