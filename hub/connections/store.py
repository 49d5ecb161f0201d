"""The `Tokens` of a connector: a token that is good now, whatever it takes."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event
from time import monotonic
from typing import Any, Final

import structlog
from sqlalchemy import Column, Row

from connectors.contract import Installation, Issuer
from core import PeerError, Refused, Runtime, outages
from hub import secrets
from hub.connections import asking, book, refreshing
from hub.connections.asking import Given, Trouble
from hub.connections.refreshing import Claim
from hub.connections.tables import connections
from hub.outbound import Outbound

WAIT_S: Final = refreshing.LEASE_MS / 1000 + refreshing.ASK_S  # for one who died, and for the one who asks after that
KEEP_S: Final = 60.0
FIRST_PAUSE_S: Final = 0.02
LONGEST_PAUSE_S: Final = 0.25

log = structlog.get_logger()


def _sleep(seconds: float) -> None:
    Event().wait(seconds)


@dataclass(frozen=True, slots=True)
class Store:
    """Tokens of third parties. clients: secrets of the operator's own clients, by their ids, for connections that keep none.

    outbound: with ASK_S for the whole exchange; a lease is twice as long.
    """

    runtime: Runtime
    keys: secrets.Keys
    outbound: Outbound
    clients: Mapping[str, str] = field(default_factory=dict, repr=False)
    pause: Callable[[float], object] = _sleep

    def access(self, installation: Installation, name: str = book.MAIN) -> str:
        """A token that is good now. Raises PeerError: `rejected` where there is no consent (any more), else `unavailable`."""
        return self._token(installation, name, None)

    def refused(self, installation: Installation, token: str, name: str = book.MAIN) -> str:
        """The other side refused this token before its time: another one. Raises as `access` does."""
        return self._token(installation, name, token)

    def connect(
        self, installation: Installation, issuer: Issuer, grant: Mapping[str, str] | None = None, name: str = book.MAIN
    ) -> None:
        """Keep a connection. grant: the fields that get its first tokens now (an authorization code, RFC 6749 section 4.1.3), or None

        for the client's own credentials. Refuses an address that is not public or not https; raises PeerError where no tokens are given,
        and what was kept before stays.
        """
        self._check(issuer)
        given = self._first(issuer, grant) if grant is not None else None
        with self.runtime.begin() as tx:
            book.keep(tx, self.keys, installation, issuer, given, name)

    def disconnect(self, installation: Installation) -> None:
        """Forget all tokens of an installation."""
        with self.runtime.begin() as tx:
            book.forget(tx, installation.id)

    def _token(self, installation: Installation, name: str, refused: str | None) -> str:
        ends, pause = monotonic() + WAIT_S, FIRST_PAUSE_S
        while True:
            row = self._row(installation, name)
            held = self._opened(row, connections.c.access_token)
            is_refused = held is not None and refused is not None and hmac.compare_digest(held, refused)
            step = refreshing.step(row, self.runtime.clock(), held=held is not None, refused=is_refused)
            if step == "use" and held is not None:
                return held
            if step == "refresh" and (token := self._refreshed(row, refused=is_refused)):
                return token
            if step in ("lost", "down"):
                raise _error(row, step, is_refused)
            if monotonic() > ends:
                raise PeerError("unavailable", f"{book.host(row.token_url)} is being asked for a token, for too long")
            if step == "wait":
                self.pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)

    def _row(self, installation: Installation, name: str) -> Row[Any]:
        with self.runtime.read() as tx:
            row = book.find(tx, installation.id, name)
        if row is None:
            raise PeerError("rejected", f"{installation.connector} is not connected yet: connect it first")
        return row

    def _opened(self, row: Row[Any], column: Column[str]) -> str | None:
        try:
            return book.opened(self.keys, row, column)
        except secrets.Unreadable as why:
            log.error("connection.closed", connection_id=row.id, why=str(why))  # noqa: TRY400 - the words are the whole of it
            return None

    def _refreshed(self, row: Row[Any], *, refused: bool) -> str | None:
        """A new token, by our own asking; None where somebody else was quicker, or nothing came of it."""
        with self.runtime.begin() as tx:
            attempt = refreshing.claim(tx, row, refused=refused)
        if attempt is None:
            return None
        spent = self._opened(row, connections.c.refresh_token)
        secret = self._opened(row, connections.c.client_secret)
        asked = Claim(row.id, attempt, book.issuer_of(row, secret), spent)
        came = _closed(row, spent, secret) or self._asked(asked.issuer, _fields(row, asked))
        self.runtime.fault("connection.answered")
        if isinstance(came, Trouble):
            refreshing.failed(self.runtime, asked, came)
            return None
        return came.access_token if self._kept(asked, came) else None

    def _kept(self, asked: Claim, came: Given) -> bool:
        """Written down, also where the database is away for a moment: the new refresh token stands nowhere else."""
        ends = monotonic() + KEEP_S
        while True:
            try:
                return refreshing.succeeded(self.runtime, self.keys, asked, came)
            except outages.ERRORS as error:
                if outages.of(error) is None or monotonic() > ends:
                    raise
                self.pause(LONGEST_PAUSE_S)

    def _asked(self, issuer: Issuer, fields: Mapping[str, str]) -> Given | Trouble:
        """The exchange, with no transaction open."""
        secret = issuer.client_secret or self.clients.get(issuer.client_id)
        headers, body = asking.form(issuer, fields, secret)
        try:
            answer = self.outbound.send("POST", issuer.token_url, headers, body)
        except PeerError as error:
            return Trouble(error.detail)
        return asking.read(answer, self.runtime.clock())

    def _first(self, issuer: Issuer, grant: Mapping[str, str]) -> Given:
        came = self._asked(issuer, grant)
        if isinstance(came, Trouble):
            detail = f"{book.host(issuer.token_url)} gave no token: {came.why}"
            raise PeerError("rejected" if came.over else "unavailable", detail)
        return came

    def _check(self, issuer: Issuer) -> None:
        """TLS always (RFC 6749 section 3.2), except to networks that the operator named."""
        try:
            target = self.outbound.guard.vet(issuer.token_url)
        except PeerError as error:
            raise Refused.at("/token_url", "invalid_url", f"Tokens can't be asked for here: {error.detail}.") from None
        if target.scheme != "https" and not self.outbound.guard.names(target):
            raise Refused.at("/token_url", "invalid_url", "Tokens are asked for by https:// only.")


def _fields(row: Row[Any], asked: Claim) -> Mapping[str, str]:
    if row.grant_type == "client_credentials":
        return asking.by_itself(asked.issuer)
    return asking.refreshing(asked.spent or "")


def _closed(row: Row[Any], spent: str | None, secret: str | None) -> Trouble | None:
    """Why there is no use in asking."""
    if (row.refresh_token is not None and spent is None) or (row.client_secret is not None and secret is None):
        return Trouble(refreshing.CLOSED)
    return Trouble(refreshing.NO_MORE, over=True) if row.grant_type == "refresh_token" and spent is None else None


def _error(row: Row[Any], step: str, refused: bool) -> PeerError:
    host = book.host(row.token_url)
    if step == "lost":
        return PeerError(
            "rejected", f"{host} gives no tokens any more ({row.last_error}): connect {row.connector} again"
        )
    if refused and row.state == "ok":
        return PeerError("unavailable", f"{row.connector} refuses tokens that {host} has only just given")
    return PeerError("unavailable", f"{host} gives no token now ({row.last_error})")
