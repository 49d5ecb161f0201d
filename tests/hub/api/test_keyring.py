import pytest

from core import Caller, Refused, Runtime, accounts
from hub.api.keyring import TTL_MS, Keyring
from tests.support.world import ManualClock


def key(runtime: Runtime, secret: str = "smshub_x") -> tuple[str, str]:
    with runtime.begin() as tx:
        account = accounts.create(tx, "A")
        return account.id, accounts.create_key(tx, account.id, "k", ["stats:read"], secret, "test")


def test_a_key_in_the_header_says_who_asks(runtime: Runtime) -> None:
    account_id, key_id = key(runtime)
    for header in ("Bearer smshub_x", "bearer   smshub_x"):
        found = Keyring(runtime).caller(header)
        assert (found.account_id, found.actor, found.scopes, found.user) == (
            account_id,
            f"key:{key_id}",
            frozenset({"stats:read"}),
            None,
        )


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic smshub_x", "smshub_x", "Bearer smshub_y", "Bearer é", "Bearer a\tb"],
)
def test_anything_else_is_nobody(runtime: Runtime, header: str | None) -> None:
    key(runtime)
    with pytest.raises(Refused, match="unauthenticated"):
        Keyring(runtime).caller(header)


def test_a_revoked_key_is_refused_two_seconds_later_at_the_latest(runtime: Runtime, clock: ManualClock) -> None:
    account_id, key_id = key(runtime)
    keyring = Keyring(runtime)
    keyring.caller("Bearer smshub_x")
    with runtime.begin() as tx:
        accounts.revoke_key(tx, account_id, key_id, "test")
    clock.forward(ms=TTL_MS)
    with pytest.raises(Refused, match="unauthenticated"):
        keyring.caller("Bearer smshub_x")


def test_a_new_key_works_at_once_though_it_was_unknown_before(runtime: Runtime) -> None:
    keyring = Keyring(runtime)
    with pytest.raises(Refused):
        keyring.caller("Bearer smshub_x")
    key(runtime)
    assert keyring.caller("Bearer smshub_x").source == "api"


def test_other_ways_are_asked_after_api_keys(runtime: Runtime) -> None:
    zapier = Caller("a", frozenset(), "zapier", "grant:1")
    keyring = Keyring(runtime, [lambda _: None, lambda secret: zapier if secret == "hub_at_1" else None])
    assert keyring.caller("Bearer hub_at_1") is zapier


def test_who_is_remembered_is_known_without_the_database_for_two_seconds(runtime: Runtime, clock: ManualClock) -> None:
    account_id, _ = key(runtime)
    keyring = Keyring(runtime)
    assert keyring.known("Bearer smshub_x") is None
    keyring.caller("Bearer smshub_x")
    found = keyring.known("Bearer smshub_x")
    assert found is not None
    assert found.account_id == account_id
    clock.forward(ms=TTL_MS)
    assert keyring.known("Bearer smshub_x") is None
    with pytest.raises(Refused, match="unauthenticated"):
        keyring.known("Basic smshub_x")
