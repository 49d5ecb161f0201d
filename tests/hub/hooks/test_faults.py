"""Faults 21 to 25 of the contract, each against a real server on 127.0.0.1 that an allow list lets through."""

from http.server import BaseHTTPRequestHandler

import pytest

from core import Refused
from hub.guard import Guard
from hub.hooks import schedule
from tests.support.hooked import Hub, hub_on
from tests.support.receivers import Receiver, answers
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
