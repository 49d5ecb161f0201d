"""Refresh tokens: each is used once, its successor may be asked for again for half a minute, and what comes later ends the family."""

from typing import Any

import pytest
from sqlalchemy import func, select

from core.schema import audit
from hub.oauth import tidy
from hub.oauth.tables import oauth_grants, oauth_tokens
from tests.support.meeting import at_once
from tests.support.provider import ANN, Provider

SCOPES = ["messages:send", "messages:read", "stats:read"]


def error_of(answer: Any) -> str:
    assert answer.status_code in {400, 401}, answer.json
    return str(answer.json["error"])


def test_a_refresh_gives_another_pair_and_the_access_token_before_goes_on_to_its_end(hub: Provider) -> None:
    """Fails without `ByRefresh.INCLUDE_NEW_REFRESH_TOKEN`: Authlib leaves the one refresh token good for ever."""
    app = hub.register(scopes=SCOPES)
    first = hub.tokens(app)
    hub.clock.forward(minutes=50)
    second: Any = hub.refresh(app, first["refresh_token"]).json
    assert second["refresh_token"] != first["refresh_token"]
    assert (second["scope"], second["expires_in"]) == (first["scope"], 3600)
    assert hub.me(first["access_token"]).status_code == hub.me(second["access_token"]).status_code == 200
    hub.clock.forward(minutes=10)
    assert hub.me(first["access_token"]).status_code == 401
    assert hub.me(second["access_token"]).status_code == 200


def test_who_lost_the_answer_asks_again_and_gets_the_same(hub: Provider) -> None:
    app = hub.register()
    first = hub.tokens(app)
    lost: Any = hub.refresh(app, first["refresh_token"]).json
    hub.clock.forward(seconds=5)
    again: Any = hub.refresh(app, first["refresh_token"]).json
    assert again == lost | {"expires_in": 3595}
    hub.clock.forward(seconds=25)
    assert hub.refresh(app, first["refresh_token"]).status_code == 200
    assert hub.refresh(app, again["refresh_token"]).status_code == 200
    assert living(hub) == 1


def test_a_spent_token_that_comes_later_ends_the_family_and_the_owner_is_told(hub: Provider) -> None:
    """Fails without `ByRefresh.create_token_response`: Authlib knows no families."""
    app = hub.register("Shop")
    first = hub.tokens(app)
    second: Any = hub.refresh(app, first["refresh_token"]).json
    hub.clock.forward(seconds=31)
    assert error_of(hub.refresh(app, first["refresh_token"])) == "invalid_grant"
    assert hub.me(second["access_token"]).status_code == 401
    assert error_of(hub.refresh(app, second["refresh_token"])) == "invalid_grant"
    assert [row.ended_reason for row in hub.grants()] == ["reused"]
    assert hub.trail("oauth.ended") == [f"client:{app.id}"]
    (letter,) = hub.letters(ANN)
    assert letter["subject"] == "An application was locked out: Shop"
    assert "https://sms.example/console/apps" in letter["body"]


def test_a_family_that_has_ended_is_not_ended_again(hub: Provider) -> None:
    app = hub.register()
    first = hub.tokens(app)
    hub.refresh(app, first["refresh_token"])
    hub.clock.forward(seconds=31)
    for _ in range(3):
        hub.refresh(app, first["refresh_token"])
    assert len(hub.trail("oauth.ended")) == len(hub.letters(ANN)) == 1


def test_the_other_families_of_a_client_go_on(hub: Provider) -> None:
    app = hub.register()
    stolen, other = hub.tokens(app), hub.tokens(app)
    hub.refresh(app, stolen["refresh_token"])
    hub.clock.forward(seconds=31)
    hub.refresh(app, stolen["refresh_token"])
    assert hub.me(other["access_token"]).status_code == 200
    assert hub.refresh(app, other["refresh_token"]).status_code == 200


def test_of_two_refreshes_at_once_both_get_the_one_successor(hub: Provider) -> None:
    """Fails without the lock of `tokens.held`: each would make a pair of its own."""
    app = hub.register()
    first = hub.tokens(app)
    answers = at_once(hub, *[lambda: hub.refresh(app, first["refresh_token"])] * 2)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json == answers[1].json
    assert living(hub) == 1


def test_a_refresh_that_meets_the_end_of_its_grant_leaves_nothing_that_is_good(hub: Provider) -> None:
    app = hub.register()
    first = hub.tokens(app)
    ask = {"token": first["refresh_token"]} | app.credentials
    answers = at_once(hub, lambda: hub.refresh(app, first["refresh_token"]), lambda: hub.ask("/oauth/revoke", ask))
    for answer in answers:
        if answer.json and "access_token" in answer.json:
            assert hub.me(answer.json["access_token"]).status_code == 401
    assert error_of(hub.refresh(app, first["refresh_token"])) == "invalid_grant"


def test_another_client_that_has_a_refresh_token_can_neither_use_it_nor_end_it(hub: Provider) -> None:
    app, thief = hub.register(), hub.register("Thief")
    first = hub.tokens(app)
    second: Any = hub.refresh(app, first["refresh_token"]).json
    hub.clock.forward(minutes=1)
    for stolen in (first["refresh_token"], second["refresh_token"]):
        assert error_of(hub.refresh(thief, stolen)) == "invalid_grant"
    assert hub.me(second["access_token"]).status_code == 200
    assert hub.refresh(app, second["refresh_token"]).status_code == 200


@pytest.mark.parametrize("days, status", [(59, 200), (60, 400)])
def test_a_refresh_token_is_good_for_sixty_days(hub: Provider, days: int, status: int) -> None:
    app = hub.register()
    first = hub.tokens(app)
    hub.clock.forward(days=days)
    assert hub.refresh(app, first["refresh_token"]).status_code == status


def test_less_may_be_asked_for_and_the_next_time_all_again(hub: Provider) -> None:
    app = hub.register(scopes=SCOPES)
    first = hub.tokens(app)
    less: Any = hub.refresh(app, first["refresh_token"], scope="stats:read").json
    assert less["scope"] == "stats:read"
    assert hub.me(less["access_token"]).json["scopes"] == ["stats:read"]  # type: ignore[index]
    whole: Any = hub.refresh(app, less["refresh_token"]).json
    assert whole["scope"] == "messages:send messages:read stats:read"


def test_more_than_was_granted_is_refused_and_the_token_stays_good(hub: Provider) -> None:
    app = hub.register(scopes=SCOPES)
    first = hub.tokens(app, scope="stats:read")
    for scope in ("stats:read messages:send", "messages:send", "nonsense", '"'):
        assert error_of(hub.refresh(app, first["refresh_token"], scope=scope)) == "invalid_scope", scope
    assert hub.refresh(app, first["refresh_token"]).status_code == 200


@pytest.mark.parametrize("token", ["smshub_rt_made-up", "x", "é", '"', "", None])
def test_what_is_no_refresh_token_is_refused(hub: Provider, token: str | None) -> None:
    answer = hub.token(hub.register(), grant_type="refresh_token", refresh_token=token)
    assert error_of(answer) == ("invalid_grant" if token else "invalid_request")


def test_an_access_token_or_code_refreshes_nothing(hub: Provider) -> None:
    app = hub.register()
    assert error_of(hub.refresh(app, hub.tokens(app)["access_token"])) == "invalid_grant"
    assert error_of(hub.refresh(app, hub.consents(app)["code"])) == "invalid_grant"


def test_a_successor_is_sealed_and_forgotten_when_nobody_may_have_it_any_more(hub: Provider) -> None:
    app = hub.register()
    first = hub.tokens(app)
    second: Any = hub.refresh(app, first["refresh_token"]).json
    assert successors(hub) == 1
    with hub.runtime.read() as tx:
        kept = str(tx.all(select(oauth_tokens)))
    assert second["refresh_token"] not in kept
    assert second["access_token"] not in kept
    tidy.tidy(hub.runtime)
    assert successors(hub) == 1
    hub.clock.forward(seconds=31)
    tidy.tidy(hub.runtime)
    assert successors(hub) == 0


def test_the_trail_tells_what_happened_and_no_token(hub: Provider) -> None:
    app = hub.register()
    first = hub.tokens(app)
    hub.refresh(app, first["refresh_token"])
    hub.clock.forward(minutes=1)
    hub.refresh(app, first["refresh_token"])
    with hub.runtime.read() as tx:
        details = [row.detail for row in tx.all(select(audit).where(audit.c.action.like("oauth.%")))]
    assert any('"reason": "reused"' in detail for detail in details)
    assert "smshub_" not in str(details)


def living(hub: Provider) -> int:
    """Refresh tokens that could still be used."""
    mine = oauth_tokens.join(oauth_grants, oauth_grants.c.id == oauth_tokens.c.grant_id)
    good = (oauth_tokens.c.kind == "refresh") & oauth_tokens.c.spent_at.is_(None) & oauth_grants.c.ended_at.is_(None)
    with hub.runtime.read() as tx:
        return int(tx.scalar(select(func.count()).select_from(mine).where(good)))


def successors(hub: Provider) -> int:
    with hub.runtime.read() as tx:
        return int(tx.scalar(select(func.count()).where(oauth_tokens.c.successor.is_not(None))))
