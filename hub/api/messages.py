"""/messages: send to one number, or to up to 10,000 at once; find, change, cancel and copy."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.contract import Call, Listed, Operation, Reply, Schema
from core import Account, Refused, Tx, accounts, message, singles, submit
from hub.api import batches, drafting
from hub.api.shapes import message_shape
from hub.api.show import NUMBER_REFUSALS, read_number, read_time


def send_messages(calls: Sequence[Call], tx: Tx) -> list[Reply | Refused]:
    """Messages of many callers at once, each accepted or refused for itself."""
    known = accounts.get_many(tx, {call.caller.account_id for call in calls})
    asked = [_asked(call, known) for call in calls]
    results = iter(submit.submit_many(tx, [one for one in asked if isinstance(one, submit.Asked)]))
    done = [next(results) if isinstance(one, submit.Asked) else one for one in asked]
    return [one if isinstance(one, Refused) else Reply(message_shape(one), 201) for one in done]


def send_batch(call: Call, tx: Tx) -> Reply:
    """Each draft is read, accepted or refused for itself."""
    given = call.body["messages"]
    read = batches.Reading(accounts.get(tx, call.caller.account_id), call.caller.source, given)
    return Reply(batches.answer(len(given), submit.accept(tx, read.alike), read.refused, call.request_id))


def list_messages(call: Call, tx: Tx) -> Reply:
    filters = _filters(call.query, accounts.get(tx, call.caller.account_id))
    page = singles.page(tx, call.caller.account_id, call.page.limit, call.page.after, filters)
    return Reply(Listed([message_shape(row) for row in page.rows], page.next_after))


def read_message(call: Call, tx: Tx) -> Reply:
    return Reply(message_shape(singles.get(tx, call.caller.account_id, call.path["message_id"])))


def change_message(call: Call, tx: Tx) -> Reply:
    account = accounts.get(tx, call.caller.account_id)
    return Reply(message_shape(singles.edit(tx, account, call.path["message_id"], drafting.fields_of(call.body))))


def cancel_message(call: Call, tx: Tx) -> Reply:
    return Reply(message_shape(singles.cancel(tx, call.caller.account_id, call.path["message_id"])))


def copy_message(call: Call, tx: Tx) -> Reply:
    account = accounts.get(tx, call.caller.account_id)
    return Reply(message_shape(singles.copy(tx, account, call.caller.source, call.path["message_id"])), 201)


def _asked(call: Call, known: Mapping[str, Account]) -> submit.Asked | Refused:
    account = known.get(call.caller.account_id)
    if account is None:
        return Refused("not_found", "There is no such account.")
    try:
        return submit.Asked(account, call.caller.source, drafting.draft_of(call.body))
    except Refused as refusal:
        return refusal


def _filters(query: Mapping[str, Any], account: Account) -> singles.Filters:
    to = query.get("to")
    times: dict[str, Any] = {
        name: read_time(query[name], f"/{name}") for name in ("created_after", "created_before") if name in query
    }
    same: dict[str, Any] = {name: query[name] for name in ("status", "campaign_id", "reference") if name in query}
    return singles.Filters(**same, **times, number=None if to is None else read_number(to, account.region, "/to"))


STATUS: Final[Schema] = {"type": "string", "enum": sorted(message.STATUSES)}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_MESSAGE: Final[Schema] = {"$ref": "#/components/schemas/Message"}
SENDING_REFUSALS: Final = (
    "not_enough_credits",
    "sender_forbidden",
    *NUMBER_REFUSALS,
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
        handler=send_messages,
        transaction="group",
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
        description="A page looks at 10,000 messages at most. Where few of them are what was asked for it is shorter than `limit`, "
        "or empty, and `next_cursor` goes on: the list is at its end when that is null.",
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
        refusals=(*NUMBER_REFUSALS, "invalid_time"),
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
