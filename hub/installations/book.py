"""The book of installations: made, changed, ended. Settings are checked by their connector's schema; secrets are sealed apart.

One for each account and connector. A secret that was given once is never shown again; a change that does not name it leaves it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import ColumnElement, Row, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from connectors.contract import Connector, Installation, Schema
from core import Fault, Refused, Tx, accounts
from hub import secrets
from hub.api import schemas
from hub.api.guard import pruner
from hub.hooks.endpoints import known_id
from hub.installations import secret_fields
from hub.installations.tables import installations
from hub.registry import Registry
from hub.sealing import used
from hub.sealing.columns import aad

NOTHING: Final[Schema] = {"type": "object", "additionalProperties": False}
LOST: Final = "The secrets of this installation can't be opened any more: their key was given up. Set them again."
CLOSED: Final = (
    "The secrets of this installation can't be opened here just now (`smshub keys list` says why). Nothing was changed."
)
Ended = Callable[[Tx, str], object]  # told of the id of an installation that ends

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be seen of an installation: settings without secrets, and where secrets are set. lost: they can't be opened any more."""

    id: str
    connector: str
    settings: Mapping[str, Any]
    secrets: Sequence[str]
    lost: bool
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class Book:
    """The installations of a hub. ended: what else goes with one (tokens of third parties)."""

    registry: Registry
    keys: secrets.Keys
    ended: Ended = lambda _tx, _id: None

    def create(
        self, tx: Tx, account_id: str, connector: Connector, settings: Mapping[str, Any], actor: str
    ) -> Installation:
        """Install a connector. Refuses (`invalid_request`) what does not fit its schema, and `already_exists`."""
        whole = _checked(connector, _pruned(connector, settings))
        if self.of_account(tx, account_id, connector.name) is not None:
            raise _exists(connector)
        row = self._row(tx, connector, tx.new_id(), account_id, whole) | {"created_at": tx.now}
        try:
            with tx.connection.begin_nested():
                tx.execute(installations.insert().values(**row))
        except IntegrityError:  # another process was quicker
            raise _exists(connector) from None
        made = self.get(tx, account_id, row["id"])
        connector.kept(tx, made)
        accounts.record(tx, account_id, actor, "installation.created", _facts(made))
        return made

    def change(
        self, tx: Tx, account_id: str, installation_id: str, changes: Mapping[str, Any], actor: str
    ) -> Installation:
        """A JSON merge patch (RFC 7396) of its settings: null removes a field, and what is not named stays, secrets too."""
        _hold(tx, account_id, installation_id)
        old = self._found(tx, account_id, installation_id)
        connector = self.registry.get(old.connector)
        self._check_open(tx, old)
        settings = self._read(old).settings  # less the secrets that are lost: this is how they are set again
        whole = _checked(connector, secret_fields.patched(settings, _pruned(connector, changes)))
        row = self._row(tx, connector, old.id, account_id, whole)
        tx.execute(update(installations).where(installations.c.id == old.id).values(**row))
        made = self.get(tx, account_id, old.id)
        connector.kept(tx, made)
        accounts.record(tx, account_id, actor, "installation.changed", _facts(made) | {"fields": sorted(changes)})
        return made

    def remove(self, tx: Tx, account_id: str, installation_id: str, actor: str) -> None:
        """End it: its settings and secrets are gone. Refuses with `not_found`."""
        _hold(tx, account_id, installation_id)
        row = self._found(tx, account_id, installation_id)
        connector = self.registry.find(row.connector)
        if connector is not None:
            connector.dropped(tx, self._read(row))
        self.ended(tx, row.id)
        tx.execute(delete(installations).where(installations.c.id == row.id))
        facts = {"installation_id": row.id, "connector": row.connector}
        accounts.record(tx, account_id, actor, "installation.removed", facts)

    def get(self, tx: Tx, account_id: str, installation_id: str) -> Installation:
        """The account's installation of this id. Refuses with `not_found`, and `secrets_lost`."""
        return self._opened(self._found(tx, account_id, installation_id))

    def held(self, tx: Tx, account_id: str, installation_id: str) -> Installation:
        """The same, and nobody changes or removes it before this transaction ends."""
        _hold(tx, account_id, installation_id)
        return self.get(tx, account_id, installation_id)

    def of_connector(self, tx: Tx, connector: str, installation_id: str) -> Installation:
        """The connector's installation of this id, whosever it is. Refuses with `not_found`, and `secrets_lost`."""
        wanted = (installations.c.id == known_id(installation_id)) & (installations.c.connector == connector)
        return self._opened(_there(tx.one(select(installations).where(wanted))))

    def of_account(self, tx: Tx, account_id: str, connector: str) -> Installation | None:
        """The account's installation of this connector, if it has one. Refuses with `secrets_lost`."""
        wanted = (installations.c.account_id == account_id) & (installations.c.connector == connector)
        row = tx.one(select(installations).where(wanted))
        return self._opened(row) if row else None

    def of_accounts(self, tx: Tx, account_ids: Sequence[str], connectors: Sequence[str]) -> Sequence[Installation]:
        """What these accounts have of these connectors. Secrets that are lost are left out of their settings."""
        theirs = tx.among(installations.c.account_id, account_ids) & installations.c.connector.in_(connectors)
        return [self._read(row) for row in tx.all(select(installations).where(theirs).order_by(installations.c.id))]

    def every(self, tx: Tx, connector: str, limit: int, after: str | None) -> Sequence[Installation]:
        """At most `limit` installations of a connector, oldest first, after the id `after`, as `of_accounts` gives them."""
        newer = [installations.c.id > after] if after else []
        all_ = select(installations).where(installations.c.connector == connector, *newer)
        return [self._read(row) for row in tx.all(all_.order_by(installations.c.id).limit(limit))]

    def shown(self, tx: Tx, account_id: str, installation_id: str) -> Shown:
        """What may be seen of an installation. Refuses with `not_found`."""
        return self._shown(self._found(tx, account_id, installation_id))

    def page(self, tx: Tx, account_id: str, limit: int, after: str | None) -> Sequence[Shown]:
        """At most `limit` installations of an account, newest first, after the id `after`, as they may be seen."""
        older = [installations.c.id < after] if after else []
        mine = select(installations).where(installations.c.account_id == account_id, *older)
        return [self._shown(row) for row in tx.all(mine.order_by(installations.c.id.desc()).limit(limit))]

    def lost(self, tx: Tx, installation_id: str) -> Sequence[str]:
        """That its secrets can't be opened, where it is so: a sentence for its health."""
        row = tx.one(select(installations).where(installations.c.id == known_id(installation_id)))
        return [LOST] if row is not None and row.secrets and not self._secrets(row) else []

    def count(self, tx: Tx) -> Mapping[str, int]:
        """How many installations each connector has; those of connectors that are not here any more too."""
        counted = select(installations.c.connector, func.count().label("installed")).group_by(installations.c.connector)
        return {row.connector: row.installed for row in tx.all(counted)}

    def schema_of(self, connector: str) -> Schema:
        """What its settings may be; of one that is not here any more, nothing."""
        found = self.registry.find(connector)
        return (found.settings if found else None) or NOTHING

    def _found(self, tx: Tx, account_id: str, installation_id: str) -> Row[Any]:
        return _there(tx.one(select(installations).where(_mine(account_id, installation_id))))

    def _row(
        self, tx: Tx, connector: Connector, installation_id: str, account_id: str, settings: Mapping[str, Any]
    ) -> dict[str, Any]:
        plain, secret = secret_fields.split(self.schema_of(connector.name), settings)
        bound = aad("installations", installation_id, account_id)
        return {
            "id": installation_id,
            "account_id": account_id,
            "connector": connector.name,
            "settings": json.dumps(plain),
            "secrets": used.seal(tx, self.keys, bound, json.dumps(secret).encode()) if secret else None,
            "updated_at": tx.now,
        }

    def _opened(self, row: Row[Any]) -> Installation:
        found = self._read(row)
        if row.secrets and not self._secrets(row):
            raise Refused("secrets_lost", LOST)
        return found

    def _check_open(self, tx: Tx, row: Row[Any]) -> None:
        """Refuses (`secrets_lost`) to write over secrets that are closed to this process alone, whose key others may have."""
        key_id = secrets.key_of(row.secrets or "")
        if row.secrets and key_id not in self.keys.by_id and key_id not in used.given_up(tx):
            raise Refused("secrets_lost", CLOSED)

    def _read(self, row: Row[Any]) -> Installation:
        """As much of it as can be read."""
        settings = secret_fields.merged(json.loads(row.settings), self._secrets(row))
        return Installation(row.id, row.account_id, row.connector, settings, row.created_at, row.updated_at)

    def _shown(self, row: Row[Any]) -> Shown:
        """A setting that a newer version of the connector takes for a secret is none that is shown, though it stands among the others yet."""
        secret, schema = self._secrets(row), self.schema_of(row.connector)
        plain, hidden = secret_fields.split(schema, json.loads(row.settings))
        return Shown(
            row.id,
            row.connector,
            plain,
            secret_fields.pointers(schema, secret_fields.merged(hidden, secret)),
            lost=bool(row.secrets and not secret),
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    def _secrets(self, row: Row[Any]) -> dict[str, Any]:
        """Its secrets; none where there are none, or where their key was given up."""
        if not row.secrets:
            return {}
        try:
            raw = secrets.open_(self.keys, aad("installations", row.id, row.account_id), row.secrets)
        except secrets.Unreadable as why:
            log.warning("installation.closed", installation_id=row.id, connector=row.connector, reason=str(why))
            return {}
        found: dict[str, Any] = json.loads(raw)
        return found


def _checked(connector: Connector, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, whole. Refuses with every fault, its pointer below /settings, and its cure."""
    validator = schemas.validator_of(schemas.resolved(connector.settings or NOTHING))
    found = [Fault(f"/settings{fault.pointer}", fault.message) for fault in schemas.faults_of(validator, settings)]
    if found:
        raise schemas.refusal(found)
    return settings


def _pruned(connector: Connector, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without the optional fields that are "": the same as absent, as everywhere."""
    copied: dict[str, Any] = json.loads(json.dumps(settings))
    if prune := pruner(schemas.resolved(connector.settings or NOTHING)):
        prune(copied)
    return copied


def _mine(account_id: str, installation_id: str) -> ColumnElement[bool]:
    return (installations.c.id == known_id(installation_id)) & (installations.c.account_id == account_id)


def _hold(tx: Tx, account_id: str, installation_id: str) -> None:
    """Who changes or ends an installation locks its row first, before any row that goes with it."""
    tx.one(select(installations.c.id).where(_mine(account_id, installation_id)).with_for_update())


def _there(row: Row[Any] | None) -> Row[Any]:
    if row is None:
        raise Refused("not_found", "There is no such installation.")
    return row


def _exists(connector: Connector) -> Refused:
    detail = f"{connector.title} is installed already: change its settings (PATCH /installations/{{id}}), or remove it."
    return Refused("already_exists", detail)


def _facts(installation: Installation) -> dict[str, Any]:
    return {"installation_id": installation.id, "connector": installation.connector}
