"""/credits: the balance, transfers, and the alert."""

from typing import Any, Final

from sqlalchemy import Row

from connectors.contract import Call, Listed, Operation, Reply
from core import Fault, Refused, Tx, accounts, alerts, ledger, tariff
from hub.api.show import credits_of, iso


def read_credits(call: Call, tx: Tx) -> Reply:
    return Reply(_balance(tx, call.caller.account_id))


def list_transfers(call: Call, tx: Tx) -> Reply:
    rows = ledger.history(tx, call.caller.account_id, call.page.limit + 1, call.page.after)
    shown = rows[: call.page.limit]
    return Reply(Listed([_transfer(row) for row in shown], shown[-1].id if len(rows) > len(shown) else None))


def make_transfer(call: Call, tx: Tx) -> Reply:
    given, mine = call.body, call.caller.account_id
    millicredits = _millicredits("/credits", given["credits"])
    ledger.transfer(tx, mine, given["to_account"], millicredits, given.get("reference"), call.caller.actor)
    (made,) = ledger.history(tx, mine, 1, None)
    return Reply(_transfer(made), 201)


def set_alert(call: Call, tx: Tx) -> Reply:
    alerts.set_threshold(tx, call.caller.account_id, _millicredits("/threshold", call.body["threshold"]))
    return Reply(_balance(tx, call.caller.account_id))


def _balance(tx: Tx, account_id: str) -> dict[str, Any]:
    balance = ledger.balance(tx, account_id)
    threshold = accounts.get(tx, account_id).alert_threshold
    return {
        "available": credits_of(balance.available),
        "held": credits_of(balance.held),
        "alert_threshold": credits_of(threshold),
    }


def _transfer(row: Row[Any]) -> dict[str, Any]:
    """A transfer as this account sees it: what left is negative."""
    return {
        "id": row.id,
        "kind": row.kind,
        "credits": -credits_of(row.millicredits) if row.outgoing else credits_of(row.millicredits),
        "other_account": row.other_account if row.kind == "transfer" else None,
        "reference": row.reason if row.kind in ("transfer", "grant") else None,
        "created_at": iso(row.at),
    }


def _millicredits(pointer: str, written: float) -> int:
    try:
        return tariff.to_millicredits(written)
    except Refused as refusal:
        raise Refused(refusal.code, refusal.detail, (Fault(pointer, refusal.detail),)) from None


OPERATIONS: Final = (
    Operation(
        name="read_credits",
        method="GET",
        path="/credits",
        scope="credits:read",
        tag="Credits",
        summary="What the account can spend",
        description="`held` is set aside for messages that are queued: it is spent when they are sent, and free again if they are not.",
        handler=read_credits,
        transaction="read",
        answers={200: {"$ref": "#/components/schemas/Credits"}},
    ),
    Operation(
        name="list_transfers",
        method="GET",
        path="/credits/transfers",
        scope="credits:read",
        tag="Credits",
        summary="Everything that moved the balance, newest first",
        handler=list_transfers,
        transaction="read",
        paged=True,
        answers={200: {"$ref": "#/components/schemas/Transfer"}},
    ),
    Operation(
        name="make_transfer",
        method="POST",
        path="/credits/transfers",
        scope="credits:transfer",
        tag="Credits",
        summary="Give credits to another account",
        handler=make_transfer,
        transaction="write",
        keyed=True,
        body={"$ref": "#/components/schemas/TransferDraft"},
        answers={201: {"$ref": "#/components/schemas/Transfer"}},
        refusals=("not_enough_credits", "unknown_account", "same_account", "invalid_amount", "invalid_credits"),
    ),
    Operation(
        name="set_alert",
        method="PUT",
        path="/credits/alert",
        scope="account:write",
        tag="Credits",
        summary="Be told by mail when credits run low",
        description="One mail for each time the balance falls below the threshold; 0 for none.",
        handler=set_alert,
        transaction="write",
        body={"$ref": "#/components/schemas/Alert"},
        answers={200: {"$ref": "#/components/schemas/Credits"}},
        refusals=("invalid_amount", "invalid_credits"),
    ),
)
