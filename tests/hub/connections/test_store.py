"""Tokens of third parties: one that is good now, whoever asks, and whatever the server does."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from core import PeerError
from core.schema import audit
from hub import secrets
from hub.connections import book, refreshing
from hub.connections.asking import Given, Trouble
from hub.connections.refreshing import Claim
from hub.connections.store import Store
from tests.support.connected import HOUR_MS, Linked, issuer
from tests.support.hooked import KEYS
from tests.support.issuers import says
from tests.support.sealed import ALONE


def test_a_token_that_is_good_is_given_without_asking(linked: Linked) -> None:
    assert linked.access() == "access-0"
    linked.clock.forward(minutes=50)
    assert linked.access() == "access-0"
    assert linked.issuing.asked == []


def test_it_is_asked_for_anew_some_minutes_before_its_end(linked: Linked) -> None:
    linked.clock.forward(minutes=56)
    assert linked.access() == "access-1"
    assert linked.access() == "access-1"
    assert linked.issuing.asked == [{"grant_type": "refresh_token", "refresh_token": "refresh-0"}]
    assert linked.kept() == "refresh-1"
    linked.clock.forward(minutes=56)
    assert linked.access() == "access-2"


def test_where_no_refresh_token_comes_back_the_old_one_stays(linked: Linked) -> None:
    linked.issuing.rotates = False
    for count in range(1, 4):
        linked.clock.forward(hours=1)
        assert linked.access() == f"access-{count}"
    assert linked.kept() == "refresh-0"


def test_short_lived_tokens_are_not_thrown_away_young(linked: Linked) -> None:
    linked.issuing.life = 60
    linked.clock.forward(hours=1)
    assert linked.access() == "access-1"
    linked.clock.forward(seconds=50)
    assert linked.access() == "access-1"
    linked.clock.forward(seconds=5)
    assert linked.access() == "access-2"


def test_a_token_of_which_nothing_was_said_is_good_until_it_is_refused(linked: Linked) -> None:
    linked.issuing.life = None
    linked.clock.forward(hours=1)
    assert linked.access() == "access-1"
    linked.clock.forward(days=300)
    assert linked.access() == "access-1"
    assert linked.refused("access-1") == "access-2"


def test_two_processes_at_once_ask_once(linked: Linked) -> None:
    """The second waits for the first one's new token: it has looked at least once before the server answers."""
    second_waits = threading.Event()
    other = linked.elsewhere(pause=lambda _seconds: second_waits.set())
    linked.issuing.meanwhile = lambda: _passes(second_waits)
    linked.clock.forward(hours=2)
    stores = [linked.elsewhere(pause=other.pause), other]
    with ThreadPoolExecutor(2) as both:
        tokens = list(both.map(lambda store: store.access(linked.installation), stores))
    _closed(*stores)
    assert tokens == ["access-1", "access-1"]
    assert len(linked.issuing.asked) == 1


def test_a_crowd_of_threads_and_processes_asks_once(linked: Linked) -> None:
    stores = [linked.elsewhere(pause=threading.Event().wait) for _ in range(2)]
    linked.clock.forward(hours=2)
    ready = threading.Barrier(12)

    def asks(place: int) -> str:
        ready.wait()
        return stores[place % 2].access(linked.installation)

    with ThreadPoolExecutor(12) as crowd:
        assert set(crowd.map(asks, range(12))) == {"access-1"}
    _closed(*stores)
    assert len(linked.issuing.asked) == 1
    assert not linked.issuing.ended


def _passes(event: threading.Event) -> None:
    assert event.wait(30)


def _closed(*stores: Store) -> None:
    for store in stores:
        store.runtime.database.close()


def test_while_one_asks_in_good_time_the_others_go_on_with_the_old_one(linked: Linked) -> None:
    seen: list[str] = []
    linked.issuing.meanwhile = lambda: seen.append(linked.access())
    linked.clock.forward(minutes=56)
    assert linked.access() == "access-1"
    assert seen == ["access-0"]


def test_no_transaction_is_open_while_the_server_thinks(linked: Linked) -> None:
    """SQLite has one writer: this one would wait for ever."""
    linked.issuing.meanwhile = lambda: linked.write(updated_at=7)
    linked.clock.forward(hours=2)
    assert linked.access() == "access-1"


@pytest.mark.parametrize(
    "answer, why",
    [
        (says(500), "it answered 500"),
        (says(503, {"error": "temporarily_unavailable"}), "it answered 503 (temporarily_unavailable)"),
        (says(302, Location="https://elsewhere.example.com/"), "it answered 302"),
        (says(401, {"error": "invalid_client"}), "it answered 401 (invalid_client)"),
        (says(200, b"<html>Please sign in</html>"), "it answered 200, without an access token"),
        (says(200, {"access_token": ""}), "it answered 200, without an access token"),
        (says(200, {"access_token": "a b\r\nx: y"}), "it answered 200, without an access token"),
        (says(200, b"[" * 60_000), "it answered 200, without an access token"),
        (says(200, b" " * 70_000), "it answered 200, without an access token"),
        (says(200, {"access_token": "x", "token_type": "mac"}), "it gives tokens that are not bearer tokens"),
        (says(400, {"error": "refresh-0 <script>"}), "it answered 400"),
    ],
)
def test_trouble_leaves_the_old_token_in_use_to_its_end(linked: Linked, answer: object, why: str) -> None:
    assert callable(answer)
    linked.issuing.next.append(answer)
    linked.clock.forward(minutes=56)
    assert linked.access() == "access-0"
    row = linked.row
    assert (row.state, row.failures, row.failing_since, row.last_error) == ("failing", 1, linked.clock.now, why)
    assert linked.access() == "access-0"  # and the server is left alone
    assert len(linked.issuing.asked) == 1
    (sentence,) = linked.health()
    assert f"127.0.0.1 has given no token since 2026-09-21T15:09:20.000Z ({why})" in sentence
    linked.clock.forward(minutes=1)
    assert linked.access() == "access-1"
    assert (linked.row.state, linked.row.failures, linked.row.failing_since) == ("ok", 0, None)
    assert linked.health() == []


def test_without_any_good_token_trouble_is_told_and_the_server_is_asked_ever_more_rarely(linked: Linked) -> None:
    linked.issuing.next.extend(says(500) for _ in range(20))
    linked.clock.forward(hours=2)
    for asked, wait in ((1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 320), (8, 600), (9, 600)):
        for _ in range(2):
            with pytest.raises(PeerError, match=r"127\.0\.0\.1 gives no token now \(it answered 500\)") as error:
                linked.access()
            assert error.value.kind == "unavailable"
        assert len(linked.issuing.asked) == asked
        linked.clock.forward(seconds=wait - 1)
        with pytest.raises(PeerError):
            linked.access()
        assert len(linked.issuing.asked) == asked
        linked.clock.forward(seconds=1)


def test_a_server_that_says_when_to_come_back_is_heard(linked: Linked) -> None:
    linked.issuing.next.append(says(429, Retry_After="120"))
    linked.clock.forward(hours=2)
    with pytest.raises(PeerError):
        linked.access()
    assert linked.row.held_until == linked.clock.now + 120_000


def test_a_server_that_is_not_there_or_hangs_is_trouble_too(linked: Linked) -> None:
    linked.issuing.meanwhile = lambda: threading.Event().wait(1)
    quick = Store(linked.runtime, KEYS, type(linked.store.outbound)(linked.store.outbound.guard, seconds=0.2))
    linked.clock.forward(hours=2)
    with pytest.raises(PeerError, match=r"no whole answer within 0\.2 seconds"):
        quick.access(linked.installation)
    assert linked.row.state == "failing"


def test_a_grant_that_has_ended_is_lost_and_its_owner_is_told_once(linked: Linked) -> None:
    linked.issuing.ended = True
    linked.clock.forward(minutes=56)
    with pytest.raises(PeerError, match="connect eloqua again") as error:
        linked.access()
    assert error.value.kind == "rejected"
    linked.clock.forward(days=1)
    with pytest.raises(PeerError):
        linked.access()
    assert len(linked.issuing.asked) == 1
    ((to, subject, body),) = linked.mails()
    assert (to, subject) == ("shop@example.com", "eloqua: the connection has ended")
    assert "127.0.0.1 gives smshub no access any more, since 2026-09-21T15:09:20.000Z" in body
    assert linked.health() == [
        "127.0.0.1 gives no tokens any more, since 2026-09-21T15:09:20.000Z (it answered 400 (invalid_grant)): connect eloqua again."
    ]
    with linked.runtime.read() as tx:
        assert "connection.lost" in {row.action for row in tx.all(audit.select())}


def test_who_refuses_with_200_is_understood(linked: Linked) -> None:
    linked.issuing.next.append(says(200, {"error": "invalid_grant"}))
    linked.clock.forward(hours=2)
    with pytest.raises(PeerError) as error:
        linked.access()
    assert error.value.kind == "rejected"


def test_who_connects_again_before_the_mail_goes_is_not_mailed(linked: Linked) -> None:
    linked.issuing.ended = True
    linked.clock.forward(hours=2)
    with pytest.raises(PeerError):
        linked.access()
    with linked.runtime.begin() as tx:
        book.keep(tx, KEYS, linked.installation, issuer(linked.issuing), Given("fresh", "refresh-9", HOUR_MS))
    assert linked.mails() == []
    assert linked.access() == "fresh"
    assert linked.health() == []


def test_a_token_without_a_refresh_token_is_lost_at_its_end(linked: Linked) -> None:
    with linked.runtime.begin() as tx:
        book.keep(tx, KEYS, linked.installation, issuer(linked.issuing), Given("only", None, HOUR_MS))
    assert linked.access() == "only"
    linked.clock.forward(hours=1)
    with pytest.raises(PeerError, match="it gave none to get another with"):
        linked.access()
    assert linked.issuing.asked == []
    assert len(linked.mails()) == 1


def test_a_refused_token_is_asked_for_anew_once_whoever_was_refused(linked: Linked) -> None:
    linked.clock.forward(minutes=5)
    assert linked.refused("access-0") == "access-1"
    assert linked.refused("access-0") == "access-1"  # another worker, with the old one in hand
    assert len(linked.issuing.asked) == 1


def test_a_refused_token_is_not_used_again_while_no_other_can_be_had(linked: Linked) -> None:
    linked.issuing.next.append(says(503))
    linked.clock.forward(minutes=5)
    with pytest.raises(PeerError):
        linked.refused("access-0")
    with pytest.raises(PeerError):
        linked.access()
    linked.clock.forward(seconds=6)
    assert linked.access() == "access-1"


def test_who_refuses_every_token_does_not_make_us_ask_without_end(linked: Linked) -> None:
    linked.clock.forward(minutes=5)
    token = linked.refused("access-0")
    for _ in range(5):
        with pytest.raises(PeerError, match="has only just given"):
            linked.refused(token)
    assert len(linked.issuing.asked) == 1
    linked.clock.forward(minutes=1)
    assert linked.refused(token) == "access-2"


def test_the_lease_of_one_who_died_ends_and_the_next_one_asks(linked: Linked) -> None:
    linked.clock.forward(hours=2)
    with linked.runtime.begin() as tx:
        assert refreshing.claim(tx, linked.row, refused=False) == 2
        assert refreshing.claim(tx, linked.row, refused=False) is None
    waits = linked.elsewhere(pause=lambda _seconds: linked.clock.forward(seconds=3))
    assert waits.access(linked.installation) == "access-1"
    _closed(waits)
    assert linked.row.attempt == 3


def test_who_was_held_up_past_its_lease_is_heard_while_nobody_knows_better(linked: Linked) -> None:
    late = _claimed(linked)
    again = _claimed(linked)
    assert refreshing.succeeded(linked.runtime, KEYS, late, Given("late", "refresh-late", HOUR_MS))
    refreshing.failed(linked.runtime, again, Trouble("it answered 400 (invalid_grant)", over=True))
    assert (linked.access(), linked.kept(), linked.row.state) == ("late", "refresh-late", "ok")


def test_who_was_held_up_while_another_one_was_given_tokens_is_not_heard(linked: Linked) -> None:
    late = _claimed(linked)
    assert refreshing.succeeded(linked.runtime, KEYS, _claimed(linked), Given("better", "refresh-better", HOUR_MS))
    assert not refreshing.succeeded(linked.runtime, KEYS, late, Given("late", "refresh-late", HOUR_MS))
    refreshing.failed(linked.runtime, late, Trouble("it answered 500"))
    assert (linked.access(), linked.kept(), linked.row.state) == ("better", "refresh-better", "ok")


def _claimed(linked: Linked) -> Claim:
    """A claim whose lease is over at once."""
    linked.clock.forward(hours=2)
    with linked.runtime.begin() as tx:
        attempt = refreshing.claim(tx, linked.row, refused=False)
    assert attempt is not None
    return Claim(linked.row.id, attempt, book.issuer_of(linked.row, None), linked.kept())


def test_tokens_that_come_after_somebody_connected_anew_are_dropped(linked: Linked) -> None:
    def reconnects() -> None:
        with linked.runtime.begin() as tx:
            book.keep(tx, KEYS, linked.installation, issuer(linked.issuing), Given("anew", "refresh-9", HOUR_MS))

    linked.issuing.meanwhile = reconnects
    linked.clock.forward(hours=2)
    assert linked.access() == "anew"
    assert linked.kept() == "refresh-9"


def test_tokens_that_come_after_somebody_disconnected_are_dropped(linked: Linked) -> None:
    linked.issuing.meanwhile = lambda: linked.store.disconnect(linked.installation)
    linked.clock.forward(hours=2)
    with pytest.raises(PeerError, match="eloqua is not connected yet") as error:
        linked.access()
    assert error.value.kind == "rejected"


def test_what_the_hub_cannot_open_is_told_and_nobody_is_asked(linked: Linked) -> None:
    stranger = Store(linked.runtime, ALONE, linked.store.outbound)
    with capture_logs() as logs, pytest.raises(PeerError, match="smshub keys list") as error:
        stranger.access(linked.installation)
    assert error.value.kind == "unavailable"
    assert {line["event"] for line in logs} >= {"connection.closed", "connection.failed"}
    assert linked.issuing.asked == []
    linked.clock.forward(seconds=6)
    assert linked.access() == "access-0"  # with the key, all is well


@pytest.mark.parametrize("column", ["access_token", "refresh_token", "client_secret"])
def test_a_secret_opens_in_its_own_column_of_its_own_row_for_its_own_server_alone(linked: Linked, column: str) -> None:
    others = {"access_token", "refresh_token", "client_secret"} - {column}
    mine = linked.row._mapping[column]
    for other in others:
        linked.write(**{other: mine})
        with pytest.raises(secrets.Unreadable):
            linked.kept(other)
    linked.write(token_url="https://thief.example.com/token")
    with pytest.raises(secrets.Unreadable):
        linked.kept(column)


def test_no_secret_is_logged_or_shown(linked: Linked) -> None:
    linked.issuing.next.extend([says(400, {"error": "refresh-0", "error_description": "access-0"}), says(500)])
    linked.clock.forward(hours=2)
    said: list[object] = []
    with capture_logs() as logs:
        for _ in range(2):
            with pytest.raises(PeerError) as error:
                linked.access()
            said += [str(error.value), repr(linked.store), repr(linked.row)]
            linked.clock.forward(minutes=1)
        said += [linked.access() and "", logs, linked.health(), linked.mails()]
    for secret in ("access-", "refresh-0", "our secret"):
        assert secret not in repr(said)
