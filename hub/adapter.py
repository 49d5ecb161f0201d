"""/connectors/<name>/...: from a request of Flask to a Visit of a connector, and from its Reply back.

Who is let in is decided here, by the route's `auth`; a connector's function is called when that is settled. What it raises beside
Refused and PeerError is a bug of its own: a 500 for this request, and the hub goes on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from connectors.contract import Connector, Reply, Request, Route, Visit
from core import PeerError, Refused
from hub.access import REQUEST_ID
from hub.api import guard
from hub.api.entry import Asking, Entry, check_scope, refused, spent
from hub.api.limits import Buckets, Budget
from hub.api.perform import JSON, encode
from hub.console.network import address
from hub.installations.contained import contained
from hub.installations.tools import Lender
from hub.people.attempts import network_of

PUBLIC_PER_MINUTE: Final = 120  # requests of one network to the public routes of one connector
UNPROVEN_PER_MINUTE: Final = (
    60  # wrong signatures of one network for one installation: others behind the same address don't wait
)
PREFIX: Final = "/connectors"
_READABLE: Final = "/~:@!$&'()*+,;="  # what stands in a path as it is (RFC 3986 section 3.3)


def register(app: Flask, entry: Entry, lender: Lender) -> None:
    """Add the routes of all connectors."""
    limits = _Limits(Buckets(PUBLIC_PER_MINUTE), Buckets(UNPROVEN_PER_MINUTE))
    for connector in lender.book.registry.connectors:
        for route in connector.routes:
            rule = guard.flask_rule(f"{PREFIX}/{connector.name}{route.path}")
            view = _Door(entry, lender, limits, connector, route).serve
            endpoint = f"connector {connector.name} {route.method} {route.path}"
            app.add_url_rule(rule, endpoint=endpoint, view_func=view, methods=[route.method])


@dataclass(frozen=True, slots=True)
class _Limits:
    """How often a network may ask what is for everybody, and how often it may be wrong about who it is."""

    public: Buckets
    unproven: Buckets


@dataclass(frozen=True, slots=True)
class _Door:
    """The door of one route."""

    entry: Entry
    lender: Lender
    limits: _Limits
    connector: Connector
    route: Route

    def serve(self, **path: str) -> Response:
        """The view."""
        asking = Asking(request.headers.get("Authorization"), request.path, request.environ[REQUEST_ID])
        budget = None
        try:
            visit, budget = self._let_in(self._asked(guard.path_values(path)), asking)
            spent(budget)
            if visit.caller is not None:
                check_scope(self.route.scope, visit.caller)
            with contained():
                return _response(self.route.handler(visit), budget)
        except Refused as refusal:
            return self._told(refusal, asking, budget)
        except PeerError as error:
            detail = f"This needs another server, and that one failed: {error.detail}."
            return self._told(Refused("peer_failed", detail), asking, budget)

    def _let_in(self, visit: Visit, asking: Asking) -> tuple[Visit, Budget]:
        """Who it is, and what is left of their requests with this one taken."""
        if self.route.auth == "bearer":
            caller, budget = self.entry.enter(asking.authorization)
            # What a caller has done here is the connector's doing.
            return replace(visit, caller=replace(caller, source=self.connector.name)), budget
        now = self.lender.runtime.clock()
        network = f"{self.connector.name} {network_of(visit.asked.remote)}"
        if self.route.auth == "public":
            return visit, self.limits.public.take(network, now)
        found = visit.tools.installations.get(visit.path["installation"])
        tries = f"{found.id} {network}"
        left = self.limits.unproven.left(tries, now)
        if left.retry_after_s is not None:
            return visit, left
        whole = replace(visit, installation=found)
        try:
            self._prove(whole)
        except Refused as refusal:
            if refusal.code == "unauthenticated":
                self.limits.unproven.take(tries, now)
            raise
        return whole, self.entry.take(found.account_id)

    def _prove(self, visit: Visit) -> None:
        if self.route.proven is None:  # the registry lets in no such route
            raise TypeError(f"{self.route.path} proves nothing")
        with contained():
            self.route.proven(visit)

    def _asked(self, path: Mapping[str, str]) -> Visit:
        """The request. Its length is judged before it is read, though the server has it all by now."""
        visit = self.lender.visit(self.connector)
        raw = self._read()
        query = request.query_string.decode("latin-1")
        asked = Request(
            method=request.method,
            url=f"{visit.tools.public_url}{quote(request.path, safe=_READABLE)}{f'?{query}' if query else ''}",
            path=request.path,
            query=guard.pairs(query) if query else (),
            raw=raw,
            headers={name.lower(): value for name, value in request.headers},
            remote=self._remote(),
        )
        return replace(visit, request=asked, path=path)

    def _read(self) -> bytes:
        most = self.route.most_bytes
        too_large = Refused("body_too_large", f"The body is larger than is taken here: {most} bytes at most.")
        if (request.content_length or 0) > most:
            raise too_large
        request.max_content_length = most + 1  # of one that comes in chunks
        try:
            raw = request.get_data(cache=False)
        except RequestEntityTooLarge:
            raise too_large from None
        if len(raw) > most:
            raise too_large
        return raw

    def _remote(self) -> str:
        forwarded = request.headers.get("X-Forwarded-For", "")
        return address(request.remote_addr or "", forwarded, self.lender.settings.trusted_proxies)

    def _told(self, refusal: Refused, asking: Asking, budget: Budget | None) -> Response:
        answer = refused(refusal, self.route.scope, asking)
        headers = {**answer.headers, **(budget.headers() if budget else {})}
        if refusal.code == "unauthenticated" and self.route.auth != "bearer":
            headers["WWW-Authenticate"] = f'{self.route.challenge} realm="{self.connector.name}"'
        return Response(answer.body, answer.status, headers, content_type=answer.media_type)


def _response(reply: Reply, budget: Budget) -> Response:
    """The reply as it goes out: JSON where that is its type; bytes, text, or pieces of a file otherwise."""
    made = Response(_body(reply), reply.status, {**reply.headers, **budget.headers()}, content_type=reply.media_type)
    if reply.status in (204, 304):
        made.headers.pop("Content-Type", None)
    return made


def _body(reply: Reply) -> bytes | Iterable[bytes]:
    body: Any = reply.body
    if isinstance(body, bytes):
        return body
    if reply.status in (204, 304) or (body is None and reply.media_type != JSON):
        return b""
    if reply.media_type == JSON:
        return encode(body)
    return body.encode() if isinstance(body, str) else body
