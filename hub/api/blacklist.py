"""/blacklist: numbers that must not be texted."""

import json
import re
from typing import Final

from connectors.contract import Call, Listed, Operation, Reply
from core import Refused, Tx, accounts, blacklist, number
from hub.api.shapes import Shape, e164
from hub.api.show import NUMBER_REFUSALS, iso, read_number

_ENTRY: Final = {"$ref": "#/components/schemas/BlacklistEntry"}
_E164: Final = re.compile(r"\+?([1-9][0-9]{6,14})", re.ASCII)


def list_blacklist(call: Call, tx: Tx) -> Reply:
    page = call.page
    after = blacklist.Place(*json.loads(page.after)) if page.after else None
    found = blacklist.listed(tx, call.caller.account_id, page.limit + 1, after, call.query.get("q"))
    shown = found[: page.limit]
    last = json.dumps([shown[-1].created_at, shown[-1].number, shown[-1].scope]) if len(found) > len(shown) else None
    return Reply(Listed([_shape(entry) for entry in shown], last))


def add_to_blacklist(call: Call, tx: Tx) -> Reply:
    account_id, body = call.caller.account_id, call.body
    found = read_number(body["number"], accounts.get(tx, account_id).region, "/number")
    new = blacklist.add(tx, account_id, found, body.get("reason"), call.caller.source)
    return Reply(_shape(blacklist.get(tx, account_id, found)), 201 if new else 200)


def read_blacklist_entry(call: Call, tx: Tx) -> Reply:
    return Reply(_shape(blacklist.get(tx, call.caller.account_id, _number(call, tx))))


def remove_from_blacklist(call: Call, tx: Tx) -> Reply:
    found = _number(call, tx)
    left = blacklist.remove(tx, call.caller.account_id, found)
    return Reply({"number": e164(found), "still_on": left})


def _number(call: Call, tx: Tx) -> int:
    """The number of the address. An entry stays reachable by its digits even where no numbering plan knows them any more."""
    written = call.path["number"]
    try:
        return number.parse(written, accounts.get(tx, call.caller.account_id).region).value
    except Refused:
        if whole := _E164.fullmatch(written):
            return int(whole[1])
        raise Refused("not_found", "This number is not on the blacklist.") from None


def _shape(entry: blacklist.Entry) -> Shape:
    return {
        "number": e164(entry.number),
        "reason": entry.reason,
        "source": entry.source,
        "code": entry.code,
        "message_id": entry.message_id,
        "created_at": iso(entry.created_at),
    }


OPERATIONS: Final = (
    Operation(
        name="list_blacklist",
        method="GET",
        path="/blacklist",
        scope="contacts:read",
        tag="Blacklist",
        summary="Numbers that opted out, newest first",
        description="The account's own, and those of codes that only it uses. People who opted out of a shared code are not listed "
        "to every account that uses it: ask for one number.",
        handler=list_blacklist,
        transaction="read",
        paged=True,
        query={
            "q": {"type": "string", "maxLength": 40, "description": "The beginning of a number.", "examples": ["0612"]}
        },
        answers={200: _ENTRY},
        refusals=("invalid_search",),
    ),
    Operation(
        name="add_to_blacklist",
        method="POST",
        path="/blacklist",
        scope="blacklist:write",
        tag="Blacklist",
        summary="Never text a number again",
        description="Its contacts are archived. 201 with the entry; 200 with the entry that was there before.",
        handler=add_to_blacklist,
        transaction="write",
        body={"$ref": "#/components/schemas/BlacklistDraft"},
        answers={201: _ENTRY, 200: _ENTRY},
        refusals=NUMBER_REFUSALS,
    ),
    Operation(
        name="read_blacklist_entry",
        method="GET",
        path="/blacklist/{number}",
        scope="contacts:read",
        tag="Blacklist",
        summary="What keeps a number from being texted",
        description="The account's entry, or that of a shared code which binds it. 404: nothing does.",
        handler=read_blacklist_entry,
        transaction="read",
        answers={200: _ENTRY},
        refusals=("not_found",),
    ),
    Operation(
        name="remove_from_blacklist",
        method="DELETE",
        path="/blacklist/{number}",
        scope="blacklist:write",
        tag="Blacklist",
        summary="Take a number off the account's list",
        description="Only when the person asked for it. `still_on` names shared codes that the person opted out of: those still bind. "
        "Archived contacts stay archived until they are restored.",
        handler=remove_from_blacklist,
        transaction="write",
        answers={200: {"$ref": "#/components/schemas/BlacklistRemoval"}},
        refusals=("not_found", "shared_optout"),
    ),
)
