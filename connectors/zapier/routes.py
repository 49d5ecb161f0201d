"""The addresses that the definition names: plain functions over what the hub can be asked."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from connectors.contract import Reply, Route, Schema, Visit
from connectors.zapier import dropdowns, fields, inputs, steps, triggers
from connectors.zapier.creates import CREATES
from connectors.zapier.definition import FILTERS
from connectors.zapier.desk import Desk
from connectors.zapier.dropdowns import DROPDOWNS
from connectors.zapier.searches import SEARCHES
from connectors.zapier.steps import Step
from connectors.zapier.triggers import TRIGGERS, Hooked
from core import Fault, Refused

SAMPLES: Final = 3  # what the editor shows
MOST_HOOKS: Final = 200  # of a page; an account has fewer
# What only Zapier has is checked here, all else by its operation.
_OWN: Final[Mapping[str, Schema]] = {
    step.key: {"type": "object", "properties": dict(step.own)} for step in (*CREATES.values(), *SEARCHES.values())
}

T = TypeVar("T")


def samples(visit: Visit) -> Reply:
    """The newest events that the trigger would get, as a hook posts them; its declared sample where there are none."""
    trigger = _known(TRIGGERS, visit)
    catalogue = visit.tools.catalogue
    given = _filters(visit, trigger, _multiple(visit.asked.query))
    query = {"limit": SAMPLES, **trigger.filters(given)}
    found = Desk(visit).ask("list_events", query=query, type=trigger.event)["items"]
    return Reply(found or [triggers.envelope(catalogue, trigger)])


def subscribe(visit: Visit) -> Reply:
    """A hook for a Zap that was switched on. Its secret stays here: Zapier checks no signatures, and would keep it in plain."""
    trigger, desk = _known(TRIGGERS, visit), Desk(visit)
    given = dict(_object(visit))
    url = given.pop("target_url", None)
    wanted = {
        "url": url or "",
        "events": [trigger.event],
        "filters": trigger.filters(_filters(visit, trigger, given)),
        "batch": True,
    }
    made = _same(desk, wanted) or desk.ask("hooks.create", wanted)
    return Reply({"id": made["id"]}, 201)


def offered(visit: Visit) -> Reply:
    """A page of a dropdown, from 0."""
    dropdown = _known(DROPDOWNS, visit)
    page = dict(visit.asked.query).get("page", "0")
    if not page.isascii() or not page.isdecimal() or len(page) > 9:
        raise Refused.at("/page", "invalid_request", "A page is a whole number, from 0.")
    return Reply(dropdowns.page(Desk(visit), dropdown, int(page)))


def act(visit: Visit) -> Reply:
    """An action: one plain object."""
    step = _known(CREATES, visit)
    return Reply(step.run(Desk(visit), _given(visit, step)))


def search(visit: Visit) -> Reply:
    """A search: the best match in an array, an empty one where there is none."""
    step = _known(SEARCHES, visit)
    found = step.run(Desk(visit), _given(visit, step))
    return Reply([] if found is None else [found])


def _same(desk: Desk, wanted: Mapping[str, Any]) -> Any | None:
    """The hook that there is already, where a subscription is repeated: two would run the Zap twice, which Zapier does not notice."""
    there = desk.ask("hooks.list", query={"limit": MOST_HOOKS})["items"]
    return next((hook for hook in there if hook["disabled_at"] is None and wanted.items() <= hook.items()), None)


def _given(visit: Visit, step: Step) -> dict[str, Any]:
    desk = Desk(visit)
    schema = steps.asked(visit.tools.catalogue, step)
    given = inputs.read(schema, step.keys, _object(visit), desk.zone)
    visit.tools.catalogue.check(_OWN[step.key], {name: value for name, value in given.items() if name in step.own})
    missing = [
        field["key"] for field in fields.inputs(schema, step.inputs) if field["required"] and field["key"] not in given
    ]
    if missing:
        faults = tuple(Fault(f"/{name}", "is required") for name in missing)
        raise Refused("invalid_request", f"/{missing[0]} is required.", faults)
    return given


def _filters(visit: Visit, trigger: Hooked, raw: Mapping[str, Any]) -> dict[str, Any]:
    known = [word.key for word in trigger.inputs]
    return inputs.read(visit.tools.catalogue.resolved(FILTERS), known, dict(raw), Desk(visit).zone)


def _object(visit: Visit) -> dict[str, Any]:
    body = visit.asked.json()
    if not isinstance(body, dict):
        raise Refused("invalid_request", "Send a JSON object with the fields.")
    return body


def _multiple(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str] | str]:
    """A query whose names may come several times."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def _known(table: Mapping[str, T], visit: Visit) -> T:
    found = table.get(visit.path["key"])
    if found is None:
        raise Refused("not_found", f"There is nothing of this name here; there are {', '.join(table)}.")
    return found


ROUTES: Final = (
    Route("GET", "/samples/{key}", samples, "bearer", "webhooks:manage"),
    Route("GET", "/dropdowns/{key}", offered, "bearer"),
    Route("POST", "/hooks/{key}", subscribe, "bearer", "webhooks:manage"),
    Route("POST", "/actions/{key}", act, "bearer"),
    Route("POST", "/searches/{key}", search, "bearer"),
)
