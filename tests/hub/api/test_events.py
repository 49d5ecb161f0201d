from typing import Any

import pytest
from flask import Flask

from core import Runtime, events
from hub.api import events as resource
from hub.api.table import OPERATIONS
from hub.hooks.triggers import TRIGGERS
from tests.support.asking import ask
from tests.support.web import Visitor, application, visitor


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return application(runtime, (*OPERATIONS, *resource.operations(TRIGGERS)))


def opted_out(runtime: Runtime, visitor: Visitor, *sources: str) -> None:
    with runtime.begin() as tx:
        facts: list[dict[str, Any]] = [{"number": 33612345678, "source": source, "at": tx.now} for source in sources]
        events.emit(tx, visitor.account_id, "optout.created", facts)


def test_the_newest_events_of_a_type_are_shown_as_hooks_get_them(runtime: Runtime, alice: Visitor) -> None:
    opted_out(runtime, alice, "reply", "api", "web")
    page = ask(alice, "GET", "/events/optout.created?limit=2&source=reply,web").json
    assert [item["data"]["source"] for item in page["items"]] == ["web", "reply"]
    assert page["items"][0] == {
        "id": page["items"][0]["id"],
        "type": "optout.created",
        "timestamp": "2026-09-21T14:13:20.000Z",
        "data": {"number": "+33612345678", "source": "web", "reason": None, "at": "2026-09-21T14:13:20.000Z"},
    }
    assert page["next_cursor"] is None


def test_anothers_events_are_not_shown(runtime: Runtime, alice: Visitor, bob: Visitor) -> None:
    opted_out(runtime, bob, "reply")
    assert ask(alice, "GET", "/events/optout.created").json["items"] == []


@pytest.mark.parametrize(
    "path, status, code",
    [
        ("/events/link.clicked", 404, "not_found"),  # it waits for its feature
        ("/events/nothing", 404, "not_found"),
        ("/events/credits.low?source=api", 422, "invalid_filter"),
        ("/events/reply.received?keyword=%3F", 422, "invalid_filter"),
        ("/events/reply.received?number=1", 422, "invalid_request"),
    ],
)
def test_what_cannot_be_shown_is_refused(alice: Visitor, path: str, status: int, code: str) -> None:
    answer = ask(alice, "GET", path)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_it_asks_for_the_right_to_manage_webhooks(runtime: Runtime, app: Flask) -> None:
    reader = visitor(runtime, app, "reader", scopes=["messages:read"])
    assert ask(reader, "GET", "/events/optout.created").status_code == 403
