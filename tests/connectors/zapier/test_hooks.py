"""A Zap that is switched on is a hook of the account; the samples it is tested with are what the hook will post."""

import orjson
import pytest

from connectors.zapier.triggers import FAILURES, TRIGGERS
from core import Refused
from hub.hooks.tables import deliveries
from tests.support.zaps import Zaps, catalogue, defined

NOBODY = "01997b2c-1a2b-7c3d-8e4f-123456789abc"


@pytest.mark.parametrize(
    "key, given, filters",
    [
        ("new_reply", {}, {}),
        (
            "new_reply",
            {"keyword": "oui", "campaign_id": NOBODY, "inbound_number": 36034},
            {"keyword": "oui", "campaign_id": NOBODY, "inbound_number": "36034"},
        ),
        ("new_reply", {"keyword": "", "campaign_id": None}, {}),
        ("new_opt_out", {"source": ["reply", "web"]}, {"source": ["reply", "web"]}),
        ("new_opt_out", {"source": "reply"}, {"source": ["reply"]}),
        ("new_delivery_report", {}, {"status": list(FAILURES)}),
        ("new_delivery_report", {"status": []}, {"status": list(FAILURES)}),
        (
            "new_delivery_report",
            {"status": ["received"], "campaign_id": NOBODY},
            {"status": ["received"], "campaign_id": NOBODY},
        ),
        ("new_invalid_number", {}, {"status": ["failed_permanent"]}),
        ("new_contact", {"group_id": NOBODY}, {"group_id": NOBODY}),
        ("campaign_finished", {}, {}),
        ("credit_low", {}, {}),
    ],
)
def test_what_was_chosen_becomes_the_filters_of_a_hook(
    zaps: Zaps, key: str, given: dict[str, object], filters: dict[str, object]
) -> None:
    hook = zaps.subscribed(key, **given)
    assert (hook["filters"], hook["batch"], hook["source"]) == (filters, True, "zapier")
    assert hook["events"] == [TRIGGERS[key].event]


@pytest.mark.parametrize(
    "key, given, pointer",
    [
        ("new_reply", {"target_url": ""}, "/url"),
        ("new_reply", {"target_url": "ftp://127.0.0.1/"}, "/url"),
        ("new_reply", {"status": ["sent"]}, "/status"),
        ("new_invalid_number", {"status": ["sent"]}, "/status"),
        ("new_delivery_report", {"status": ["late"]}, "/filters/status/0"),
        ("new_reply", {"keyword": "?!"}, "/filters/keyword"),
    ],
)
def test_what_no_hook_can_be_made_of_is_refused(zaps: Zaps, key: str, given: dict[str, object], pointer: str) -> None:
    with pytest.raises(Refused) as refused:
        zaps.subscribed(key, **given)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]


def test_a_sample_is_the_newest_event_that_passes_as_a_hook_posts_it(zaps: Zaps) -> None:
    zaps.subscribed("new_opt_out")
    zaps.engine.block(zaps.account, 33612345678)
    zaps.act("add_to_blacklist", number="0612345679", reason="Été")
    zaps.tell()
    newest, older = zaps.samples("new_opt_out")
    assert (newest["data"]["source"], older["data"]["source"]) == ("zapier", "api")
    with zaps.engine.runtime.read() as tx:
        posted = [event for row in tx.all(deliveries.select()) for event in orjson.loads(row.body)]
    assert sorted(posted, key=str) == sorted([newest, older], key=str)
    assert zaps.samples("new_opt_out", ("source", "api"), ("source", "web")) == [older]


@pytest.mark.parametrize("key", TRIGGERS)
def test_where_nothing_happened_the_declared_sample_is_shown_in_the_same_form(zaps: Zaps, key: str) -> None:
    (shown,) = zaps.samples(key)
    assert set(shown) == {"id", "type", "timestamp", "data"}
    assert set(shown["data"]) == set(catalogue().triggers[TRIGGERS[key].event].sample)
    sample = defined()["triggers"][key]["operation"]["sample"]
    assert (sample["id"], sample["occurred_at"]) == (shown["id"], shown["timestamp"])


def test_samples_that_are_not_among_what_was_chosen_are_not_shown(zaps: Zaps) -> None:
    zaps.engine.block(zaps.account, 33612345678)
    (shown,) = zaps.samples("new_opt_out", ("source", "web"), ("source", ""))
    assert shown["data"]["number"] == catalogue().triggers["optout.created"].sample["number"]
    assert shown["timestamp"] == "2026-09-21T12:15:03.000Z"


def test_there_is_no_sample_of_what_is_no_trigger(zaps: Zaps) -> None:
    with pytest.raises(Refused) as refused:
        zaps.samples("new_fax")
    assert refused.value.code == "not_found"


def test_a_subscription_that_is_repeated_is_the_same_hook(zaps: Zaps) -> None:
    first = zaps.subscribed("new_reply", keyword="oui")
    assert zaps.subscribed("new_reply", keyword="oui")["id"] == first["id"]
    assert zaps.subscribed("new_reply")["id"] != first["id"]
    zaps.tools.catalogue.perform(zaps.caller, "hooks.delete", id=first["id"])
    assert zaps.subscribed("new_reply", keyword="oui")["id"] != first["id"]
