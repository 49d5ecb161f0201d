"""Accounts, their people and their keys."""

import json
from typing import Any

import pytest

from core import accounts
from core.accounts import Account
from core.errors import Refused
from core.schema import api_keys, audit, inbound_numbers, senders
from tests.support.engine import Engine
from tests.support.world import NOON


def change(engine: Engine, account: Account, **changes: Any) -> Account:
    with engine.runtime.begin() as tx:
        return accounts.change(tx, account.id, changes, "user:anne")


def new_key(engine: Engine, account: Account, secret: str = "smshub_secret", *scopes: str) -> str:
    with engine.runtime.begin() as tx:
        return accounts.create_key(tx, account.id, "test", scopes or ("messages:send",), secret, "user:anne")


def test_an_account_begins_empty_with_the_mention_on_and_no_grant(engine: Engine) -> None:
    account = engine.account(credits=0)
    assert (account.kind, account.region, account.timezone, account.stop, account.otp_granted) == (
        "marketing",
        "FR",
        "Europe/Paris",
        True,
        False,
    )
    assert engine.balance(account).available == 0


@pytest.mark.parametrize(
    "field, wrong",
    [
        ("name", "  "),
        ("kind", "spam"),
        ("region", "ZZ"),
        ("region", "fr"),
        ("timezone", "Paris"),
        ("timezone", "../etc"),
    ],
)
def test_what_is_wrong_is_refused_by_its_field(engine: Engine, field: str, wrong: str) -> None:
    given: dict[str, Any] = {field: wrong}
    with pytest.raises(Refused) as caught:
        engine.account(**given)
    assert (caught.value.code, caught.value.faults[0].pointer) == ("invalid_account", f"/{field}")


def test_every_fault_is_told_at_once(engine: Engine) -> None:
    with pytest.raises(Refused) as caught:
        engine.account(kind="spam", region="ZZ")
    assert [fault.pointer for fault in caught.value.faults] == ["/kind", "/region"]


def test_an_account_is_found_by_its_id_or_its_only_name(engine: Engine) -> None:
    mine = engine.account("Mine")
    engine.account("Twin")
    engine.account("Twin")
    with engine.runtime.read() as tx:
        assert accounts.find(tx, "Mine") == accounts.find(tx, mine.id) == accounts.find(tx, mine.id.upper()) == mine
        for unknown in ("Twin", "nobody", "01997b2c-1a2b-7c3d-8e4f-12345678zzzz", ""):
            with pytest.raises(Refused, match="not_found"):
                accounts.find(tx, unknown)
        with pytest.raises(Refused, match="not_found"):
            accounts.get(tx, engine.runtime.ids.new())


def test_the_hubs_own_account_is_made_once_and_never_listed(engine: Engine) -> None:
    mine = engine.account("Mine")
    with engine.runtime.begin() as tx:
        assert accounts.system(tx) == accounts.system(tx)
        assert [account.id for account in accounts.everyone(tx)] == [mine.id]


def test_settings_are_changed_and_written_to_the_audit_trail(engine: Engine) -> None:
    account = engine.account()
    changed = change(
        engine, account, account_name="Acme SA", region="GB", timezone="Europe/London", default_sender="Acme"
    )
    assert (changed.name, changed.region, changed.timezone, changed.default_sender) == (
        "Acme SA",
        "GB",
        "Europe/London",
        "Acme",
    )
    trail = [row for row in engine.all(audit) if row.action == "account.changed"]
    assert [(row.actor, json.loads(row.detail)["region"]) for row in trail] == [("user:anne", "GB")]
    with engine.runtime.read() as tx:
        assert accounts.sender_names(tx, account.id) == ["Acme"]
    change(engine, account, default_sender="Acme")
    assert len(engine.all(senders)) == 1


def test_nothing_changed_leaves_no_trace(engine: Engine) -> None:
    account = engine.account()
    before = len(engine.all(audit))
    assert change(engine, account) == account
    assert len(engine.all(audit)) == before


def test_the_default_sender_can_be_given_up(engine: Engine) -> None:
    account = engine.account()
    change(engine, account, default_sender="Acme")
    assert change(engine, account, default_sender=None).default_sender is None


@pytest.mark.parametrize(
    "changes, code, pointer",
    [
        ({"region": "ZZ"}, "invalid_account", "/region"),
        ({"timezone": "Paris"}, "invalid_account", "/timezone"),
        ({"stop": False}, "stop_required", "/stop"),
        ({"default_sender": "+33612345678"}, "sender_forbidden", "/default_sender"),
    ],
)
def test_a_change_that_the_rules_forbid_is_refused(
    engine: Engine, changes: dict[str, Any], code: str, pointer: str
) -> None:
    with pytest.raises(Refused) as caught:
        change(engine, engine.account(), **changes)
    assert (caught.value.code, caught.value.faults[0].pointer) == (code, pointer)


def test_an_account_that_becomes_marketing_has_the_mention_on_again(engine: Engine) -> None:
    account = engine.account(kind="notification")
    change(engine, account, stop=False)
    with engine.runtime.begin() as tx:
        became = accounts.become(tx, account.id, "marketing", "operator")
        assert (became.kind, became.stop) == ("marketing", True)
        assert accounts.become(tx, account.id, "notification", "operator").stop
        with pytest.raises(Refused, match="invalid_account"):
            accounts.become(tx, account.id, "system", "operator")


def test_an_address_is_one_persons(engine: Engine) -> None:
    account = engine.account()
    with engine.runtime.begin() as tx:
        accounts.create_user(tx, account.id, " Anne@Example.com ", "owner", None, "operator")
        with pytest.raises(Refused, match="email_taken"):
            accounts.create_user(tx, account.id, "anne@example.com", "viewer", None, "operator")


def test_a_key_lets_in_until_it_is_revoked(engine: Engine) -> None:
    account = engine.account()
    key_id = new_key(engine, account, "smshub_abcdefghij", "messages:send", "messages:read")
    caller = accounts.by_key(engine.runtime, "smshub_abcdefghij")
    assert caller is not None
    assert (caller.account_id, caller.scopes, caller.actor) == (
        account.id,
        frozenset({"messages:send", "messages:read"}),
        f"key:{key_id}",
    )
    assert accounts.by_key(engine.runtime, "smshub_other") is None
    with engine.runtime.begin() as tx:
        accounts.revoke_key(tx, account.id, key_id, "user:anne")
        with pytest.raises(Refused, match="not_found"):
            accounts.revoke_key(tx, account.id, key_id, "user:anne")
    assert accounts.by_key(engine.runtime, "smshub_abcdefghij") is None


def test_a_key_of_another_account_cannot_be_revoked(engine: Engine) -> None:
    mine, other = engine.account(), engine.account("Other")
    key_id = new_key(engine, mine)
    with engine.runtime.begin() as tx, pytest.raises(Refused, match="not_found"):
        accounts.revoke_key(tx, other.id, key_id, "user:anne")


def test_a_secret_is_kept_as_a_hash_and_shown_by_its_beginning(engine: Engine) -> None:
    account = engine.account()
    new_key(engine, account, "smshub_abcdefghij")
    (row,) = engine.all(api_keys)
    assert (row.prefix, "abcdefghij" in str(tuple(row))) == ("smshub_abcdef", False)
    with engine.runtime.read() as tx:
        (shown,) = accounts.keys(tx, account.id)
    assert (shown["scopes"], shown["prefix"], "secret_hash" in shown) == (["messages:send"], "smshub_abcdef", False)


def test_an_unknown_scope_is_refused(engine: Engine) -> None:
    with pytest.raises(Refused, match="unknown_scope"):
        new_key(engine, engine.account(), "smshub_x", "messages:burn")


def test_the_last_use_of_a_key_is_written_once_a_minute(engine: Engine) -> None:
    new_key(engine, engine.account(), "smshub_abcdefghij")
    for seconds in (0, 30, 31):
        engine.clock.forward(seconds=seconds)
        accounts.by_key(engine.runtime, "smshub_abcdefghij")
        last = engine.all(api_keys)[0].last_used_at
        assert last == (NOON if seconds < 31 else NOON + 61_000)


def test_replies_arrive_at_the_accounts_own_numbers_and_the_shared_ones(engine: Engine) -> None:
    mine, other = engine.account(), engine.account("Other")
    with engine.runtime.begin() as tx:
        for _ in range(2):
            accounts.add_inbound_number(tx, "38080", "simulator", "FR")
        accounts.add_inbound_number(tx, "447700900123", "simulator", "GB", mine.id)
        assert [row.number for row in accounts.inbound(tx, mine.id)] == ["38080", "447700900123"]
        assert [row.number for row in accounts.inbound(tx, other.id)] == ["38080"]
    assert len(engine.all(inbound_numbers)) == 2
