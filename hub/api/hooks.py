"""Operations of webhooks: where an account's events are posted to, what became of each post, and posting it again."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Row

from connectors.contract import Call, Event, Listed, Operation, Reply, Schema, Trigger
from core import PeerError, Refused, Tx
from hub import secrets
from hub.api.show import iso, iso_or_none
from hub.guard import LONGEST_URL, Guard
from hub.hooks import endpoints, filters, queue
from hub.oauth import grants

SCOPE: Final = "webhooks:manage"
PING: Final = "ping"
_TAG: Final = "Webhooks"


def operations(keys: secrets.Keys, guard: Guard, triggers: Mapping[str, Trigger]) -> tuple[Operation, ...]:
    """The operations, with what they need beside a call: the keys that seal secrets, the guard of addresses, the table of events."""
    return (
        _create(keys, guard, sorted(triggers)),
        *_of_hooks(keys),
        *_of_deliveries(),
    )


def _of_hooks(keys: secrets.Keys) -> tuple[Operation, ...]:
    return (
        _operation("hooks.list", "GET", "/hooks", "List hooks", _list, "read", answers={200: _ref("Hook")}, paged=True),
        _operation("hooks.get", "GET", "/hooks/{id}", "Get a hook", _get, "read", answers={200: _ref("Hook")}),
        _operation(
            "hooks.delete",
            "DELETE",
            "/hooks/{id}",
            "Delete a hook",
            _delete,
            "write",
            answers={200: {"type": "object"}},
        ),
        _operation(
            "hooks.rotate_secret",
            "POST",
            "/hooks/{id}/rotate-secret",
            "Make a new secret",
            partial(_rotate, keys),
            "write",
            description="The new secret is shown this once. The one before signs too for 24 hours.",
            answers={200: _ref("HookWithSecret")},
        ),
        _operation(
            "hooks.enable",
            "POST",
            "/hooks/{id}/enable",
            "Switch a hook on again",
            _enable,
            "write",
            description="After it was switched off for failing or for answering 410. Deliveries that died are replayed one by one.",
            answers={200: _ref("Hook")},
            refusals=("not_found", "too_many_hooks"),
        ),
        _operation(
            "hooks.ping",
            "POST",
            "/hooks/{id}/ping",
            "Send a test event",
            _ping,
            "write",
            description="An event of the type ping. Its delivery tells what the receiver answered.",
            answers={202: _ref("Delivery")},
            refusals=("not_found", "hook_disabled"),
        ),
    )


def _of_deliveries() -> tuple[Operation, ...]:
    return (
        _operation(
            "hooks.deliveries",
            "GET",
            "/hooks/{id}/deliveries",
            "List the deliveries of a hook",
            _deliveries,
            "read",
            query={"status": {"type": "string", "enum": ["pending", "delivered", "dead"]}},
            answers={200: _ref("Delivery")},
            paged=True,
        ),
        _operation(
            "deliveries.replay",
            "POST",
            "/deliveries/{id}/replay",
            "Post a delivery again",
            _replay,
            "write",
            description="It becomes pending with its schedule begun anew, and carries the same webhook-id.",
            answers={202: _ref("Delivery")},
            refusals=("not_found", "hook_disabled"),
        ),
    )


def hook_shape(row: Row[Any]) -> dict[str, Any]:
    """A hook as schemas/Hook.json says; its secret is never shown again."""
    return {
        "id": row.id,
        "url": row.url,
        "events": json.loads(row.events),
        "filters": json.loads(row.filters),
        "batch": row.batch,
        "source": row.source,
        "created_at": iso(row.created_at),
        "previous_secret_until": iso_or_none(row.previous_until),
        "failing_since": iso_or_none(row.failing_since),
        "disabled_at": iso_or_none(row.disabled_at),
        "disabled_reason": row.disabled_reason,
        "delivered": row.delivered,
        "failed": row.failed,
        "dead": row.dead,
    }


def delivery_shape(row: Row[Any]) -> dict[str, Any]:
    """A delivery as schemas/Delivery.json says."""
    return {
        "id": row.id,
        "hook_id": row.hook_id,
        "webhook_id": row.webhook_id,
        "type": row.type,
        "events": row.size,
        "status": row.status,
        "attempts": row.attempt,
        "next_attempt_at": iso_or_none(row.due_at),
        "last_status": row.last_status,
        "last_error": row.last_error,
        "created_at": iso(row.created_at),
        "delivered_at": iso_or_none(row.delivered_at),
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _operation(
    name: str, method: Any, path: str, summary: str, handler: Any, transaction: Any, **more: Any
) -> Operation:
    of_one = {"refusals": ("not_found",)} if "{id}" in path else {}
    return Operation(name, method, path, SCOPE, summary, handler, transaction, _TAG, **(of_one | more))


def _create(keys: secrets.Keys, guard: Guard, events: Sequence[str]) -> Operation:
    body = {
        "type": "object",
        "required": ["url", "events"],
        "additionalProperties": False,
        "properties": {
            "url": {
                "type": "string",
                "minLength": 1,
                "maxLength": LONGEST_URL,
                "description": "Where to post: https or http, a public address",
            },
            "events": {
                "type": "array",
                "items": {"type": "string", "enum": list(events)},
                "minItems": 1,
                "uniqueItems": True,
                "description": "The types of events to post",
            },
            "filters": _ref("HookFilters"),
            "batch": {"type": "boolean", "description": "Post arrays of at most 500 events of one type"},
        },
    }
    return _operation(
        "hooks.create",
        "POST",
        "/hooks",
        "Create a hook",
        partial(_created, keys, guard),
        "own",
        description="The answer holds the secret that signs what is posted, this once.",
        body=body,
        answers={201: _ref("HookWithSecret")},
        refusals=("invalid_url", "invalid_filter", "too_many_hooks"),
    )


def _created(keys: secrets.Keys, guard: Guard, call: Call) -> Reply:
    """Its transaction is its own: the name of the host is looked up before it begins."""
    asked = call.body
    wanted = endpoints.Wanted(
        url=asked["url"],
        events=asked["events"],
        filters=asked.get("filters") or {},
        batch=bool(asked.get("batch")),
        grant_id=grants.of_actor(call.caller.actor),
    )
    filters.check(wanted.filters, wanted.events)
    try:
        guard.vet(wanted.url)
    except PeerError as error:
        detail = f"Events cannot be posted here: {error.detail}. Give the address of a server on the public internet."
        raise Refused.at("/url", "invalid_url", detail) from None
    with call.runtime.begin() as tx:
        row, secret = endpoints.create(call.runtime, tx, keys, call.caller.account_id, wanted, call.caller.source)
    return Reply(hook_shape(row) | {"secret": secret}, 201)


def _list(call: Call, tx: Tx) -> Reply:
    rows = endpoints.page(tx, call.caller.account_id, call.page.limit + 1, call.page.after)
    return _listed(call, [hook_shape(row) for row in rows])


def _get(call: Call, tx: Tx) -> Reply:
    return Reply(hook_shape(_hook(call, tx)))


def _delete(call: Call, tx: Tx) -> Reply:
    endpoints.delete(tx, call.caller.account_id, call.path["id"])
    return Reply({})


def _rotate(keys: secrets.Keys, call: Call, tx: Tx) -> Reply:
    row, secret = endpoints.rotate(call.runtime, tx, keys, call.caller.account_id, call.path["id"])
    return Reply(hook_shape(row) | {"secret": secret})


def _enable(call: Call, tx: Tx) -> Reply:
    return Reply(hook_shape(endpoints.enable(tx, call.caller.account_id, call.path["id"])))


def _ping(call: Call, tx: Tx) -> Reply:
    hook = _hook(call, tx)
    if hook.disabled_at is not None:
        raise Refused("hook_disabled", "This hook is switched off: switch it on first (POST /hooks/{id}/enable).")
    return Reply(delivery_shape(queue.put(tx, hook, Event(tx.new_id(), PING, tx.now, {"hook_id": hook.id}))), 202)


def _deliveries(call: Call, tx: Tx) -> Reply:
    hook = _hook(call, tx)
    rows = queue.page(tx, hook.id, call.query.get("status"), call.page.limit + 1, call.page.after)
    return _listed(call, [delivery_shape(row) for row in rows])


def _replay(call: Call, tx: Tx) -> Reply:
    row = queue.replay(tx, call.caller.account_id, endpoints.known_id(call.path["id"]))
    return Reply(delivery_shape(row), 202)


def _hook(call: Call, tx: Tx) -> Row[Any]:
    return endpoints.get(tx, call.caller.account_id, call.path["id"])


def _listed(call: Call, items: Sequence[dict[str, Any]]) -> Reply:
    """A page out of one item more than it holds: that one says whether there is another."""
    shown = items[: call.page.limit]
    return Reply(Listed(shown, shown[-1]["id"] if len(items) > len(shown) else None))
