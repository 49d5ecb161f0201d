"""Codes of six digits, sent to a number to see whose it is. Whether anybody knows the number is told to nobody: all numbers are treated alike.

How many are sent is limited by number, by network and for the hub: each costs the operator a message, wherever it goes.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import select, update

from core import Refused, Runtime, Tx, accounts, notes, number, optouts
from hub import secret_keys
from hub.api.schemas import is_id
from hub.optout.tables import optout_codes
from hub.people import attempts
from hub.people.attempts import DAY_MS, HOUR_MS, MINUTE_MS, Limit
from hub.settings import Settings

REGION: Final = "FR"  # of a number without a country code
LIFE_MINUTES: Final = 10
MOST_TRIES: Final = 5
DIGITS: Final = 6
REASON: Final = "opt_out_code"
BY_NUMBER: Final = Limit("optout.number", 3, DAY_MS, DAY_MS, DAY_MS)
BY_NETWORK: Final = Limit("optout.network", 10, HOUR_MS, DAY_MS, DAY_MS, HOUR_MS)
BY_HUB: Final = Limit("optout.hub", 500, MINUTE_MS, 10 * MINUTE_MS, DAY_MS, MINUTE_MS)

Outcome = Literal["done", "wrong", "over"]


@dataclass(frozen=True, slots=True)
class Sent:
    """A code that is on its way: its ticket, and the end of the number that it went to."""

    ticket: str
    ending: str


def send(runtime: Runtime, settings: Settings, typed: str, network: str, words: Callable[[str], str]) -> str:
    """Send a code to the number that was typed; its ticket. `words` makes a message of the code.

    Refuses what is no mobile number, countries without a price, and `too_many_attempts`.
    """
    found = number.parse(typed, REGION)
    code = f"{runtime.random.randrange(10**DIGITS):0{DIGITS}}"
    with runtime.begin() as tx:
        if (
            tx.rules.tariff.price(found.country, "otp") is None
        ):  # where nobody is texted, no page of the operator's does so
            raise Refused.at("/number", "unpriced_country", f"Nothing is sent to {found.country} from here.")
        for limit, subject in ((BY_NUMBER, str(found.value)), (BY_NETWORK, network), (BY_HUB, "")):
            attempts.take(tx, limit, subject)
        ticket = tx.new_id()
        row = {"id": ticket, "number": found.value, "digest": _digest(settings, ticket, code), "tries": 0}
        ends_at = tx.now + LIFE_MINUTES * MINUTE_MS
        tx.execute(optout_codes.insert().values(**row, created_at=tx.now, ends_at=ends_at))
        note = notes.Note(
            found.value, found.country, tx.rules.short_code, words(code), "otp", REASON, validity_minutes=LIFE_MINUTES
        )
        notes.send(tx, accounts.system(tx).id, note)
    return ticket


def read(tx: Tx, ticket: str) -> Sent:
    """What the visitor may see of a code that is not over. Refuses with `code_over`."""
    row = tx.one(select(optout_codes).where(optout_codes.c.id == _known(ticket)))
    if row is None or row.used_at is not None or row.ends_at <= tx.now or row.tries >= MOST_TRIES:
        raise Refused("code_over", "This code is too old, was used, or was tried too often: ask for a new one.")
    return Sent(ticket, str(row.number)[-2:])


def try_(runtime: Runtime, settings: Settings, ticket: str, typed: str) -> Outcome:
    """Opt the number out if this is its code. Each try counts, so that the fifth wrong one is the last."""
    with runtime.begin() as tx:
        this = (optout_codes.c.id == _known(ticket)) & optout_codes.c.used_at.is_(None)
        open_ = (optout_codes.c.ends_at > tx.now) & (optout_codes.c.tries < MOST_TRIES)
        counted = update(optout_codes).where(this, open_).values(tries=optout_codes.c.tries + 1)
        row = tx.one(counted.returning(optout_codes))
        if row is None:
            return "over"
        digits = "".join(letter for letter in typed if letter.isascii() and letter.isdigit())
        if not any(hmac.compare_digest(row.digest, one) for one in _digests(settings, row.id, digits)):
            return "wrong" if row.tries < MOST_TRIES else "over"
        tx.execute(update(optout_codes).where(this).values(used_at=tx.now))
        optouts.by_page(tx, row.number)
        accounts.record(tx, None, "web", "optout.page", {"ticket": row.id})
        return "done"


def _digest(settings: Settings, ticket: str, code: str) -> str:
    return _digests(settings, ticket, code)[0]


def _digests(settings: Settings, ticket: str, code: str) -> list[str]:
    """By each of the operator's keys, the first one first: they may be rotated while a code is on its way."""
    keys = secret_keys.derived(secret_keys.of(settings), "opt-out codes")
    return [hmac.new(key, f"{ticket}:{code}".encode(), hashlib.sha256).hexdigest() for key in keys]


def _known(text: str) -> str:
    """The text if it may be an id, otherwise the id of nothing: PostgreSQL refuses to compare the rest."""
    return text if is_id(text) else "00000000-0000-0000-0000-000000000000"
