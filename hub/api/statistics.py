"""/statistics/sends: when, where to and for what the account sends."""

from typing import Any, Final

from connectors.contract import Call, Operation, Reply
from core import Refused, Tx, accounts, sends
from hub.api.show import credits_of, iso, read_time

MONTH_MS: Final = 30 * 24 * 3_600_000
LONGEST_MS: Final = 366 * 24 * 3_600_000
FIRST_MS: Final = -62_135_596_800_000  # the year 1, where the calendar begins


def read_sends(call: Call, tx: Tx) -> Reply:
    account = accounts.get(tx, call.caller.account_id)
    query = call.query
    until = read_time(query["to"], "/to") if "to" in query else tx.now + 1
    since = read_time(query["from"], "/from") if "from" in query else max(until - MONTH_MS, FIRST_MS)
    if not 0 < until - since <= LONGEST_MS:
        raise Refused.at("/from", "invalid_request", "`from` must be before `to`, by at most 366 days.")
    by = query.get("by", "day")
    items: list[dict[str, Any]] = [
        {name: value for name, value in line.items() if name != "millicredits"}
        | {"credits": credits_of(line["millicredits"])}
        for line in sends.sends(tx, account.id, account.zone, since, until, by)
    ]
    return Reply({"by": by, "from": iso(since), "to": iso(until), "timezone": account.timezone, "items": items})


OPERATIONS: Final = (
    Operation(
        name="read_sends",
        method="GET",
        path="/statistics/sends",
        scope="stats:read",
        tag="Statistics",
        summary="What was sent, by day, weekday, hour, country or purpose",
        description="The last 30 days unless told otherwise. Days and hours are those of the account's timezone.",
        handler=read_sends,
        transaction="read",
        query={
            "by": {"type": "string", "enum": list(sends.BY)},
            "from": {"type": "string", "format": "date-time"},
            "to": {"type": "string", "format": "date-time"},
        },
        answers={200: {"$ref": "#/components/schemas/Sends"}},
        refusals=("invalid_time",),
    ),
)
