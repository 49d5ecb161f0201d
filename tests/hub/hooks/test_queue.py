from sqlalchemy import select

from core import schema
from hub.hooks import queue
from hub.hooks.deliver import claim_next
from hub.hooks.tables import hooks
from tests.support.hooked import Hub
from tests.support.receivers import Receiver, answers
from tests.support.world import Rung

URL = "http://127.0.0.1:1/"


def test_the_sweep_buries_in_portions_what_came_for_a_hook_that_is_off(hub: Hub) -> None:
    hook_id, _ = hub.hook(URL)
    hub.happens(25)
    with hub.runtime.begin() as tx:
        tx.execute(hooks.update().values(disabled_at=tx.now, disabled_reason="failing"))
    assert [queue.tidy(hub.runtime, rows=10) for _ in range(4)] == [10, 10, 5, 0]
    assert {row.status for row in hub.rows()} == {"dead"}
    assert hub.state(hook_id).dead == 25


def test_the_sweep_forgets_what_was_settled_a_month_ago_and_keeps_what_waits(hub: Hub, shop: Receiver) -> None:
    hub.hook(shop.url)
    hub.happens(2)
    with hub.runtime.begin() as tx:
        assert claim_next(tx, doubtful=1) is not None
    hub.clock.forward(minutes=2)
    hub.deliver(limit=1)
    hub.clock.forward(days=29)
    assert queue.tidy(hub.runtime) == 0
    hub.clock.forward(days=2)
    assert queue.tidy(hub.runtime) == 1
    assert [row.status for row in hub.rows()] == ["pending"]


def test_what_there_is_to_watch_is_counted(hub: Hub, shop: Receiver) -> None:
    hub.hook(shop.url)
    with hub.runtime.read() as tx:
        assert queue.measure(tx) == queue.Measures(0, 0, 0, 0)
    hub.happens(3)
    hub.deliver(limit=2)
    shop.behaviour = answers(500)
    hub.deliver()
    hub.clock.forward(seconds=9)
    with hub.runtime.read() as tx:
        assert queue.measure(tx) == queue.Measures(delivered=2, failed=1, dead=0, oldest_pending_ms=9000)


def test_deliveries_ring_once_they_are_written_down(hub: Hub) -> None:
    hub.hook(URL)
    hub.happens(3)
    rung = hub.runtime.doorbell
    assert isinstance(rung, Rung)
    assert rung.topics == ["events", "hooks"]


def test_the_outbox_says_when_it_was_relayed(hub: Hub) -> None:
    hub.happens()
    with hub.runtime.read() as tx:
        assert tx.scalar(select(schema.outbox.c.relayed_at)) == hub.clock.now
