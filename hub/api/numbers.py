"""/numbers: what a number is, and whether it can be texted."""

from typing import Final

from connectors.contract import Call, Operation, Reply
from core import Tx, accounts, number


def look_up(call: Call, tx: Tx) -> Reply:
    found = number.lookup(call.body["number"], accounts.get(tx, call.caller.account_id).region)
    return Reply({name: getattr(found, name) for name in ("e164", "country", "type", "valid", "accepted", "reason")})


OPERATIONS: Final = (
    Operation(
        name="look_up_number",
        method="POST",
        path="/numbers/lookup",
        scope=None,
        tag="Numbers",
        summary="Look a number up",
        description="`valid`: a number of its country. `accepted`: it can be texted; `reason` says why not. "
        "Local forms are read in the account's region. Nothing is sent, and nobody is asked: the answer comes from numbering plans.",
        handler=look_up,
        transaction="read",
        body={"$ref": "#/components/schemas/NumberQuestion"},
        answers={200: {"$ref": "#/components/schemas/NumberAnswer"}},
    ),
)
