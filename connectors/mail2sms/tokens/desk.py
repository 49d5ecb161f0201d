"""Tokens that people ask for (POST /installations/{id}/tokens), for what can sign no mail: devices, alarms, old programs.

One with recipients is good for them alone, whoever writes. One without sends to anybody, but only mails that are proven to be an allowed
sender's. The secret is told once.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, or_, select, update

from connectors.contract import Installation, Schema, TokenDesk
from connectors.mail2sms import moments
from connectors.mail2sms.mail import Address
from connectors.mail2sms.parse import address
from connectors.mail2sms.settings import office_of
from connectors.mail2sms.tables import tokens
from connectors.mail2sms.tokens.kept import ADDRESS, draw
from core import Refused, Tx, accounts, number

MOST_TOKENS: Final = 500  # of an installation, that are still good
MOST_LISTED: Final = 1000  # the newest, with those that are over
MOST_RECIPIENTS: Final = 100
MOST_A_DAY: Final = 100_000
EXAMPLE: Final = 33612345678  # whom the example address is for where no recipients are fixed
_ID: Final = "01997b2c-1a2b-7c3d-8e4f-123456789abc"
_TIME: Final = "2026-12-24T08:00:00.000Z"
_EVERYBODY: Final = "; anybody, for a proven allowed sender, where there are none"


def _moment(title: str, description: str) -> Schema:
    return {
        "type": ["string", "null"],
        "format": "date-time",
        "title": title,
        "description": description,
        "examples": [_TIME],
    }


FIELDS: Final[Schema] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "name": {
            "type": "string",
            "title": "Name",
            "description": "What it is for, as people will find it in the list",
            "minLength": 1,
            "maxLength": 100,
            "examples": ["Cold room alarm"],
        },
        "recipients": {
            "type": "array",
            "title": "Recipients",
            "description": f"The numbers that it sends to{_EVERYBODY}",
            "items": {"type": "string", "minLength": 1, "maxLength": 64},
            "minItems": 1,
            "maxItems": MOST_RECIPIENTS,
            "examples": [["+33612345678"]],
        },
        "per_day": {
            "type": "integer",
            "title": "SMS a day",
            "description": "The most that it sends in a day; the caps of the installation hold besides",
            "minimum": 1,
            "maximum": MOST_A_DAY,
            "examples": [50],
        },
        "expires_at": {
            "type": "string",
            "format": "date-time",
            "title": "Good until",
            "description": "Until it is revoked, where nothing is said",
            "examples": ["2027-01-01T00:00:00+01:00"],
        },
    },
}

ANSWER: Final[Schema] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "name", "recipients", "per_day", "expires_at", "created_at", "used_at", "revoked_at"],
    "properties": {
        "id": {"type": "string", "format": "uuid", "title": "Id", "description": "Its id", "examples": [_ID]},
        "name": {
            "type": ["string", "null"],
            "title": "Name",
            "description": "What it is for",
            "examples": ["Cold room alarm"],
        },
        "token": {
            "type": "string",
            "title": "Token",
            "description": "The secret, shown this once: it stands in an address, behind +",
            "examples": ["k7f3mq2xw5ab4dzn"],
        },
        "example": {
            "type": "string",
            "title": "Example",
            "description": "An address that works, shown this once",
            "examples": ["33612345678+k7f3mq2xw5ab4dzn@sms.example.org"],
        },
        "recipients": {
            "type": ["array", "null"],
            "items": {"type": "string"},
            "title": "Recipients",
            "description": f"The numbers that it sends to{_EVERYBODY}",
            "examples": [["+33612345678"]],
        },
        "per_day": {
            "type": ["integer", "null"],
            "title": "SMS a day",
            "description": "The most that it sends in a day",
            "examples": [50],
        },
        "expires_at": _moment("Good until", "When it ends by itself"),
        "created_at": {**_moment("Made", "When it was handed out"), "type": "string"},
        "used_at": _moment("Used", "When a mail last came by it, to the minute"),
        "revoked_at": _moment("Revoked", "When it was revoked"),
    },
}


def issue(tx: Tx, installation: Installation, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A new one, with its secret. Refuses wrong numbers and times, each named, and `too_many_tokens`."""
    _check_room(tx, installation)
    recipients = _recipients(tx, installation, given.get("recipients"))
    token_id, secret = draw(
        tx,
        installation,
        ADDRESS,
        name=given.get("name") or None,
        recipients=None if recipients is None else json.dumps(recipients),
        per_day=given.get("per_day"),
        expires_at=_end(tx, given.get("expires_at")),
    )
    (row,) = tx.all(select(tokens).where(tokens.c.id == token_id))
    return {**_shown(row), "token": secret, "example": _example(installation, recipients, secret)}


def listed(tx: Tx, installation: Installation) -> Sequence[Mapping[str, Any]]:
    """Those that were handed out, newest first, without their secrets."""
    rows = tx.all(select(tokens).where(*_of(installation)).order_by(tokens.c.id.desc()).limit(MOST_LISTED))
    return [_shown(row) for row in rows]


def revoke(tx: Tx, installation: Installation, token_id: str) -> None:
    """Nothing comes by it any more. Again is no error; what never was refuses with `not_found`."""
    this = (tokens.c.id == _known(token_id), *_of(installation))
    ended = func.coalesce(tokens.c.revoked_at, tx.now)
    if not tx.execute(update(tokens).where(*this).values(revoked_at=ended)):
        raise Refused("not_found", "There is no such token.")


DESK: Final = TokenDesk(fields=FIELDS, answer=ANSWER, issue=issue, listed=listed, revoke=revoke)


def _of(installation: Installation) -> tuple[Any, ...]:
    return tokens.c.installation_id == installation.id, tokens.c.kind == ADDRESS


def _check_room(tx: Tx, installation: Installation) -> None:
    good = tokens.c.revoked_at.is_(None) & or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > tx.now)
    if tx.scalar(select(func.count()).where(*_of(installation), good)) >= MOST_TOKENS:
        raise Refused("too_many_tokens", f"This installation has {MOST_TOKENS} tokens: revoke those that nobody needs.")


def _recipients(tx: Tx, installation: Installation, texts: Sequence[str] | None) -> list[int] | None:
    """The numbers as the account writes them, each once. Refuses with every one that can't be texted."""
    if not texts:
        return None
    region = accounts.get(tx, installation.account_id).region
    known, refusals = set(), []
    for at, text in enumerate(texts):
        try:
            known.add(number.parse(text, region).value)
        except Refused as refusal:
            refusals.append(refusal.about(f"/recipients/{at}"))
    if refusals:
        first = refusals[0]
        raise Refused(first.code, first.detail, tuple(fault for each in refusals for fault in each.faults))
    return sorted(known)


def _end(tx: Tx, text: str | None) -> int | None:
    if not text:
        return None
    at = moments.read(text, "/expires_at")
    if at <= tx.now:
        raise Refused.at("/expires_at", "invalid_time", f"This time is over: {moments.CURE}, that is still to come.")
    return at


def _example(installation: Installation, recipients: Sequence[int] | None, secret: str) -> str:
    office = office_of(installation)
    to = Address("number", str((recipients or [EXAMPLE])[0]), secret)
    return address.write(to, office.local, office.domain)


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "recipients": None if row.recipients is None else [f"+{digits}" for digits in json.loads(row.recipients)],
        "per_day": row.per_day,
        "expires_at": moments.iso_or_none(row.expires_at),
        "created_at": moments.iso(row.created_at),
        "used_at": moments.iso_or_none(row.used_at),
        "revoked_at": moments.iso_or_none(row.revoked_at),
    }


def _known(text: str) -> str:
    """The text if it may be an id, otherwise the id of nothing: PostgreSQL refuses to compare the rest."""
    try:
        return str(UUID(text))
    except ValueError:
        return str(UUID(int=0))
