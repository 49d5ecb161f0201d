"""When a token is asked for anew, by whom, and what comes of it.

One asks at a time: a claim is a lease with an attempt number, written by a conditional update; the network comes with no transaction
open; what came of it is recorded where the attempt number still stands. So nobody holds a row while another server thinks, and
two workers never spend one refresh token: a server that rotates them takes a second use for theft (RFC 9700 section 4.14) and ends
the grant.

A process that dies between the server's answer and our commit takes the new refresh token with it. The next one, when the lease is over, shows
the spent one again: a server that gives the same successor for a while (LEASE_MS is less than the usual 30 s) heals it, any other ends the
grant, and somebody has to connect again. Nothing stands between the answer and the commit but sealing.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import structlog
from sqlalchemy import Row, update

from connectors.contract import Issuer
from core import Runtime, Tx, accounts, jobs
from hub import secrets
from hub.connections import book
from hub.connections.asking import Given, Trouble
from hub.connections.tables import connections

ASK_S: Final = 10.0  # the whole exchange
LEASE_MS: Final = 20_000  # twice that
SOON_MS: Final = 300_000  # this long before its end a token is asked for anew, or a tenth of its life
SKEW_MS: Final = 5_000  # it is on its way for a moment, and clocks differ
AGAIN_MS: Final = 30_000  # a token that is refused so soon is not the token's fault
FIRST_HOLD_MS: Final = 5_000
LONGEST_HOLD_MS: Final = 600_000
LONGEST_ASKED_MS: Final = 3_600_000
DOUBLINGS: Final = 10
LOST_MAIL: Final = "mail.connection_lost"
CLOSED: Final = "the hub can't open what it keeps of it: `smshub keys list` shows which key is missing"
NO_MORE: Final = "its token has ended, and it gave none to get another with"

Step = Literal["use", "refresh", "wait", "down", "lost"]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to ask, until the lease ends. spent: the refresh token that is shown, None where the client's own credentials are."""

    id: str
    attempt: int
    issuer: Issuer
    spent: str | None = field(repr=False)


def step(row: Row[Any], now: int, *, held: bool, refused: bool = False) -> Step:
    """What to do about a connection. held: there is an access token that can be read; refused: the other side does not take it.

    A token is used to its end while a new one can't be had: `down` is without any.
    """
    if row.state == "lost":
        return "lost"
    good = held and not refused and _left(row, now) > _part(row, SKEW_MS, 20)
    if good and _left(row, now) > _part(row, SOON_MS, 10):
        return "use"
    if row.lease_until > now:
        return "use" if good else "wait"
    if row.held_until > now or (refused and row.access_from > now - AGAIN_MS):
        return "use" if good else "down"
    return "refresh"


def _left(row: Row[Any], now: int) -> int:
    """How long the access token is good; for ever where nobody said."""
    return SOON_MS * 2 if row.access_until is None else row.access_until - now


def _part(row: Row[Any], most: int, parts: int) -> int:
    """A part of a token's life, and never more than `most`: short-lived ones are not thrown away young."""
    return most if row.access_until is None else min(most, (row.access_until - row.access_from) // parts)


def claim(tx: Tx, row: Row[Any], *, refused: bool) -> int | None:
    """Take the right to ask, as the row was seen; the attempt, or None where somebody was quicker. A refused token is not used again."""
    free = (connections.c.id == row.id) & (connections.c.attempt == row.attempt) & (connections.c.lease_until <= tx.now)
    values = {"attempt": row.attempt + 1, "lease_until": tx.now + LEASE_MS} | (
        {"access_until": tx.now} if refused else {}
    )
    return row.attempt + 1 if tx.execute(update(connections).where(free).values(**values)) else None


def succeeded(runtime: Runtime, keys: secrets.Keys, asked: Claim, given: Given) -> bool:
    """Keep what was given. False where it counts no more: somebody connected anew, or disconnected, or was given other tokens since.

    Who was held up past its lease is still heard as long as the refresh token it spent is the one we keep: no other successor is known.
    """
    with runtime.begin() as tx:
        row = book.locked(tx, asked.id)
        if row is None or not (row.attempt == asked.attempt or _still_spent(keys, row, asked)):
            return False
        tokens = book.tokens_of(tx, keys, row._asdict(), given)
        fence = (
            row.attempt if row.attempt == asked.attempt else row.attempt + 1
        )  # whoever asks now has spent the same token
        tx.execute(
            update(connections).where(connections.c.id == row.id).values(**book.well(tx), **tokens, attempt=fence)
        )
    if row.state != "ok":
        log.info("connection.well", connection_id=row.id, connector=row.connector)
    return True


def _still_spent(keys: secrets.Keys, row: Row[Any], asked: Claim) -> bool:
    try:
        kept = book.opened(keys, row, connections.c.refresh_token)
    except secrets.Unreadable:
        return False
    return kept is not None and kept == asked.spent


def failed(runtime: Runtime, asked: Claim, trouble: Trouble) -> None:
    """Write down that there is no new token, and leave the server alone for a while; or that the grant is over, and tell its owner."""
    with runtime.begin() as tx:
        row = book.locked(tx, asked.id)
        if row is None or row.attempt != asked.attempt:
            return
        lost = trouble.over and row.grant_type == "refresh_token"
        values = {
            "state": "lost" if lost else "failing",
            "failing_since": tx.now if row.failing_since is None else row.failing_since,
            "failures": row.failures + 1,
            "last_error": trouble.why,
            "held_until": tx.now + hold(row.failures + 1, trouble),
            "lease_until": 0,
            "updated_at": tx.now,
        }
        tx.execute(update(connections).where(connections.c.id == row.id).values(**values))
        if lost:
            jobs.add(tx, row.account_id, LOST_MAIL, row.id)
            facts = {"connector": row.connector, "name": row.name, "why": trouble.why}
            accounts.record(tx, row.account_id, "hub", "connection.lost", facts)
    where = {"connection_id": row.id, "connector": row.connector, "host": book.host(row.token_url)}
    log.warning("connection.lost" if lost else "connection.failed", **where, why=trouble.why, failures=row.failures + 1)


def hold(failures: int, trouble: Trouble) -> int:
    """How long the server is left alone after so many failures in a row, in ms; longer where it asked for that."""
    doubled = min(FIRST_HOLD_MS << min(failures - 1, DOUBLINGS), LONGEST_HOLD_MS)
    return max(doubled, min(trouble.wait_ms or 0, LONGEST_ASKED_MS))
