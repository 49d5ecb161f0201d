"""/keys: the account's API keys. A secret is shown once, when it is made; its digest is all that is kept."""

import base64
from typing import Any, Final

from connectors.contract import Call, Listed, Operation, Reply
from core import Refused, Runtime, Tx, accounts
from hub.api.show import iso, iso_or_none

SECRET_BITS: Final = 256


def new_secret(runtime: Runtime) -> str:
    """A key's secret: its prefix tells scanners of leaked secrets what it is."""
    drawn = runtime.random.getrandbits(SECRET_BITS).to_bytes(SECRET_BITS // 8, "big")
    return accounts.KEY_PREFIX + base64.urlsafe_b64encode(drawn).decode().rstrip("=")


def list_keys(call: Call, tx: Tx) -> Reply:
    found = sorted(accounts.keys(tx, call.caller.account_id), key=lambda key: str(key["id"]), reverse=True)
    older = [key for key in found if call.page.after is None or key["id"] < call.page.after]
    shown = older[: call.page.limit]
    return Reply(Listed([_shown(key) for key in shown], shown[-1]["id"] if len(older) > len(shown) else None))


def create_key(call: Call, tx: Tx) -> Reply:
    scopes = sorted(set(call.body["scopes"]))
    if lacking := [scope for scope in scopes if scope in accounts.SCOPES and scope not in call.caller.scopes]:
        raise Refused.at(
            "/scopes", "insufficient_scope", f"A key can't give what its maker lacks: {', '.join(lacking)}."
        )
    secret = new_secret(call.runtime)
    key_id = accounts.create_key(tx, call.caller.account_id, call.body["name"], scopes, secret, call.caller.actor)
    made = next(key for key in accounts.keys(tx, call.caller.account_id) if key["id"] == key_id)
    return Reply(_shown(made) | {"key": secret}, 201)


def revoke_key(call: Call, tx: Tx) -> Reply:
    accounts.revoke_key(tx, call.caller.account_id, call.path["id"], call.caller.actor)
    return Reply({})


def _shown(key: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": key["id"],
        "name": key["name"],
        "prefix": key["prefix"],
        "scopes": key["scopes"],
        "created_at": iso(key["created_at"]),
        "last_used_at": iso_or_none(key["last_used_at"]),
        "revoked_at": iso_or_none(key["revoked_at"]),
    }


OPERATIONS: Final = (
    Operation(
        name="list_keys",
        method="GET",
        path="/keys",
        scope="account:write",
        tag="Keys",
        summary="The account's API keys, newest first",
        handler=list_keys,
        transaction="read",
        paged=True,
        answers={200: {"$ref": "#/components/schemas/Key"}},
    ),
    Operation(
        name="create_key",
        method="POST",
        path="/keys",
        scope="account:write",
        tag="Keys",
        summary="Make an API key",
        description="The answer's `key` is shown this once. A key can't have scopes that the one which makes it lacks.",
        handler=create_key,
        transaction="write",
        body={"$ref": "#/components/schemas/KeyDraft"},
        answers={201: {"$ref": "#/components/schemas/NewKey"}},
        refusals=("unknown_scope", "insufficient_scope"),
    ),
    Operation(
        name="revoke_key",
        method="DELETE",
        path="/keys/{id}",
        scope="account:write",
        tag="Keys",
        summary="Revoke an API key",
        description="Every process refuses it at the latest two seconds later.",
        handler=revoke_key,
        transaction="write",
        answers={200: {"type": "object", "additionalProperties": False}},
        refusals=("not_found",),
    ),
)
