"""/connectors and /installations: which connectors there are, and the account's own links to them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.contract import Call, Connector, Installation, Listed, Operation, Reply, Schema
from core import Refused, Tx
from hub.api.show import iso
from hub.installations import tokens
from hub.installations.book import LOST, Book, Shown
from hub.installations.health import Health

SCOPE: Final = "account:write"
_TAG: Final = "Connectors"
_ID: Final = ("not_found",)

Ask = Callable[[Sequence[tuple[Connector, Installation]]], Mapping[str, Health]]


def operations(book: Book, ask: Ask) -> tuple[Operation, ...]:
    """The operations, with the book and what asks after the health of installations."""
    desk = _Desk(book, ask)
    return (
        Operation(
            "list_connectors",
            "GET",
            "/connectors",
            None,
            "The connectors of this hub",
            desk.connectors,
            "own",
            _TAG,
            description="Each with the schema of its settings and, for a key with the scope account:write, the account's own installation "
            "of it and how that is.",
            answers={200: _ref("Connector")},
            paged=True,
        ),
        _operation(
            "list_installations", "GET", "", "The account's installations, newest first", desk.listed, paged=True
        ),
        _operation(
            "create_installation",
            "POST",
            "",
            "Install a connector",
            desk.create,
            description="One installation for each account and connector. What is writeOnly in the schema of the settings is a secret: it is "
            "kept sealed, and never shown again.",
            body=_ref("InstallationDraft"),
            answers={201: _ref("Installation")},
            refusals=("not_found", "already_exists", "not_installable"),
        ),
        _operation("read_installation", "GET", "/{id}", "One installation", desk.read, refusals=_ID),
        _operation(
            "change_installation",
            "PATCH",
            "/{id}",
            "Change the settings of an installation",
            desk.change,
            description="`settings` is a JSON merge patch (RFC 7396): null removes a field, and what is not named stays, secrets too.",
            body=_ref("InstallationChange"),
            refusals=_ID,
        ),
        _operation(
            "delete_installation",
            "DELETE",
            "/{id}",
            "Remove an installation",
            desk.delete,
            description="Its settings and secrets are gone. Messages that it sent stay.",
            answers={200: {"type": "object", "additionalProperties": False}},
            refusals=_ID,
        ),
        *tokens.operations(book, SCOPE, _TAG),
    )


@dataclass(frozen=True, slots=True)
class _Desk:
    """The handlers."""

    book: Book
    ask: Ask

    def connectors(self, call: Call) -> Reply:
        """Its transaction is its own: a check may take its time, and holds none open."""
        names = sorted(one.name for one in self.book.registry.connectors)
        after = call.page.after or ""
        shown = [name for name in names if name > after][: call.page.limit]
        chosen = [self.book.registry.get(name) for name in shown]
        mine = self._mine(call, chosen) if SCOPE in call.caller.scopes else {}
        found = self.ask([(connector, mine[connector.name]) for connector in chosen if connector.name in mine])
        items = [connector_shape(connector, mine.get(connector.name), found) for connector in chosen]
        return Reply(Listed(items, shown[-1] if shown and shown[-1] != names[-1] else None))

    def _mine(self, call: Call, chosen: Sequence[Connector]) -> Mapping[str, Installation]:
        with call.runtime.read() as tx:
            found = self.book.of_accounts(tx, [call.caller.account_id], [connector.name for connector in chosen])
        return {installation.connector: installation for installation in found}

    def listed(self, call: Call, tx: Tx) -> Reply:
        found = self.book.page(tx, call.caller.account_id, call.page.limit + 1, call.page.after)
        shown = found[: call.page.limit]
        items = [installation_shape(one) for one in shown]
        return Reply(Listed(items, shown[-1].id if len(found) > len(shown) else None))

    def create(self, call: Call, tx: Tx) -> Reply:
        connector = installable(self.book, call.body["connector"])
        settings = call.body.get("settings", {})
        made = self.book.create(tx, call.caller.account_id, connector, settings, call.caller.actor)
        return Reply(self._shown(call, tx, made.id), 201)

    def read(self, call: Call, tx: Tx) -> Reply:
        return Reply(self._shown(call, tx, call.path["id"]))

    def change(self, call: Call, tx: Tx) -> Reply:
        who = call.caller
        self.book.change(tx, who.account_id, call.path["id"], call.body["settings"], who.actor)
        return Reply(self._shown(call, tx, call.path["id"]))

    def delete(self, call: Call, tx: Tx) -> Reply:
        self.book.remove(tx, call.caller.account_id, call.path["id"], call.caller.actor)
        return Reply({})

    def _shown(self, call: Call, tx: Tx, installation_id: str) -> dict[str, Any]:
        return installation_shape(self.book.shown(tx, call.caller.account_id, installation_id))


def installable(book: Book, name: str) -> Connector:
    """The connector of this name, if it is installed by its settings. Refuses `not_found`, and `not_installable` with the way it is."""
    connector = book.registry.find(name)
    if connector is None:
        known = ", ".join(sorted(one.name for one in book.registry.connectors)) or "none"
        raise Refused.at("/connector", "not_found", f"There is no connector {name!r}; there are: {known}.")
    if connector.auth != "settings":
        ways = {
            "oauth": f"connect it in {connector.title}, which asks for your consent",
            "flow": f"install it in {connector.title}, which leads here",
        }
        detail = f"{connector.title} is not installed by its settings: {ways[connector.auth]}."
        raise Refused.at("/connector", "not_installable", detail)
    return connector


def connector_shape(
    connector: Connector, installation: Installation | None, health: Mapping[str, Health]
) -> dict[str, Any]:
    """A connector as schemas/Connector.json says."""
    return {
        "name": connector.name,
        "title": connector.title,
        "description": connector.description,
        "auth": connector.auth,
        "settings": connector.settings,
        "tokens": connector.tokens.fields if connector.tokens else None,
        "triggers": list(connector.triggers),
        "actions": [
            {"name": action.name, "title": action.title, "description": action.description}
            for action in connector.actions
        ],
        "installation_id": installation.id if installation else None,
        "health": health[installation.id].shape() if installation else None,
    }


def installation_shape(shown: Shown) -> dict[str, Any]:
    """An installation as schemas/Installation.json says: where secrets are set is told, what they are is not."""
    return {
        "id": shown.id,
        "connector": shown.connector,
        "settings": shown.settings,
        "secrets": list(shown.secrets),
        "status_detail": LOST if shown.lost else None,
        "created_at": iso(shown.created_at),
        "updated_at": iso(shown.updated_at),
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _operation(name: str, method: Any, path: str, summary: str, handler: Any, **more: Any) -> Operation:
    plain = {
        "name": name,
        "method": method,
        "path": f"/installations{path}",
        "scope": SCOPE,
        "summary": summary,
        "handler": handler,
        "transaction": "read" if method == "GET" else "write",
        "tag": _TAG,
        "answers": {200: _ref("Installation")},
    }
    return Operation(**(plain | more))
