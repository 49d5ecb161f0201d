"""Faults 21 to 25 of the contract, each against a real server on 127.0.0.1 that an allow list lets through."""

import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

import pytest

from core import Refused, accounts
from hub.guard import Guard
from hub.hooks import schedule
from hub.hooks.aside import Aside
from hub.hooks.deliver import deliver
from hub.hooks.tables import hooks
from hub.outbound import Outbound
from tests.support.hooked import KEYS, LOOPBACK, Hub, hub_on
from tests.support.receivers import Behaviour, Receiver, answers
from tests.support.serving import wait_for
from tests.support.world import Letters

REBOUND = "http://rebinds.test/hook"


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[64:ff9b::7f00:1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/",
    ],
)
def test_21_an_address_that_resolves_into_the_network_is_refused(hub: Hub, url: str) -> None:
    with pytest.raises(Refused) as refused:
        hub.ask("hooks.create", body={"url": url, "events": ["optout.created"]}, guard=Guard())
    assert refused.value.code == "invalid_url"
    assert [fault.pointer for fault in refused.value.faults] == ["/url"]


def test_21_a_name_that_is_rebound_after_it_was_accepted_is_refused_and_logged_with_the_delivery(
    database_url: str, shop: Receiver
) -> None:
    resolves_to = ["93.184.216.34"]
    guard = Guard(resolve=lambda _host, _port: resolves_to)
    hub = hub_on(database_url, guard=guard)
    guard.vet(REBOUND)
    hub.hook(REBOUND)
    resolves_to[:] = ["127.0.0.1"]
    hub.happens()
    hub.deliver()
    assert [row.last_error for row in hub.rows()] == ["the address is not public, or its port is neither 80 nor 443"]
    assert shop.posts == []
    hub.runtime.database.close()


def test_22_a_redirect_is_a_failure_and_is_not_followed(hub: Hub, shop: Receiver, other: Receiver) -> None:
    hub.hook(shop.url)
    shop.behaviour = answers(302, Location=other.url)
    hub.happens()
    hub.deliver()
    assert [(row.status, row.last_status) for row in hub.rows()] == [("pending", 302)]
    assert other.posts == []


def test_23_a_receiver_that_drips_is_cut_at_the_deadline_and_others_are_on_time(
    database_url: str, shop: Receiver, other: Receiver
) -> None:
    dripped = []

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not shop.stopped.wait(0.02):
            request.wfile.write(b"x")
            dripped.append(1)

    hub = hub_on(database_url, seconds=0.3)
    hub.hook(shop.url)
    hub.hook(other.url)
    shop.behaviour = drip
    hub.happens()
    assert hub.deliver() == 2
    dripping, prompt = hub.rows()
    assert (dripping.status, dripping.last_error) == ("pending", "no whole answer within 0.3 seconds")
    assert prompt.status == "delivered"
    assert dripped
    hub.runtime.database.close()


def test_23_of_an_endless_answer_no_more_is_read_than_the_cap(hub: Hub, shop: Receiver) -> None:
    sent = []

    def gush(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(1 << 30))
        request.end_headers()
        for _ in range(1 << 14):
            request.wfile.write(b"x" * (1 << 16))
            sent.append(1)

    hub.hook(shop.url)
    shop.behaviour = gush
    hub.happens()
    hub.deliver()
    assert [row.status for row in hub.rows()] == ["delivered"]
    shop.stopped.set()
    assert len(sent) < 1 << 10


def test_24_three_days_of_500_follow_the_schedule_to_the_dead_letter_with_a_mail_and_replay_works(
    hub: Hub, shop: Receiver
) -> None:
    hook_id, secret = hub.hook(shop.url)
    shop.behaviour = answers(500)
    hub.happens()
    for planned in schedule.WAITS:
        assert hub.deliver() == 1
        wait = hub.rows()[0].due_at - hub.clock.now
        assert planned <= wait <= planned * 1.1
        hub.clock.forward(ms=wait)
    assert hub.deliver() == 1
    assert [row.status for row in hub.rows()] == ["dead"]
    assert hub.state(hook_id).disabled_reason == "failing"
    hub.work()
    mail = hub.runtime.mail
    assert isinstance(mail, Letters)
    ((to, subject, body),) = mail.sent
    assert (to, subject) == ("shop@example.com", "A webhook was switched off")
    assert hook_id in body
    shop.behaviour = answers(200)
    hub.ask("hooks.enable", id_=hook_id)
    (dead,) = hub.rows()
    hub.ask("deliveries.replay", id_=dead.id)
    assert hub.deliver() == 1
    assert len({post.webhook_id for post in shop.posts}) == 1
    shop.posts[-1].verified(secret)
    assert hub.rows()[0].status == "delivered"


def test_25_a_secret_rotated_between_attempts_signs_beside_the_new_one_for_a_day(hub: Hub, shop: Receiver) -> None:
    hook_id, old = hub.hook(shop.url)
    shop.behaviour = answers(500)
    hub.happens()
    hub.deliver()
    new = hub.ask("hooks.rotate_secret", id_=hook_id)["secret"]
    hub.clock.forward(seconds=6)
    hub.deliver()
    rotated = shop.posts[-1]
    assert len(rotated.headers["webhook-signature"].split(" ")) == 2
    rotated.verified(old)
    rotated.verified(new)
    hub.clock.forward(days=1)
    hub.deliver()
    last = shop.posts[-1]
    last.verified(new)
    with pytest.raises(Exception, match="No matching signature found"):
        last.verified(old)


def hanging(shop: Receiver, start: bytes = b"") -> Behaviour:
    """Says `start`, and then nothing more until the receiver stops."""

    def hang(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(start)
        request.wfile.flush()
        shop.stopped.wait()
        request.close_connection = True

    return hang


def test_a_receiver_that_hangs_in_the_middle_of_its_body_is_cut_and_others_are_on_time(
    database_url: str, shop: Receiver, other: Receiver
) -> None:
    hub = hub_on(database_url, seconds=0.3)
    hub.hook(shop.url)
    hub.hook(other.url)
    shop.behaviour = hanging(shop, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    hub.happens()
    assert hub.deliver() == 2
    cut, prompt = hub.rows()
    assert (cut.status, cut.last_error) == ("pending", "no whole answer within 0.3 seconds")
    assert prompt.status == "delivered"
    hub.runtime.database.close()


def test_fifty_hooks_of_other_accounts_that_all_hang_at_once_do_not_hold_up_a_prompt_one(
    hub: Hub, shop: Receiver, other: Receiver
) -> None:
    """One thread, and a deadline that never comes while the test runs: every one of the fifty goes on aside."""
    other.behaviour = hanging(other)
    for name in range(50):
        stranger = account(hub, f"Stranger {name}")
        stranger.hook(other.url)
        stranger.happens()
    hub.hook(shop.url)
    with hub.runtime.begin() as tx:
        tx.execute(hooks.update().values(prompt=True))
    hub.happens(3)
    outbound = Outbound(LOOPBACK, seconds=60)
    aside = Aside(seconds=0.01)
    assert deliver(hub.runtime, KEYS, outbound.send, aside=aside) == 53
    assert len(shop.posts) == 3
    assert [row.status for row in hub.rows()].count("pending") == 50
    other.stopped.set()
    wait_for(lambda: all(row.lease_until is None for row in hub.rows()))
    assert not any(hub.state(row.hook_id).prompt for row in hub.rows() if row.status == "pending")


def test_a_post_that_went_on_aside_is_recorded_when_it_is_answered(hub: Hub, shop: Receiver) -> None:
    goes_on = threading.Event()

    def slow(request: BaseHTTPRequestHandler) -> None:
        goes_on.wait()
        answers(200)(request)

    shop.behaviour = slow
    hook_id, _ = hub.hook(shop.url)
    hub.happens(2)
    aside = Aside(seconds=0.01)
    assert hub.deliver(aside=aside) == 1  # the second waits: whoever hangs just now is asked no more
    assert [row.status for row in hub.rows()] == ["pending", "pending"]
    goes_on.set()
    wait_for(lambda: hub.rows()[0].status == "delivered")
    assert hub.state(hook_id).delivered == 1
    assert hub.deliver() == 1


def test_when_there_is_no_room_aside_a_thread_waits_and_doubtful_hooks_are_left_alone(
    hub: Hub, shop: Receiver, other: Receiver
) -> None:
    hub.hook(shop.url)
    hub.happens()
    aside = Aside(seconds=0.01, most=0)
    assert hub.deliver(aside=aside) == 0
    with hub.runtime.begin() as tx:
        tx.execute(hooks.update().values(prompt=True))
    shop.behaviour = after(0.05)
    assert hub.deliver(aside=aside) == 1
    assert [row.status for row in hub.rows()] == ["delivered"]


def after(seconds: float) -> Behaviour:
    def late(request: BaseHTTPRequestHandler) -> None:
        threading.Event().wait(seconds)
        answers(200)(request)

    return late


def account(hub: Hub, name: str) -> Hub:
    """The same hub, as another account."""
    with hub.runtime.begin() as tx:
        return replace(hub, account_id=accounts.create(tx, name).id)
