"""/me: the account behind the key; and what it may send from."""

from collections.abc import Mapping
from typing import Any, Final

from connectors.contract import Call, Listed, Operation, Reply
from core import Account, Caller, Tx, accounts, blacklist, hours, ledger
from hub.api.show import credits_of

HOME: Final = "FR"  # the country of the short code in the mention


def read_me(call: Call, tx: Tx) -> Reply:
    return Reply(_shown(tx, accounts.get(tx, call.caller.account_id), call.caller))


def change_me(call: Call, tx: Tx) -> Reply:
    account = accounts.change(tx, call.caller.account_id, call.body, call.caller.actor)
    return Reply(_shown(tx, account, call.caller))


def list_senders(call: Call, tx: Tx) -> Reply:
    account = accounts.get(tx, call.caller.account_id)
    default = account.default_sender or tx.rules.short_code
    numbers = [row.number for row in accounts.inbound(tx, account.id)]
    names = accounts.sender_names(tx, account.id)
    found = dict.fromkeys((default, *numbers, *names))  # in this order, each once
    items = [
        _sender(sender, default=sender == default, replies=sender in (*numbers, tx.rules.short_code))
        for sender in found
    ]
    return Reply(Listed(items, None))


def list_inbound_numbers(call: Call, tx: Tx) -> Reply:
    rows = accounts.inbound(tx, call.caller.account_id)
    found = [{"number": row.number, "country": row.country, "shared": row.account_id is None} for row in rows]
    code = tx.rules.short_code  # the hub's own takes replies though nobody declared it
    if code in blacklist.scopes_of(tx, call.caller.account_id) and code not in {one["number"] for one in found}:
        found.append({"number": code, "country": HOME, "shared": True})
    return Reply(Listed(found, None))


def _sender(sender: str, *, default: bool, replies: bool) -> dict[str, Any]:
    return {
        "sender": sender,
        "type": "number" if sender.isdecimal() else "name",
        "default": default,
        "takes_replies": replies,
    }


def _shown(tx: Tx, account: Account, caller: Caller) -> dict[str, Any]:
    return {
        "account_id": account.id,
        "account_name": account.name,
        "kind": account.kind,
        "plan": account.plan,
        "credits": credits_of(ledger.balance(tx, account.id).available),
        "region": account.region,
        "timezone": account.timezone,
        "default_sender": account.default_sender or tx.rules.short_code,
        "stop": account.stop,
        "sending_hours": _hours(tx.rules.hours, account.region),
        "user": caller.user,
        "scopes": sorted(caller.scopes),
    }


def _hours(rules: hours.Hours | None, region: str) -> Mapping[str, Any] | None:
    """When marketing may reach people of the account's region; null for at any time."""
    rule = (rules.rules.get(region) or rules.rules.get("*")) if rules else None
    if rule is None:
        return None
    opened = {
        day: [_clock(minutes) for minutes in window] for day, window in zip(_DAYS, rule.week, strict=True) if window
    }
    return {"zone": rule.zone.key, "open": opened, "holidays": rule.holidays}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

OPERATIONS: Final = (
    Operation(
        name="read_me",
        method="GET",
        path="/me",
        scope=None,
        tag="Account",
        summary="The account behind the key",
        handler=read_me,
        transaction="read",
        answers={200: {"$ref": "#/components/schemas/Me"}},
    ),
    Operation(
        name="change_me",
        method="PATCH",
        path="/me",
        scope="account:write",
        tag="Account",
        summary="Change the account's settings",
        description="`default_sender: null` goes back to the short code. A marketing account can't switch the STOP mention off.",
        handler=change_me,
        transaction="write",
        body={"$ref": "#/components/schemas/MeChange"},
        answers={200: {"$ref": "#/components/schemas/Me"}},
        refusals=("invalid_account", "stop_required", "sender_forbidden"),
    ),
    Operation(
        name="list_senders",
        method="GET",
        path="/senders",
        scope=None,
        tag="Account",
        summary="What this account may send from",
        description="Any name of 1 to 11 letters, digits and spaces with a letter is allowed too; those that were used are listed.",
        handler=list_senders,
        transaction="read",
        paged=True,
        answers={200: {"$ref": "#/components/schemas/Sender"}},
    ),
    Operation(
        name="list_inbound_numbers",
        method="GET",
        path="/inbound-numbers",
        scope=None,
        tag="Account",
        summary="Where replies to this account arrive",
        handler=list_inbound_numbers,
        transaction="read",
        paged=True,
        answers={200: {"$ref": "#/components/schemas/InboundNumber"}},
    ),
)
