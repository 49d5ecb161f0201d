"""One serializer for webhooks, samples and answers: what is rendered and what is shown as a sample fit the same schema."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core import Tx, accounts, contacts, events, groups
from hub.api.schemas import check_of
from hub.hooks.triggers import TRIGGERS
from tests.support import rows
from tests.support.hooked import Hub

WAITING = {"link.clicked"}  # links do not exist yet
KINDS = sorted(TRIGGERS)

Made = Callable[[Tx, str], dict[str, Any]]


def _message(tx: Tx, account_id: str) -> dict[str, Any]:
    fact = {"status": "received", "status_detail": None, "carrier_code": "000", "at": tx.now}
    return {"message_id": rows.message(tx, account_id), **fact}


FACTS: dict[str, Made] = {
    "message.status": _message,
    "reply.received": lambda tx, account_id: {"reply_id": rows.reply(tx, account_id)},
    "optout.created": lambda tx, _: {"number": 33612345678, "source": "reply", "reason": "STOP", "at": tx.now},
    "optout.removed": lambda tx, _: {"number": 33612345678, "source": "api", "at": tx.now},
    "credits.low": lambda *_: {"available": 98_900, "threshold": 100_000},
    "campaign.finished": lambda tx, account_id: {"campaign_id": rows.campaign(tx, account_id)},
    "contact.created": lambda tx, account_id: {"contact_id": rows.contact(tx, account_id)},
    "contact.archived": lambda tx, account_id: {
        "contact_id": rows.contact(tx, account_id, archived_at=tx.now, archived_reason="api")
    },
}


def test_the_table_has_every_event_of_the_engine_but_those_that_wait_for_their_feature() -> None:
    assert set(TRIGGERS) | WAITING == set(events.TYPES)
    assert not set(TRIGGERS) & WAITING


@pytest.mark.parametrize("kind", KINDS)
def test_the_sample_fits_the_schema(kind: str) -> None:
    check_of(TRIGGERS[kind].schema)(TRIGGERS[kind].sample)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_rendered_has_the_fields_of_the_sample_and_fits_the_schema(hub: Hub, kind: str) -> None:
    trigger = TRIGGERS[kind]
    with hub.runtime.begin() as tx:
        (shown,) = trigger.render(tx, hub.account_id, [FACTS[kind](tx, hub.account_id)])
    check_of(trigger.schema)(shown)
    assert list(shown) == list(trigger.sample)


def test_a_message_is_shown_as_it_was_then_though_it_has_moved_on(hub: Hub) -> None:
    with hub.runtime.begin() as tx:
        message_id = rows.message(tx, hub.account_id, sent_at=tx.now + 1000)
        fact = {
            "message_id": message_id,
            "status": "queued",
            "status_detail": "quiet_hours",
            "carrier_code": None,
            "at": tx.now,
        }
        (shown,) = TRIGGERS["message.status"].render(tx, hub.account_id, [fact])
    assert (shown["status"], shown["status_detail"], shown["sent_at"]) == ("queued", "quiet_hours", None)
    assert shown["status_at"] == "2026-09-21T14:13:20.000Z"
    assert (shown["to"], shown["credits"]) == ("+33612345678", 1.1)


def test_facts_keep_their_order_and_one_whose_row_is_gone_is_empty(hub: Hub) -> None:
    with hub.runtime.begin() as tx:
        first, second = (rows.contact(tx, hub.account_id, prenom=name) for name in ("Anne", "Jean"))
        facts = [{"contact_id": one} for one in (second, tx.new_id(), first)]
        shown = TRIGGERS["contact.created"].render(tx, hub.account_id, facts)
    assert [one.get("prenom") for one in shown] == ["Jean", None, "Anne"]
    assert shown[1] == {}


def test_a_contact_is_shown_with_the_groups_that_it_is_in(hub: Hub) -> None:
    with hub.runtime.begin() as tx:
        group = groups.create(tx, hub.account_id, "Clients")
        made = contacts.create(tx, hub.account_id, {"number": "0612345678", "groups": [group.id]}, "api")
        (shown,) = TRIGGERS["contact.created"].render(tx, hub.account_id, [{"contact_id": made.id}])
    assert shown["groups"] == [group.id]


def test_a_row_of_another_account_is_never_shown(hub: Hub) -> None:
    with hub.runtime.begin() as tx:
        other = accounts.create(tx, "Other")
        fact = {"contact_id": rows.contact(tx, other.id)}
        assert TRIGGERS["contact.created"].render(tx, hub.account_id, [fact]) == [{}]


def test_the_samples_of_the_guide_are_those_of_the_table() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^`([a-z.]+)`:\n\n```json\n(.*?)\n```$", guide, re.DOTALL | re.MULTILINE))
    assert len(shown) > 5
    assert {kind: json.loads(sample) for kind, sample in shown.items()} == {
        kind: TRIGGERS[kind].sample for kind in shown
    }
