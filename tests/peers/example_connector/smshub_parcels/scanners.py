"""Scanners: each has a secret of its own, so that one that is lost is shut out alone. Only digests are kept."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, Table, Text, UniqueConstraint, delete, select

from connectors.contract import Installation, Schema, TokenDesk
from core import Refused, Tx, schema

from .shelf import parcels

SECRET_BYTES: Final = 32
ID: Final[Schema] = {"type": "string", "title": "Id", "examples": ["01997b2c-1a2b-7c3d-8e4f-123456789abc"]}
NAME: Final[Schema] = {
    "type": "string",
    "title": "Name",
    "description": "Where the scanner is, as people will find it in the list",
    "minLength": 1,
    "maxLength": 40,
    "examples": ["Gate 2"],
}
FIELDS: Final[Schema] = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": NAME},
    "additionalProperties": False,
}
ANSWER: Final[Schema] = {
    "type": "object",
    "required": ["id", "name", "created_at"],
    "properties": {
        "id": ID,
        "name": NAME,
        "created_at": {"type": "string", "title": "Made", "format": "date-time"},
        "secret": {"type": "string", "title": "Secret", "description": "For the header x-parcels-scanner"},
    },
    "additionalProperties": False,
}

scanners = Table(
    "parcels_scanners",
    parcels.metadata,
    Column("id", schema.Id(), primary_key=True),
    Column("installation_id", schema.Id(), nullable=False),
    Column("name", Text(), nullable=False),
    Column("digest", Text(), nullable=False),
    Column("created_at", BigInteger(), nullable=False),
    UniqueConstraint("digest", name="uq_parcels_scanners_digest"),
    Index("ix_parcels_scanners_installation_id", "installation_id"),
)


def issue(tx: Tx, installation: Installation, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A new scanner, with its secret."""
    secret = tx.random.randbytes(SECRET_BYTES).hex()
    row = {"id": tx.new_id(), "installation_id": installation.id, "name": given["name"], "created_at": tx.now}
    tx.execute(scanners.insert().values(**row, digest=_digest(secret)))
    return {**_shown(row), "secret": secret}


def listed(tx: Tx, installation: Installation) -> Sequence[Mapping[str, Any]]:
    """Those of a depot, newest first."""
    mine = select(scanners).where(scanners.c.installation_id == installation.id).order_by(scanners.c.id.desc())
    return [_shown(row._asdict()) for row in tx.all(mine)]


def revoke(tx: Tx, installation: Installation, token_id: str) -> None:
    """Shut one out."""
    mine = {token["id"] for token in listed(tx, installation)}
    if token_id not in mine:
        raise Refused("not_found", "There is no such scanner.")
    tx.execute(delete(scanners).where(scanners.c.id == token_id))


def known(tx: Tx, installation: Installation, secret: str) -> bool:
    """Whether a scanner of this depot has this secret."""
    found = select(scanners.c.id).where(scanners.c.digest == _digest(secret))
    return tx.one(found.where(scanners.c.installation_id == installation.id)) is not None


def clear(tx: Tx, installation: Installation) -> None:
    """The installation is removed: its scanners go with it."""
    tx.execute(delete(scanners).where(scanners.c.installation_id == installation.id))


DESK: Final = TokenDesk(FIELDS, ANSWER, issue, listed, revoke)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    at = datetime.fromtimestamp(row["created_at"] / 1000, UTC)
    return {"id": row["id"], "name": row["name"], "created_at": at.isoformat(timespec="milliseconds")}


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
