"""Delivering: at least once, in the order of the schedule, and fair between receivers."""

from collections.abc import Mapping

import pytest
from sqlalchemy import update

from core import PeerError
from hub import secrets
from hub.hooks import endpoints, schedule
from hub.hooks.choice import IN_FLIGHT
from hub.hooks.deliver import LEASE_MS, PER_SECOND, claim_next, deliver, record
from hub.hooks.schedule import Outcome
from hub.hooks.tables import hooks
from hub.outbound import Answer
from tests.support.hooked import KEYS, Hub
from tests.support.receivers import Receiver, answers

GOOD = Outcome(200, None, 5)
BAD = Outcome(500, "the receiver answered 500", 5)


def test_an_event_arrives_signed_as_the_standard_says(hub: Hub, shop: Receiver) -> None:
    _, secret = hub.hook(shop.url)
    hub.happens()
    assert hub.deliver() == 1
    (post,) = shop.posts
    payload = post.verified(secret)
    assert payload["type"] == "optout.created"
    assert payload["data"]["number"] == "+33612000000"
    assert payload["timestamp"] == "2026-09-21T14:13:20.000Z"
    assert post.webhook_id == payload["id"]
    assert post.headers["content-type"] == "application/json"
    assert [row.status for row in hub.rows()] == ["delivered"]


def test_a_secret_that_was_rotated_because_its_key_was_lost_does_not_stop_the_new_one(hub: Hub, shop: Receiver) -> None:
    hook_id, _ = hub.hook(shop.url)
    lost = secrets.keys_from(["a key that nobody has any more"])
    with hub.runtime.begin() as tx:
        aad = endpoints.aad(hook_id, hub.account_id)
        tx.execute(update(hooks).where(hooks.c.id == hook_id).values(secret=secrets.seal(lost, aad, b"secret")))
    hub.happens()
    hub.deliver()
    assert [row.last_error for row in hub.rows()] == ["the hub could not sign it"]
    with hub.runtime.begin() as tx:
        _, secret = endpoints.rotate(hub.runtime, tx, KEYS, hub.account_id, hook_id)
    hub.clock.forward(seconds=6)
    hub.deliver()
    (post,) = shop.posts
    post.verified(secret)


def test_a_taken_event_is_not_posted_again(hub: Hub, shop: Receiver) -> None:
    hub.hook(shop.url)
    hub.happens()
    hub.deliver()
    hub.clock.forward(days=4)
    assert hub.deliver() == 0
    assert len(shop.posts) == 1


def test_a_failure_is_tried_again_on_schedule_with_the_same_id_and_body(hub: Hub, shop: Receiver) -> None:
    hook_id, secret = hub.hook(shop.url)
    shop.behaviour = answers(500)
    hub.happens()
    hub.deliver()
    (failed,) = hub.rows()
    assert (failed.status, failed.attempt, failed.last_status) == ("pending", 1, 500)
    assert failed.last_error == "the receiver answered 500"
    assert schedule.WAITS[0] <= failed.due_at - hub.clock.now <= schedule.WAITS[0] * 1.1
    assert hub.deliver() == 0  # not due yet
    shop.behaviour = answers(204)
    hub.clock.forward(seconds=6)
    assert hub.deliver() == 1
    first, second = shop.posts
    assert (first.webhook_id, first.body) == (second.webhook_id, second.body)
    assert first.headers["webhook-timestamp"] < second.headers["webhook-timestamp"]
    second.verified(secret)
    assert hub.state(hook_id).failing_since is None


def test_a_receiver_that_answers_410_is_dropped_and_what_waits_for_it_dies(hub: Hub, shop: Receiver) -> None:
    hook_id, _ = hub.hook(shop.url)
    shop.behaviour = answers(410)
    hub.happens(3)
    assert hub.deliver() == 1
    assert hub.state(hook_id).disabled_reason == "gone"
    assert [row.status for row in hub.rows()] == ["dead"] * 3
    assert hub.state(hook_id).dead == 3
    hub.happens()
    assert len(hub.rows()) == 3  # nothing more is written down for it


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_throttling_receiver_is_left_alone_for_as_long_as_it_asked(hub: Hub, shop: Receiver, status: int) -> None:
    hub.hook(shop.url)
    shop.behaviour = answers(status, Retry_After="120")
    hub.happens(2)
    assert hub.deliver() == 1
    hub.clock.forward(seconds=119)
    assert hub.deliver() == 0  # neither this event nor the other
    hub.clock.forward(seconds=1)
    shop.behaviour = answers(200)
    hub.deliver()
    hub.clock.forward(seconds=1)
    hub.deliver()
    assert [row.status for row in hub.rows()] == ["delivered"] * 2


def test_a_dead_receiver_with_much_waiting_is_asked_ever_more_seldom(hub: Hub) -> None:
    hub.hook("http://127.0.0.1:1/")
    hub.happens(300)
    made = 0
    for _ in range(60):
        made += hub.deliver()
        hub.clock.forward(seconds=1)
    assert made == 6  # held for 1, 2, 4, 8, 16, 32 seconds


def test_a_dead_receiver_does_not_hold_up_the_others(hub: Hub, shop: Receiver) -> None:
    hub.hook("http://127.0.0.1:1/")
    hub.happens(50)
    hub.hook(shop.url)
    hub.happens()
    assert hub.deliver(limit=3) == 2
    assert len(shop.posts) == 1


def test_turns_go_by_hook_not_by_delivery(hub: Hub, shop: Receiver, other: Receiver) -> None:
    hub.hook(shop.url)
    hub.happens(10)
    hub.hook(other.url, "optout.removed")
    hub.happens(2, "optout.removed")
    hub.deliver(limit=4)
    assert (len(shop.posts), len(other.posts)) == (2, 2)


def test_a_hook_is_posted_to_at_its_pace(hub: Hub, shop: Receiver) -> None:
    hub.hook(shop.url)
    hub.happens(3 * PER_SECOND)
    burst = hub.deliver()
    assert burst == PER_SECOND + 1
    hub.clock.forward(seconds=1)
    assert hub.deliver() == PER_SECOND


def test_a_new_hook_has_one_post_under_way_and_a_prompt_one_has_several(hub: Hub) -> None:
    hub.hook("http://127.0.0.1:1/")
    hub.happens(10)
    with hub.runtime.begin() as tx:
        first = claim_next(tx, doubtful=10)
        assert first is not None
        assert claim_next(tx, doubtful=10) is None
        record(tx, first, GOOD, chance=0)
        assert [claim_next(tx, doubtful=0) is not None for _ in range(IN_FLIGHT + 1)] == [True] * IN_FLIGHT + [False]


def test_a_slow_receiver_is_doubtful_though_it_takes_everything(hub: Hub) -> None:
    hook_id, _ = hub.hook("http://127.0.0.1:1/")
    hub.happens()

    def slow(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        hub.clock.forward(seconds=3)
        return Answer(200, {}, b"")

    deliver(hub.runtime, KEYS, slow)
    assert not hub.state(hook_id).prompt
    assert hub.state(hook_id).failing_since is None


def test_doubtful_receivers_together_have_no_more_posts_under_way_than_granted(hub: Hub) -> None:
    for _ in range(5):
        hub.hook("http://127.0.0.1:1/")
    hub.happens()
    with hub.runtime.begin() as tx:
        assert [claim_next(tx, doubtful=2) is not None for _ in range(3)] == [True, True, False]


def test_the_lease_of_a_process_that_died_ends_and_the_event_is_posted_again(hub: Hub, shop: Receiver) -> None:
    hub.hook(shop.url)
    hub.happens()
    with hub.runtime.begin() as tx:
        lost = claim_next(tx, doubtful=1)
    assert lost is not None
    assert hub.deliver() == 0
    hub.clock.forward(ms=LEASE_MS)
    assert hub.deliver() == 1
    assert shop.posts[0].webhook_id == lost.webhook_id


def test_an_outcome_that_comes_after_its_lease_changes_nothing(hub: Hub) -> None:
    hook_id, _ = hub.hook("http://127.0.0.1:1/")
    hub.happens()
    with hub.runtime.begin() as tx:
        late = claim_next(tx, doubtful=1)
    hub.clock.forward(ms=LEASE_MS)
    with hub.runtime.begin() as tx:
        current = claim_next(tx, doubtful=1)
        assert late is not None
        assert current is not None
        record(tx, current, GOOD, chance=0)
        record(tx, late, BAD, chance=0)
    assert [row.status for row in hub.rows()] == ["delivered"]
    assert (hub.state(hook_id).delivered, hub.state(hook_id).failed) == (1, 0)


def test_a_secret_whose_key_is_gone_is_a_failure_that_can_be_replayed(hub: Hub, shop: Receiver) -> None:
    from hub import secrets

    hub.hook(shop.url)
    hub.happens()
    deliver(hub.runtime, secrets.keys_from(["another secret of the operator"]), hub.outbound.send)
    assert shop.posts == []
    assert [(row.status, row.last_error) for row in hub.rows()] == [("pending", "the hub could not sign it")]


def test_nothing_is_posted_with_a_transaction_open(hub: Hub) -> None:
    hub.hook("http://127.0.0.1:1/")
    hub.happens()

    def send(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        with hub.runtime.begin() as tx:  # on SQLite this would wait for ever
            assert tx.now
        raise PeerError("unavailable", "nobody there")

    assert deliver(hub.runtime, KEYS, send) == 1
    assert [row.last_error for row in hub.rows()] == ["nobody there"]
