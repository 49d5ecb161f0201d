"""/messages: send to one number, or to up to 10,000 at once; find, change, cancel and copy."""

from collections.abc import Mapping
from typing import Any, Final

from connectors.contract import Call, Listed, Operation, Reply, Schema
from core import Account, Fault, Refused, Tx, accounts, message, number, singles, submit
from core import drafts as core_drafts
from hub import problems
from hub.api import guard, schemas
from hub.api.shapes import message_shape
from hub.api.show import read_time

_DRAFT: Final = schemas.resolved({"$ref": "#/components/schemas/MessageDraft"})
_check_draft: Final = schemas.check_of(_DRAFT)
_prune_draft: Final = guard.pruner(_DRAFT)


def send_message(call: Call, tx: Tx) -> Reply:
    account = accounts.get(tx, call.caller.account_id)
    return Reply(message_shape(submit.submit_one(tx, account, call.caller.source, draft_of(call.body))), 201)


def send_batch(call: Call, tx: Tx) -> Reply:
    """Each draft is read, accepted or refused for itself."""
    account = accounts.get(tx, call.caller.account_id)
    read = [_read(given) for given in call.body["messages"]]
    drafts = [draft for draft in read if isinstance(draft, core_drafts.Draft)]
    accepted = iter(submit.submit(tx, account, call.caller.source, drafts))
    results = [next(accepted) if isinstance(draft, core_drafts.Draft) else draft for draft in read]
    return Reply({"items": [_item(place, result, call.request_id) for place, result in enumerate(results)]})


def list_messages(call: Call, tx: Tx) -> Reply:
    filters = _filters(call.query, accounts.get(tx, call.caller.account_id))
    rows = singles.listing(tx, call.caller.account_id, call.page.limit + 1, call.page.after, filters)
    shown = rows[: call.page.limit]
    return Reply(Listed([message_shape(row) for row in shown], shown[-1].id if len(rows) > len(shown) else None))


def read_message(call: Call, tx: Tx) -> Reply:
    return Reply(message_shape(singles.get(tx, call.caller.account_id, call.path["message_id"])))


def change_message(call: Call, tx: Tx) -> Reply:
    account = accounts.get(tx, call.caller.account_id)
    return Reply(message_shape(singles.edit(tx, account, call.path["message_id"], _given(call.body))))


def cancel_message(call: Call, tx: Tx) -> Reply:
    return Reply(message_shape(singles.cancel(tx, call.caller.account_id, call.path["message_id"])))


def copy_message(call: Call, tx: Tx) -> Reply:
    account = accounts.get(tx, call.caller.account_id)
    return Reply(message_shape(singles.copy(tx, account, call.caller.source, call.path["message_id"])), 201)


def draft_of(body: Mapping[str, Any]) -> core_drafts.Draft:
    """The engine's draft out of a request that fits schemas/MessageDraft.json."""
    return core_drafts.Draft(**_given(body))


def refuse_links(body: Mapping[str, Any]) -> None:
    """Links can't be shortened yet, and pretending would be a lie."""
    if body.get("shorten_links"):
        raise Refused.at(
            "/shorten_links", "not_enabled", "Links are not shortened yet: leave shorten_links out, or false."
        )


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    refuse_links(body)
    given = {name: value for name, value in body.items() if name != "shorten_links"}
    if "send_at" in given:
        given["send_at"] = read_time(given["send_at"], "/send_at")
    return given


def _read(given: Any) -> core_drafts.Draft | Refused:
    try:
        if _prune_draft is not None:
            _prune_draft(given)
        _check_draft(given)
        return draft_of(given)
    except Refused as refusal:
        return refusal


def _item(place: int, result: core_drafts.Message | Refused, request_id: str) -> dict[str, Any]:
    if not isinstance(result, Refused):
        return {"index": place, "message": message_shape(result)}
    faults = tuple(Fault(f"/messages/{place}{fault.pointer}", fault.message) for fault in result.faults)
    problem = problems.problem(result.code, result.detail, request_id, faults)
    return {"index": place, "problem": problem.body}


def _filters(query: Mapping[str, Any], account: Account) -> singles.Filters:
    to = query.get("to")
    times: dict[str, Any] = {
        name: read_time(query[name], f"/{name}") for name in ("created_after", "created_before") if name in query
    }
    same: dict[str, Any] = {name: query[name] for name in ("status", "campaign_id", "reference") if name in query}
    return singles.Filters(**same, **times, number=None if to is None else _number(to, account.region))


def _number(text: str, region: str) -> int:
    try:
        return number.parse(text, region).value
    except Refused as refusal:
        raise refusal.about("/to") from None


STATUS: Final[Schema] = {"type": "string", "enum": sorted(message.STATUSES)}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_MESSAGE: Final[Schema] = {"$ref": "#/components/schemas/Message"}
SENDING_REFUSALS: Final = (
    "not_enough_credits",
    "sender_forbidden",
    "invalid_number",
    "fixed_line_number",
    "not_mobile_number",
    "unpriced_country",
    "text_empty",
    "text_too_long",
    "text_invalid",
    "stop_required",
    "purpose_forbidden",
    "otp_not_granted",
    "not_enabled",
    "invalid_time",
    "no_carrier",
)

OPERATIONS: Final = (
    Operation(
        name="send_message",
        method="POST",
        path="/messages",
        scope="messages:send",
        tag="Messages",
        summary="Send a message, now or later",
        description="A number that opted out answers 201 with `status: blacklisted` and costs nothing. "
        "With an Idempotency-Key the same request is done once, however often it is made.",
        handler=send_message,
        transaction="write",
        keyed=True,
        body={"$ref": "#/components/schemas/MessageDraft"},
        answers={201: _MESSAGE},
        refusals=SENDING_REFUSALS,
    ),
    Operation(
        name="send_batch",
        method="POST",
        path="/messages/batch",
        scope="messages:send",
        tag="Messages",
        summary="Send up to 10,000 messages",
        description="The ones that are right are sent; each of the others has its problem, at its place.",
        handler=send_batch,
        transaction="write",
        keyed=True,
        body={"$ref": "#/components/schemas/BatchDraft"},
        answers={200: {"$ref": "#/components/schemas/BatchAnswer"}},
    ),
    Operation(
        name="list_messages",
        method="GET",
        path="/messages",
        scope="messages:read",
        tag="Messages",
        summary="Messages, newest first",
        handler=list_messages,
        transaction="read",
        paged=True,
        query={
            "status": STATUS,
            "campaign_id": {"type": "string", "format": "uuid"},
            "reference": {"type": "string", "maxLength": 140},
            "to": {"type": "string", "maxLength": 64},
            "created_after": TIME,
            "created_before": TIME,
        },
        answers={200: _MESSAGE},
        refusals=("invalid_number", "fixed_line_number", "not_mobile_number", "invalid_time"),
    ),
    Operation(
        name="read_message",
        method="GET",
        path="/messages/{message_id}",
        scope="messages:read",
        tag="Messages",
        summary="One message",
        handler=read_message,
        transaction="read",
        answers={200: _MESSAGE},
        refusals=("not_found",),
    ),
    Operation(
        name="change_message",
        method="PATCH",
        path="/messages/{message_id}",
        scope="messages:send",
        tag="Messages",
        summary="Change a scheduled message",
        description="Wholly or, once it has started, not at all (409).",
        handler=change_message,
        transaction="write",
        body={"$ref": "#/components/schemas/MessageChange"},
        answers={200: _MESSAGE},
        refusals=("not_found", "already_started", *SENDING_REFUSALS),
    ),
    Operation(
        name="cancel_message",
        method="DELETE",
        path="/messages/{message_id}",
        scope="messages:send",
        tag="Messages",
        summary="Call a message off, or hide it",
        description="Scheduled or queued: it is cancelled. Under way: 409. Over: it leaves the lists and stays in reports.",
        handler=cancel_message,
        transaction="write",
        answers={200: _MESSAGE},
        refusals=("not_found", "in_progress"),
    ),
    Operation(
        name="copy_message",
        method="POST",
        path="/messages/{message_id}/copy",
        scope="messages:send",
        tag="Messages",
        summary="Send the same again, as a new message",
        description="At the original's time if that is still to come, else now.",
        handler=copy_message,
        transaction="write",
        keyed=True,
        answers={201: _MESSAGE},
        refusals=("not_found", *SENDING_REFUSALS),
    ),
)
