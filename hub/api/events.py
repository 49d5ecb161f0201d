"""/events: what happened lately, in the form in which hooks get it."""

from collections.abc import Mapping
from functools import partial
from typing import Final

import orjson

from connectors.contract import Call, Listed, Operation, Reply, Schema, Trigger
from core import Refused, Tx
from hub.api.schemas import components
from hub.hooks import filters, queue, recent

EVENT: Final[Schema] = {"$ref": "#/components/schemas/Event"}


def operations(triggers: Mapping[str, Trigger]) -> tuple[Operation, ...]:
    """The operation, with the table of events."""
    return (
        Operation(
            name="list_events",
            method="GET",
            path="/events/{type}",
            scope="webhooks:manage",
            tag="Webhooks",
            summary="The newest events of a type, as a hook would get them",
            description="`type` is one of those of hooks (reply.received); the parameters are their filters. Newest first, one page and no "
            "more: it shows what a hook will post. What a hook missed is among its deliveries.",
            handler=partial(list_events, triggers),
            transaction="read",
            paged=True,
            query=components()["HookFilters"]["properties"],
            answers={200: EVENT},
            refusals=("not_found", "invalid_filter"),
        ),
    )


def list_events(triggers: Mapping[str, Trigger], call: Call, tx: Tx) -> Reply:
    kind = call.path["type"]
    if kind not in triggers:
        raise Refused("not_found", f"There is no such type of event; there are {', '.join(sorted(triggers))}.")
    filters.check(call.query, [kind])
    found = recent.newest(tx, triggers[kind], call.caller.account_id, call.page.limit, call.query)
    return Reply(Listed([orjson.loads(queue.shape(event)) for event in found], None))
