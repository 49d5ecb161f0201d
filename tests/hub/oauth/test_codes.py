"""Authorization codes: once, within a minute, and only for the client that has the verifier."""

from typing import Any

import pytest
from sqlalchemy import select

from core.schema import audit
from hub.oauth.tables import oauth_codes, oauth_tokens
from tests.support.meeting import at_once
from tests.support.provider import ANN, BACK, VERIFIER, Provider


def error_of(answer: Any) -> str:
    assert answer.status_code in {400, 401}, answer.json
    return str(answer.json["error"])


def test_a_code_is_redeemed_once_and_a_second_time_ends_all_that_came_of_it(hub: Provider) -> None:
    """Fails without `ByCode.authenticate_user`: Authlib deletes the code, and knows nothing of what was given for it."""
    app = hub.register()
    code = hub.consents(app)["code"]
    first: Any = hub.redeem(app, code).json
    assert hub.me(first["access_token"]).status_code == 200
    assert error_of(hub.redeem(app, code)) == "invalid_grant"
    hub.clock.forward(seconds=2)  # as long as keys are remembered
    assert hub.me(first["access_token"]).status_code == 401
    assert error_of(hub.refresh(app, first["refresh_token"])) == "invalid_grant"
    assert [row.ended_reason for row in hub.grants()] == ["reused"]


def test_a_code_that_was_used_is_known_again_after_its_minute(hub: Provider) -> None:
    app = hub.register()
    code = hub.consents(app)["code"]
    hub.redeem(app, code)
    hub.clock.forward(days=3)
    assert error_of(hub.redeem(app, code)) == "invalid_grant"
    assert [row.ended_reason for row in hub.grants()] == ["reused"]


def test_of_two_redemptions_at_once_one_gets_tokens_and_then_nobody_has_any(hub: Provider) -> None:
    """Fails without the lock of `codes.held`: Authlib reads, saves and deletes one after the other, and both get tokens."""
    app = hub.register()
    code = hub.consents(app)["code"]
    answers = at_once(hub, *[lambda: hub.redeem(app, code)] * 2)
    good, bad = sorted(answers, key=lambda answer: answer.status_code)
    assert (good.status_code, error_of(bad)) == (200, "invalid_grant")
    assert hub.me((good.json or {})["access_token"]).status_code == 401
    assert len(rows(hub, oauth_tokens)) == 2


def test_a_code_is_good_for_a_minute(hub: Provider) -> None:
    """Fails without `codes.LIFE_MS`: the storage that Authlib brings lets one live five minutes."""
    app = hub.register()
    early, late = hub.consents(app)["code"], hub.consents(app)["code"]
    hub.clock.forward(seconds=59)
    assert hub.redeem(app, early).status_code == 200
    hub.clock.forward(seconds=1)
    assert error_of(hub.redeem(app, late)) == "invalid_grant"


def test_another_client_that_has_a_code_can_neither_use_it_nor_have_it_revoked(hub: Provider) -> None:
    """Fails without the client in `ByCode.query_authorization_code`, asked before the code's use is: a leak would lock everybody out."""
    app, thief = hub.register(), hub.register("Thief", ["https://thief.example/"])
    code = hub.consents(app)["code"]
    assert error_of(hub.redeem(thief, code)) == "invalid_grant"
    assert error_of(hub.redeem(thief, code, redirect_uri=BACK)) == "invalid_grant"
    tokens: Any = hub.redeem(app, code).json
    assert error_of(hub.redeem(thief, code)) == "invalid_grant"
    assert error_of(hub.redeem(thief, code, redirect_uri=BACK)) == "invalid_grant"
    assert hub.me(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("public", [False, True])
def test_without_the_verifier_a_code_is_worth_nothing_and_a_used_one_does_no_harm(hub: Provider, public: bool) -> None:
    app = hub.register(public=public)
    code = hub.consents(app)["code"]
    wrong = {
        "": "invalid_request",
        "x": "invalid_request",
        VERIFIER[::-1]: "invalid_grant",
        "é" * 50: "invalid_request",
    }
    for verifier, error in wrong.items():
        assert error_of(hub.redeem(app, code, code_verifier=verifier)) == error, verifier
    assert error_of(hub.redeem(app, code, code_verifier=None)) == "invalid_request"
    tokens: Any = hub.redeem(app, code).json
    for verifier in wrong:
        assert error_of(hub.redeem(app, code, code_verifier=verifier)) in {"invalid_grant", "invalid_request"}
    assert hub.me(tokens["access_token"]).status_code == 200


def test_the_address_is_asked_for_again_and_must_be_the_same(hub: Provider) -> None:
    app = hub.register(redirects=[BACK, f"{BACK}/2"])
    code = hub.consents(app)["code"]
    for uri in (f"{BACK}/2", f"{BACK}/", "", None):
        assert error_of(hub.redeem(app, code, redirect_uri=uri)) == "invalid_grant", uri
    assert hub.redeem(app, code).status_code == 200


@pytest.mark.parametrize("code", ["smshub_ac_made-up", "x", "", None, "é", '"', "smshub_at_x"])
def test_what_is_no_code_is_refused(hub: Provider, code: str | None) -> None:
    asked = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER, "code": code}
    assert error_of(hub.token(hub.register(), **asked)) == ("invalid_grant" if code else "invalid_request")


def test_nothing_that_opens_a_door_stands_in_the_database(hub: Provider) -> None:
    """Fails without `secret.digest`: the storage that Authlib brings keeps codes, tokens and secrets as they are."""
    app = hub.register()
    code = hub.consents(app)["code"]
    tokens: Any = hub.redeem(app, code).json
    hub.refresh(app, tokens["refresh_token"])
    kept = str([rows(hub, table) for table in (oauth_codes, oauth_tokens, audit)]) + str(hub.grants())
    assert code not in kept
    assert tokens["access_token"] not in kept
    assert tokens["refresh_token"] not in kept
    assert app.secret
    assert app.secret not in kept
    assert ANN in hub.ann.open("/console/apps").said


def test_codes_and_tokens_are_256_random_bits_each_and_say_what_they_are(hub: Provider) -> None:
    app = hub.register()
    drawn = set()
    for _ in range(3):
        code = hub.consents(app)["code"]
        tokens: Any = hub.redeem(app, code).json
        drawn |= {code, tokens["access_token"], tokens["refresh_token"]}
    assert len(drawn) == 9
    assert {one[:10] for one in drawn} == {"smshub_ac_", "smshub_at_", "smshub_rt_"}
    assert {len(one) for one in drawn} == {10 + 43}  # 32 bytes in base64url


def rows(hub: Provider, table: Any) -> Any:
    with hub.runtime.read() as tx:
        return tx.all(select(table))
