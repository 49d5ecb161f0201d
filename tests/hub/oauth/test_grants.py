"""What a person let applications do: seen, ended, and cleared up after."""

from typing import Any

from sqlalchemy import delete, func, select

from core import jobs, schema
from hub.hooks import endpoints
from hub.hooks.tables import hooks
from hub.oauth import clients, ended, tidy
from hub.oauth.ended import Ended
from hub.oauth.tables import oauth_clients, oauth_codes, oauth_grants, oauth_tokens
from hub.roles import loops
from hub.roles.supervisor import ON
from tests.support.provider import ANN, Provider

SAM = "sam@example.com"


def test_a_person_sees_what_applications_may_do_and_ends_it(hub: Provider) -> None:
    app = hub.register("Shop", scopes=["messages:send", "webhooks:manage"])
    tokens = hub.tokens(app)
    hub.hook(tokens["access_token"])
    page = hub.ann.open("/console/apps")
    for words in ("Shop", f"Allowed by {ANN}", "Send SMS", "Is told of events at 1 address"):
        assert words in page.said
    page = hub.ann.open(f"/console/apps/{hub.grants()[0].id}")
    assert "End what Shop may do?" in page.said
    assert "The webhook that it made is deleted" in page.said
    hub.ann.send()
    assert "may do nothing more here" in hub.ann.page.said
    assert "No application may." in hub.ann.page.said
    hub.clock.forward(seconds=2)
    assert hub.me(tokens["access_token"]).status_code == 401
    assert hub.refresh(app, tokens["refresh_token"]).status_code == 400
    assert hooks_of(hub) == ["deleted"]
    assert hub.trail("oauth.ended") == [f"user:{hub.grants()[0].user_id}"]
    hub.ann.open(f"/console/apps/{hub.grants()[0].id}")
    assert hub.ann.status == 404


def test_the_pages_are_french_too(hub: Provider) -> None:
    hub.tokens(hub.register("Shop", scopes=["messages:send"]))
    browser = hub.signed_in(ANN, language="fr")
    assert "Envoyer des SMS" in browser.open("/console/apps").said
    assert "Mettre fin à ce que Shop peut faire ?" in browser.open(f"/console/apps/{hub.grants()[0].id}").said


def test_an_owner_sees_to_everybodys_and_others_to_their_own(hub: Provider) -> None:
    hub.user(SAM, "sender", hub.account)
    sam = hub.signed_in(SAM)
    hub.tokens(hub.register("Ann's"))
    hub.tokens(hub.register("Sam's"), sam)
    anns, sams = hub.grants()
    assert ("Ann's" in sam.open("/console/apps").said, "Sam's" in sam.page.said) == (False, True)
    assert sam.look(f"/console/apps/{anns.id}") == 404
    hub.ann.open("/console/apps")
    assert "Ann's" in hub.ann.page.said
    hub.ann.open(f"/console/apps/{sams.id}")
    hub.ann.send()
    assert [row.ended_reason for row in hub.grants()] == [None, "revoked"]


def test_another_accounts_grants_and_what_is_no_id_are_not_found(hub: Provider) -> None:
    hub.tokens(hub.register())
    hub.user("eve@example.com", name="Eve's")
    eve = hub.signed_in("eve@example.com")
    token = eve.form("/console/sign-out").fields["token"]
    for grant_id in (hub.grants()[0].id, "nonsense", "%00"):
        assert eve.look(f"/console/apps/{grant_id}") == 404
        eve.post(f"/console/apps/{grant_id}", {"token": token})
        assert eve.status == 404
    assert "No application may." in eve.open("/console/apps").said
    assert hub.grants()[0].ended_at is None


def test_who_is_not_signed_in_sees_nothing(hub: Provider) -> None:
    browser = hub.browser()
    browser.open("/console/apps")
    assert browser.path == "/console/sign-in"


def test_the_hooks_of_others_stay(hub: Provider) -> None:
    first, second = hub.tokens(hub.register("One")), hub.tokens(hub.register("Two"))
    hub.hook(first["access_token"])
    hub.hook(second["access_token"])
    revoke(hub)
    assert hooks_of(hub) == ["deleted", None]


def test_the_connector_is_told_where_its_hooks_posted_to(hub: Provider) -> None:
    tokens = hub.tokens(hub.register("Zapier", connector="zapier"))
    for place in (1, 2):
        hub.hook(tokens["access_token"], f"http://127.0.0.1:1/hook/{place}")
    revoke(hub)
    heard: list[Ended] = []
    handlers = {"oauth.grant_ended": ended.work({"zapier": lambda _runtime, one: heard.append(one)})}
    assert jobs.work(hub.runtime, handlers)
    (told,) = heard
    assert (told.connector, told.reason, told.account_id) == ("zapier", "revoked", hub.account.id)
    assert told.urls == ["http://127.0.0.1:1/hook/1", "http://127.0.0.1:1/hook/2"]
    assert "hook/1" not in repr(told)  # the address of a Zap is a secret
    assert not jobs.work(hub.runtime, handlers)


def test_who_left_before_the_end_is_not_told_of_it(hub: Provider) -> None:
    tokens = hub.tokens(hub.register("Zapier", connector="zapier"))
    for place in (1, 2):
        made = hub.hook(tokens["access_token"], f"http://127.0.0.1:1/hook/{place}")
        if place == 1:
            hub.api("DELETE", f"/hooks/{made['id']}", tokens["access_token"])
    hub.clock.forward(seconds=1)
    revoke(hub)
    told = ended.read(hub.runtime, hub.grants()[0].id)
    assert told is not None
    assert told.urls == ["http://127.0.0.1:1/hook/2"]


def test_a_connector_that_does_not_listen_is_no_fault(hub: Provider) -> None:
    hub.tokens(hub.register("Zapier", connector="zapier"))
    revoke(hub)
    hub.work()
    with hub.runtime.read() as tx:
        assert tx.scalar(select(func.count()).where(schema.jobs.c.done_at.is_(None))) == 0


def test_what_a_client_does_by_itself_is_seen_by_the_owner_and_ended_for_good(hub: Provider) -> None:
    app = hub.register("Nightly", (), scopes=["stats:read"], account_id=hub.account.id)
    token: Any = hub.token(app, grant_type="client_credentials").json
    page = hub.ann.open("/console/apps")
    assert "Nightly" in page.said
    assert "Set up by the operator" in page.said
    revoke(hub)
    assert hub.me(token["access_token"]).status_code == 401
    for days in (0, 40):
        hub.clock.forward(days=days)
        tidied(hub)
        answer: Any = hub.token(app, grant_type="client_credentials")
        assert (answer.status_code, answer.json["error"]) == (400, "unauthorized_client")


def test_a_deleted_client_takes_everything_along(hub: Provider) -> None:
    app = hub.register()
    tokens = hub.tokens(app)
    hub.hook(tokens["access_token"])
    with hub.runtime.begin() as tx:
        clients.delete(tx, app.id, "operator")
    hub.clock.forward(seconds=2)
    assert hub.me(tokens["access_token"]).status_code == 401
    assert hub.refresh(app, tokens["refresh_token"]).status_code == 401
    tidied(hub)
    assert hooks_of(hub) == ["deleted"]
    assert [row.ended_reason for row in hub.grants()] == ["client"]
    assert hub.register().id != app.id  # its name is free again
    hub.clock.forward(days=31)
    tidied(hub)
    assert [count(hub, table) for table in (oauth_grants, oauth_codes, oauth_tokens, oauth_clients)] == [0, 0, 0, 1]


def test_who_leaves_takes_their_hooks_along(hub: Provider) -> None:
    hub.user(SAM, "sender", hub.account)
    hub.hook(hub.tokens(hub.register(), hub.signed_in(SAM))["access_token"])
    with hub.runtime.begin() as tx:
        tx.execute(delete(schema.users).where(schema.users.c.email == SAM))
    tidied(hub)
    assert hooks_of(hub) == ["deleted"]
    assert [row.ended_reason for row in hub.grants()] == ["user"]


def test_what_is_too_old_is_swept_away(hub: Provider) -> None:
    app = hub.register()
    hub.consents(app)
    tokens = hub.tokens(app)
    hub.refresh(app, tokens["refresh_token"])
    assert count(hub, oauth_tokens) == 4
    tidied(hub)
    assert count(hub, oauth_tokens) == 4
    hub.clock.forward(days=8)
    tidied(hub)
    assert count(hub, oauth_tokens) == 1  # the newest refresh token
    assert [row.ended_reason for row in hub.grants()] == ["expired", None]
    hub.clock.forward(days=60)
    tidied(hub)
    assert [row.ended_reason for row in hub.grants()] == ["expired"]
    hub.clock.forward(days=31)
    tidied(hub)
    assert [count(hub, table) for table in (oauth_grants, oauth_codes, oauth_tokens)] == [0, 0, 0]


def test_a_grant_that_only_hears_of_events_goes_on_without_tokens(hub: Provider) -> None:
    """A Zap that begins with one of our events asks for nothing, so it never refreshes."""
    made = hub.hook(hub.tokens(hub.register())["access_token"])
    for _ in range(3):
        hub.clock.forward(days=61)
        tidied(hub)
    assert hooks_of(hub) == [None]
    assert "Is told of events at 1 address" in signed_in_again(hub)
    with hub.runtime.begin() as tx:
        endpoints.delete(tx, hub.account.id, made["id"])
    hub.clock.forward(days=2)
    tidied(hub)
    assert [row.ended_reason for row in hub.grants()] == ["expired"]


def test_clearing_up_takes_a_page_at_a_time(hub: Provider) -> None:
    hub.register("Nightly", (), account_id=hub.account.id)
    rows = [(f"{n:064}", n) for n in range(tidy.PAGE + 1)]
    common = {"kind": "access", "grant_id": hub.grants()[0].id, "scopes": "", "created_at": 0}
    with hub.runtime.begin() as tx:
        tx.insert(oauth_tokens, ("digest", "ends_at"), rows, common)
    assert [tidy.tidy(hub.runtime) for _ in range(3)] == [tidy.PAGE, 1, 0]


def test_workers_clear_up_by_themselves(hub: Provider) -> None:
    hub.tokens(hub.register())
    hub.clock.forward(days=61)
    while loops._keep_house(hub.runtime) == ON:
        pass
    assert count(hub, oauth_tokens) == 0


def revoke(hub: Provider) -> None:
    """Ann ends the oldest grant."""
    hub.ann.open(f"/console/apps/{hub.grants()[0].id}")
    hub.ann.send()
    hub.clock.forward(seconds=2)  # as long as keys are remembered


def tidied(hub: Provider) -> None:
    while tidy.tidy(hub.runtime):
        pass


def signed_in_again(hub: Provider) -> str:
    return hub.signed_in(ANN).open("/console/apps").said


def hooks_of(hub: Provider) -> list[str | None]:
    """What became of each hook."""
    with hub.runtime.read() as tx:
        return [row.disabled_reason for row in tx.all(select(hooks).order_by(hooks.c.id))]


def count(hub: Provider, table: Any) -> int:
    with hub.runtime.read() as tx:
        return int(tx.scalar(select(func.count()).select_from(table)))
