"""An access token at the API: in the header only, and worth no more than its person may do now."""

from typing import Any

import pytest
from sqlalchemy import delete, update

from core import schema
from hub.hooks.tables import hooks
from hub.people import members, roles
from hub.people.sessions import Person
from tests.support.provider import ANN, Provider

SAM = "sam@example.com"
users = schema.users


def test_a_token_opens_nothing_but_in_the_header(hub: Provider) -> None:
    token = hub.tokens(hub.register())["access_token"]
    refused: list[Any] = [
        hub.http.get(f"/api/v1/me?access_token={token}"),
        hub.http.post("/api/v1/hooks", data={"access_token": token}),
        hub.http.get("/api/v1/me", headers={"Authorization": f"Basic {token}"}),
        hub.http.get("/api/v1/me", headers={"Cookie": f"access_token={token}"}),
    ]
    for answer in refused:
        assert (answer.status_code, answer.headers["WWW-Authenticate"][:6]) == (401, "Bearer")


def test_what_is_no_living_access_token_opens_nothing_and_is_told_so(hub: Provider) -> None:
    app = hub.register()
    tokens = hub.tokens(app)
    code = hub.consents(app)["code"]
    for token in (tokens["refresh_token"], code, str(app.secret), "smshub_at_made-up", f"{tokens['access_token']}x"):
        answer = hub.me(token)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="smshub", error="invalid_token"'
    hub.clock.forward(hours=1)
    assert hub.me(tokens["access_token"]).status_code == 401


def test_a_scope_that_is_missing_is_403_and_named(hub: Provider) -> None:
    token = hub.tokens(hub.register(scopes=["stats:read"]))["access_token"]
    asked = {"url": "http://127.0.0.1:1/", "events": ["reply.received"]}
    answer: Any = hub.api("POST", "/hooks", token, json=asked)
    assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope", scope="webhooks:manage"' in answer.headers["WWW-Authenticate"]


def test_whose_role_changes_lets_others_do_less_from_then_on_and_more_when_it_changes_back(hub: Provider) -> None:
    hub.user(SAM, "sender", hub.account)
    app = hub.register(scopes=["messages:send", "messages:read"])
    tokens = hub.tokens(app, hub.signed_in(SAM))
    becomes(hub, SAM, "viewer")
    assert scopes(hub, tokens) == ["messages:read"]
    again: Any = hub.refresh(app, tokens["refresh_token"]).json
    assert again["scope"] == "messages:read"
    becomes(hub, SAM, "sender")
    assert scopes(hub, tokens) == ["messages:read", "messages:send"]
    assert hub.refresh(app, again["refresh_token"]).json["scope"] == "messages:send messages:read"  # type: ignore[index]


def test_who_may_give_nothing_any_more_has_given_nothing(hub: Provider) -> None:
    hub.user(SAM, "sender", hub.account)
    app = hub.register(scopes=["messages:send"])
    tokens = hub.tokens(app, hub.signed_in(SAM))
    becomes(hub, SAM, "viewer")
    assert hub.refresh(app, tokens["refresh_token"]).json["error"] == "invalid_grant"  # type: ignore[index]
    assert hub.ask("/oauth/introspect", app.credentials | {"token": tokens["access_token"]}).json == {"active": False}
    assert scopes(hub, tokens) == []


def test_a_code_of_somebody_who_lost_the_right_meanwhile_is_refused(hub: Provider) -> None:
    hub.user(SAM, "sender", hub.account)
    app = hub.register(scopes=["messages:send"])
    code = hub.consents(app, hub.signed_in(SAM))["code"]
    becomes(hub, SAM, "viewer")
    assert hub.redeem(app, code).json["error"] == "invalid_grant"  # type: ignore[index]


def test_with_a_person_go_the_tokens_that_they_gave(hub: Provider) -> None:
    hub.user(SAM, "sender", hub.account)
    app = hub.register()
    sams, anns = hub.tokens(app, hub.signed_in(SAM)), hub.tokens(app)
    with hub.runtime.begin() as tx:
        ann, sam = (tx.scalar(users.select().where(users.c.email == one)) for one in (ANN, SAM))
        members.remove(tx, Person(ann, hub.account.id, ANN, "owner", ann), sam)
    assert hub.me(sams["access_token"]).status_code == 401
    assert hub.refresh(app, sams["refresh_token"]).status_code == 400
    assert hub.me(anns["access_token"]).status_code == 200


def test_who_moves_to_another_account_takes_no_token_along(hub: Provider) -> None:
    tokens = hub.tokens(hub.register())
    other = hub.user(SAM)
    with hub.runtime.begin() as tx:
        tx.execute(delete(users).where(users.c.email == SAM))
        tx.execute(update(users).where(users.c.email == ANN).values(account_id=other.id))
    assert hub.me(tokens["access_token"]).status_code == 401


def test_a_grant_knows_when_it_was_last_used_to_the_minute(hub: Provider) -> None:
    tokens = hub.tokens(hub.register())
    used = []
    for seconds in (0, 59, 2):
        hub.clock.forward(seconds=seconds)
        hub.me(tokens["access_token"])
        used.append(hub.grants()[0].used_at)
    assert used == [hub.clock.now - 61_000, hub.clock.now - 61_000, hub.clock.now]


def test_a_hook_knows_the_grant_that_it_was_made_under(hub: Provider) -> None:
    made = hub.hook(hub.tokens(hub.register())["access_token"])
    with hub.runtime.read() as tx:
        row = tx.one(hooks.select().where(hooks.c.id == made["id"]))
    assert row
    assert row.grant_id == hub.grants()[0].id


def becomes(hub: Provider, who: str, role: str) -> None:
    with hub.runtime.begin() as tx:
        tx.execute(update(users).where(users.c.email == who).values(role=role))
    hub.clock.forward(seconds=2)  # as long as keys are remembered


def scopes(hub: Provider, tokens: Any) -> list[str]:
    answer: Any = hub.me(tokens["access_token"])
    assert answer.status_code == 200, answer.json
    return list(answer.json["scopes"])


@pytest.mark.parametrize("role", ["owner", "sender", "viewer"])
def test_nobody_gives_more_than_their_role_has(hub: Provider, role: str) -> None:
    hub.user(SAM, role, hub.account)
    tokens = hub.tokens(hub.register(), hub.signed_in(SAM))
    assert set(tokens["scope"].split()) <= roles.scopes_of(role)
    assert not {"credits:transfer", "account:write"} & set(tokens["scope"].split())
