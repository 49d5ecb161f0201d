"""/simulator: a stand-in for the people outside, where the simulator is a carrier: what was sent to them, and what they answer."""

from typing import Any, Final

from connectors.contract import Call, Listed, Operation, Reply
from core import Refused, Simulator, accounts, singles
from hub.api.shapes import e164
from hub.api.show import NUMBER_REFUSALS, iso, read_number

READ_AT_ONCE: Final = 200


def say(call: Call) -> Reply:
    """A recipient answers; the reply comes in as from any carrier."""
    simulator = _simulator(call)
    with call.runtime.read() as tx:
        region = accounts.get(tx, call.caller.account_id).region
    person = read_number(call.body["from"], region, "/from")
    simulator.reply(person, call.body["to"].removeprefix("+"), call.body["text"])
    call.runtime.doorbell.ring("inbound")
    return Reply({}, 202)


def list_sent(call: Call) -> Reply:
    """What the simulator took of this account's messages and of the hub's own, in order. Its log has everybody's: others' are passed over."""
    simulator = _simulator(call)
    with call.runtime.read() as tx:
        region = accounts.get(tx, call.caller.account_id).region
    to = read_number(call.query["to"], region, "/to") if "to" in call.query else None
    found: list[dict[str, Any]] = []
    after = int(call.page.after or 0)
    while True:
        taken = simulator.sent(to, READ_AT_ONCE, after)
        with call.runtime.read() as tx:
            references = [one.reference for one in taken]
            shown = singles.owned(tx, call.caller.account_id, references) | singles.hubs_own(tx, references)
        for one in taken:
            if one.reference in shown:
                if len(found) == call.page.limit:
                    return Reply(Listed(found, str(after)))
                found.append(
                    {
                        "to": e164(one.number),
                        "sender": one.sender,
                        "text": one.text,
                        "reference": one.reference,
                        "at": iso(one.at),
                    }
                )
            after = one.seq
        if len(taken) < READ_AT_ONCE:
            return Reply(Listed(found, None))


def _simulator(call: Call) -> Simulator:
    for carrier in call.runtime.carriers.values():
        if isinstance(carrier, Simulator):
            return carrier
    raise Refused("not_found", "The simulator is not a carrier of this hub.")


_REFUSALS: Final = ("not_found", *NUMBER_REFUSALS)

OPERATIONS: Final = (
    Operation(
        name="simulate_reply",
        method="POST",
        path="/simulator/replies",
        scope="messages:send",
        tag="Simulator",
        summary="Let a recipient answer",
        handler=say,
        transaction="own",
        body={"$ref": "#/components/schemas/SimulatedReply"},
        answers={202: {"type": "object", "additionalProperties": False}},
        refusals=_REFUSALS,
    ),
    Operation(
        name="list_simulated",
        method="GET",
        path="/simulator/sent",
        scope="messages:read",
        tag="Simulator",
        summary="What the simulator was given, in order",
        handler=list_sent,
        transaction="own",
        paged=True,
        query={"to": {"type": "string", "maxLength": 64}},
        answers={200: {"$ref": "#/components/schemas/Simulated"}},
        refusals=_REFUSALS,
    ),
)
