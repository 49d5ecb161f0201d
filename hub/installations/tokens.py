"""/installations/{id}/tokens: secrets that an installation hands out, where its connector has a desk for them. Each is shown once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.contract import Call, Installation, Listed, Operation, Reply, Schema, TokenDesk
from core import Refused, Tx, accounts
from hub.api import schemas
from hub.api.guard import pruner
from hub.installations.book import Book
from hub.installations.contained import contained

PATH: Final = "/installations/{id}/tokens"
_TOKEN: Final[Schema] = {"$ref": "#/components/schemas/InstallationToken"}
_DRAFT: Final[Schema] = {"$ref": "#/components/schemas/InstallationTokenDraft"}


def operations(book: Book, scope: str, tag: str) -> tuple[Operation, ...]:
    """The operations, with the book of installations."""
    counter = _Counter(book)
    return (
        Operation(
            "list_tokens",
            "GET",
            PATH,
            scope,
            "The tokens of an installation, newest first",
            counter.listed,
            "read",
            tag,
            description="Without their secrets. Those that were revoked may be among them.",
            answers={200: _TOKEN},
            refusals=("secrets_lost",),
            paged=True,
        ),
        Operation(
            "create_token",
            "POST",
            PATH,
            scope,
            "Make a token of an installation",
            counter.create,
            "write",
            tag,
            description="What is asked for is as `tokens` of its connector says (GET /connectors). The secret is in this answer, and never "
            "shown again. 404 where the connector hands out none.",
            body=_DRAFT,
            answers={201: _TOKEN},
            refusals=("not_found", "too_many_tokens", "secrets_lost"),
        ),
        Operation(
            "revoke_token",
            "DELETE",
            f"{PATH}/{{token_id}}",
            scope,
            "Revoke a token of an installation",
            counter.revoke,
            "write",
            tag,
            answers={200: {"type": "object", "additionalProperties": False}},
            refusals=("not_found", "secrets_lost"),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Counter:
    """The handlers."""

    book: Book

    def listed(self, call: Call, tx: Tx) -> Reply:
        installation = self.book.get(tx, call.caller.account_id, call.path["id"])
        desk = desk_of(self.book, installation)
        with contained():
            known = sorted(desk.listed(tx, installation), key=lambda token: str(token["id"]), reverse=True)
        older = [token for token in known if call.page.after is None or token["id"] < call.page.after]
        shown = older[: call.page.limit]
        return Reply(Listed(shown, shown[-1]["id"] if len(older) > len(shown) else None))

    def create(self, call: Call, tx: Tx) -> Reply:
        installation = self.book.held(tx, call.caller.account_id, call.path["id"])
        desk = desk_of(self.book, installation)
        asked = _asked(desk, call.body)
        with contained():
            made = desk.issue(tx, installation, asked)
        _record(tx, installation, call.caller.actor, "installation.token_created", made["id"])
        return Reply(dict(made), 201)

    def revoke(self, call: Call, tx: Tx) -> Reply:
        installation = self.book.held(tx, call.caller.account_id, call.path["id"])
        desk = desk_of(self.book, installation)
        with contained():
            desk.revoke(tx, installation, call.path["token_id"])
        _record(tx, installation, call.caller.actor, "installation.token_revoked", call.path["token_id"])
        return Reply({})


def desk_of(book: Book, installation: Installation) -> TokenDesk:
    """Where its connector hands out tokens. Refuses (`not_found`) where it does not."""
    connector = book.registry.get(installation.connector)
    if connector.tokens is None:
        raise Refused("not_found", f"{connector.title} hands out no tokens.")
    return connector.tokens


def _asked(desk: TokenDesk, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is asked for, less the optional fields that are "". Refuses (`invalid_request`) what does not fit."""
    schema = schemas.resolved(desk.fields)
    copied: dict[str, Any] = json.loads(json.dumps(body))
    if prune := pruner(schema):
        prune(copied)
    schemas.check_of(schema)(copied)
    return copied


def _record(tx: Tx, installation: Installation, actor: str, action: str, token_id: str) -> None:
    facts = {"installation_id": installation.id, "connector": installation.connector, "token_id": token_id}
    accounts.record(tx, installation.account_id, actor, action, facts)
