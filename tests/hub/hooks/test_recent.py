"""The newest events, as hooks get them."""

import pytest

from core import accounts, events
from hub.hooks import recent
from hub.hooks.triggers import TRIGGERS
from tests.support.hooked import Hub
from tests.support.receivers import Receiver

OPT_OUT = TRIGGERS["optout.created"]


def newest(hub: Hub, limit: int = 3, **filters: object) -> list[str]:
    with hub.runtime.read() as tx:
        found = recent.newest(tx, OPT_OUT, hub.account_id, limit, filters)
    return [str(event.data["number"]) for event in found]


def test_they_are_those_of_the_account_and_the_type_newest_first(hub: Hub) -> None:
    hub.happens(2)
    hub.happens(4)
    hub.happens(1, kind="optout.removed")
    with hub.runtime.begin() as tx:
        other = accounts.create(tx, "Other")
        events.emit(tx, other.id, "optout.created", [{"number": 33699999999, "source": "api", "at": tx.now}])
    assert newest(hub) == ["+33612000003", "+33612000002", "+33612000001"]
    assert newest(hub, 5)[3:] == ["+33612000000", "+33612000001"]


def test_a_hook_posted_the_very_same(hub: Hub, shop: Receiver) -> None:
    hub.hook(shop.url)
    hub.happens()
    hub.deliver()
    with hub.runtime.read() as tx:
        (event,) = recent.newest(tx, OPT_OUT, hub.account_id, 3, {})
    posted = shop.posts[0].json
    assert (posted["id"], posted["data"]) == (event.id, event.data)


def test_filters_are_those_of_hooks(hub: Hub) -> None:
    hub.happens(2)
    assert newest(hub, source=["api"]) == ["+33612000001", "+33612000000"]
    assert newest(hub, source=["reply"]) == []


def test_what_is_gone_is_not_shown_and_nobody_reads_further_back_than_so_many_rows(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub.runtime.begin() as tx:
        events.emit(tx, hub.account_id, "contact.created", [{"contact_id": tx.new_id()}])
        assert recent.newest(tx, TRIGGERS["contact.created"], hub.account_id, 3, {}) == []
    hub.happens()
    hub.happens(1, kind="optout.removed")
    monkeypatch.setattr(recent, "LOOK", 1)
    assert newest(hub) == []
