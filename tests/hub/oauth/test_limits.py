"""Who guesses secrets is stopped, and nobody else notices."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from hub.oauth.limits import CLIENT_HERE, QUOTA, REFUSED_TIMES, Limits
from tests.support.provider import App, Provider
from tests.support.servers import RedisServer
from tests.support.serving import wait_for
from tests.support.web import settings

MOST = QUOTA // CLIENT_HERE  # a minute
MOST_REFUSED = MOST // REFUSED_TIMES
HERE, THERE = "203.0.113.66", "198.51.100.9"


def guess(hub: Provider, app: App, network: str = HERE, path: str = "/oauth/token") -> Any:
    asked = {"client_id": app.id, "client_secret": "wrong", "grant_type": "refresh_token", "token": "x"}
    return hub.ask(path, asked, network=network)


def test_five_hundred_wrong_secrets_in_a_minute_are_stopped_and_other_clients_go_on(hub: Provider) -> None:
    app, other = hub.register(), hub.register("Other")
    first, second = hub.tokens(app), hub.tokens(other)
    answers = [guess(hub, app) for _ in range(500)]
    statuses = [answer.status_code for answer in answers]
    stopped = statuses.index(429)
    assert MOST_REFUSED <= stopped <= MOST_REFUSED + REFUSED_TIMES
    assert set(statuses[:stopped]) == {401}
    assert set(statuses[stopped:]) == {429}
    assert answers[-1].json["error"] == "temporarily_unavailable"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    same_network = {"grant_type": "refresh_token", "refresh_token": second["refresh_token"]} | other.credentials
    assert hub.ask("/oauth/token", same_network, network=HERE).status_code == 200
    assert hub.refresh(app, first["refresh_token"]).status_code == 200  # from its own network


def test_it_is_counted_over_all_endpoints_and_forgotten_in_time(hub: Provider) -> None:
    app = hub.register()
    for _ in range(MOST_REFUSED + REFUSED_TIMES):
        guess(hub, app)
    assert guess(hub, app, path="/oauth/introspect").status_code == 429
    hub.clock.forward(minutes=1)
    assert guess(hub, app, path="/oauth/introspect").status_code == 401


def test_one_network_that_guesses_for_many_clients_is_stopped_too(hub: Provider) -> None:
    apps = [App(f"client-{place}", "x") for place in range(30)]
    statuses = [guess(hub, app).status_code for _ in range(12) for app in apps]
    assert 429 in statuses
    assert guess(hub, apps[0], THERE).status_code == 401


def test_what_is_right_is_limited_less(hub: Provider) -> None:
    app = hub.register("Nightly", (), account_id=hub.account.id)
    statuses = [hub.token(app, grant_type="client_credentials").status_code for _ in range(MOST_REFUSED * 2)]
    assert set(statuses) == {200}


def test_many_networks_that_guess_for_a_client_do_not_keep_its_owner_out(hub: Provider) -> None:
    app = hub.register()
    first = hub.tokens(app)
    for place in range(12):
        for _ in range(MOST_REFUSED):
            guess(hub, app, f"2001:db8:0:{place}::1")
    assert hub.refresh(app, first["refresh_token"]).status_code == 200


@pytest.fixture
def processes() -> Iterator[tuple[Limits, Limits]]:
    """Two processes that hear of each other."""
    with RedisServer() as server:
        known = settings(SMSHUB_DATABASE_URL="postgresql://hub@db/hub", SMSHUB_REDIS_URL=server.url)
        one, two = Limits(known), Limits(known)
        yield one, two
        one.close()
        two.close()


def test_what_one_process_was_asked_counts_at_the_others(processes: tuple[Limits, Limits]) -> None:
    one, two = processes
    while one.take("shop", HERE, 0) is None:
        one.refused("shop", HERE, 0)
    asked = count()
    # Each has its own clock, and hears of the other when it asks a quarter of a second later.
    wait_for(lambda: two.take("shop", HERE, 250 * next(asked)) is not None or next(asked) > MOST)
    assert next(asked) < MOST
    assert two.take("shop", THERE, 0) is None
