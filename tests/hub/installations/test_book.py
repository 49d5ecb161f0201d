"""The book of installations: settings that fit, secrets that stay sealed, one for each account and connector."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from connectors.contract import Connector, Installation
from core import Account, Refused, Tx, schema
from hub import secrets
from hub.installations.book import Book
from hub.installations.tables import installations
from hub.registry import Registry
from hub.sealing import used
from tests.support.gadgets import GIVEN, SECRET, gadget
from tests.support.plugged import KEYS, Plugged, plugged

SHOP = "test"


@pytest.fixture
def account(hub: Plugged) -> Account:
    return hub.engine.account()


@contextmanager
def changing(hub: Plugged) -> Iterator[tuple[Tx, Book, Connector]]:
    with hub.runtime.begin() as tx:
        yield tx, hub.book, hub.registry.get("gadget")


def installed(hub: Plugged, account: Account, **changes: Any) -> Installation:
    return hub.install(account.id, hub.registry.get("gadget"), {**GIVEN, **changes})


def changed(hub: Plugged, one: Installation, changes: Mapping[str, Any]) -> Installation:
    with changing(hub) as (tx, book, _):
        return book.change(tx, one.account_id, one.id, changes, SHOP)


def row(hub: Plugged) -> Row[Any]:
    with hub.runtime.read() as tx:
        (found,) = tx.all(select(installations))
    return found


def refusal(hub: Plugged, account: Account, settings: Mapping[str, Any]) -> Refused:
    with pytest.raises(Refused) as refused:
        hub.install(account.id, hub.registry.get("gadget"), settings)
    return refused.value


def trail(hub: Plugged) -> list[tuple[str, Mapping[str, Any]]]:
    with hub.runtime.read() as tx:
        rows = tx.all(select(schema.audit).where(schema.audit.c.action.startswith("installation")))
    return [(one.action, json.loads(one.detail)) for one in sorted(rows, key=lambda one: str(one.id))]


def test_settings_come_back_as_they_were_given(hub: Plugged, account: Account) -> None:
    made = installed(hub, account)
    assert made.settings == GIVEN
    assert hub.lender.tools(hub.registry.get("gadget")).installations.get(made.id) == made
    assert SECRET not in repr(made)


def test_a_secret_is_kept_apart_and_sealed(hub: Plugged, account: Account) -> None:
    installed(hub, account)
    kept = row(hub)
    assert SECRET not in str(kept)
    assert json.loads(kept.settings) == {"host": "mail.example", "mailbox": {"user": "ann"}}


def test_every_fault_is_told_with_its_place_and_cure(hub: Plugged, account: Account) -> None:
    faults = refusal(
        hub, account, {"port": 0, "address": "ann", "mailbox": {"user": 1, "x": 2}, "colour": "red"}
    ).faults
    assert {fault.pointer: fault.message for fault in faults} == {
        "/settings/host": "is required",
        "/settings/port": "must be at least 1",
        "/settings/address": "must be an e-mail address",
        "/settings/colour": "is not a field here; known: address, host, keys, mailbox, note, port",
        "/settings/mailbox/password": "is required",
        "/settings/mailbox/user": "must be a string",
        "/settings/mailbox/x": "is not a field here; known: folder, password, user",
    }


def test_a_fault_does_not_tell_the_secret_that_was_given(hub: Plugged, account: Account) -> None:
    wrong = refusal(hub, account, {"host": "x", "mailbox": {"user": "ann", "password": [SECRET]}})
    assert SECRET not in f"{wrong.detail}{wrong.faults}"


def test_an_empty_text_is_the_same_as_none(hub: Plugged, account: Account) -> None:
    made = installed(hub, account, note="", mailbox={**GIVEN["mailbox"], "folder": ""})
    assert made.settings == GIVEN
    assert changed(hub, made, {"note": "", "mailbox": {"password": SECRET, "folder": ""}}).settings == GIVEN
    assert refusal(hub, hub.engine.account("B"), {**GIVEN, "host": ""}).faults[0].pointer == "/settings/host"


def test_an_account_has_one_of_each(hub: Plugged, account: Account) -> None:
    installed(hub, account)
    assert refusal(hub, account, GIVEN).code == "already_exists"
    assert installed(hub, hub.engine.account("Other")).account_id != account.id


def test_of_two_at_once_one_is_installed(hub: Plugged, account: Account) -> None:
    codes = []

    def install() -> None:
        try:
            installed(hub, account)
            codes.append("made")
        except Refused as refused:
            codes.append(refused.code)

    threads = [threading.Thread(target=install) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["already_exists"] * 3 + ["made"]


def test_a_change_leaves_what_it_does_not_name_secrets_too(hub: Plugged, account: Account) -> None:
    made = installed(hub, account, port=993)
    hub.engine.clock.forward(seconds=1)
    now = changed(hub, made, {"host": "imap.example", "port": None, "mailbox": {"user": "bob"}})
    assert now.settings == {"host": "imap.example", "mailbox": {"user": "bob", "password": SECRET}}
    assert (now.created_at, now.updated_at) == (made.created_at, made.created_at + 1000)


def test_a_secret_is_replaced_and_removed_by_name(hub: Plugged, account: Account) -> None:
    made = installed(hub, account, keys={"a": "b"})
    assert changed(hub, made, {"mailbox": {"password": "new"}}).settings["mailbox"]["password"] == "new"
    assert "keys" not in changed(hub, made, {"keys": None}).settings
    with pytest.raises(Refused) as refused:
        changed(hub, made, {"mailbox": {"password": None}})
    assert [fault.pointer for fault in refused.value.faults] == ["/settings/mailbox/password"]
    assert hub.lender.tools(hub.registry.get("gadget")).installations.get(made.id).settings["host"] == "mail.example"


def test_what_is_removed_is_gone_and_so_are_its_tokens(hub: Plugged, account: Account) -> None:
    ended: list[str] = []
    book = replace(hub.book, ended=lambda _tx, installation_id: ended.append(installation_id))
    made = installed(hub, account)
    with hub.runtime.begin() as tx:
        book.remove(tx, account.id, made.id, SHOP)
        assert (ended, tx.all(select(installations))) == ([made.id], [])
        with pytest.raises(Refused) as refused:
            book.remove(tx, account.id, made.id, SHOP)
    assert refused.value.code == "not_found"


def test_another_accounts_is_not_found(hub: Plugged, account: Account) -> None:
    made, other = installed(hub, account), hub.engine.account("Other")
    with changing(hub) as (tx, book, _):
        for refused in (
            lambda: book.get(tx, other.id, made.id),
            lambda: book.shown(tx, other.id, made.id),
            lambda: book.change(tx, other.id, made.id, {}, SHOP),
            lambda: book.remove(tx, other.id, made.id, SHOP),
            lambda: book.get(tx, account.id, "no id"),
            lambda: book.of_connector(tx, "widget", made.id),
        ):
            with pytest.raises(Refused) as caught:
                refused()
            assert caught.value.code == "not_found"
        assert book.of_account(tx, other.id, "gadget") is None


def test_the_trail_tells_who_did_what_and_no_value(hub: Plugged, account: Account) -> None:
    made = installed(hub, account)
    changed(hub, made, {"port": 25, "mailbox": {"password": "another secret"}})
    with changing(hub) as (tx, book, _):
        book.remove(tx, account.id, made.id, SHOP)
    about = {"installation_id": made.id, "connector": "gadget"}
    assert trail(hub) == [
        ("installation.created", about),
        ("installation.changed", {**about, "fields": ["mailbox", "port"]}),
        ("installation.removed", about),
    ]


def test_the_connector_may_refuse_what_it_is_told_of_and_nothing_is_kept(database_url: str, tmp_path: Path) -> None:
    def kept(tx: Tx, installation: Installation) -> None:
        if installation.settings["host"] == "taken.example":
            raise Refused.at("/settings/host", "already_exists", "Another account has this host.")
        told.append(installation.settings["host"])

    told: list[str] = []
    dropped: list[str] = []
    nosy = gadget(kept=kept, dropped=lambda _tx, one: dropped.append(one.id))
    with plugged(database_url, tmp_path, nosy) as hub:
        account = hub.engine.account()
        assert refusal(hub, account, {**GIVEN, "host": "taken.example"}).code == "already_exists"
        made = installed(hub, account)
        with pytest.raises(Refused):
            changed(hub, made, {"host": "taken.example"})
        changed(hub, made, {"host": "free.example"})
        assert told == ["mail.example", "free.example"]
        with changing(hub) as (tx, book, _):
            assert book.get(tx, account.id, made.id).settings["host"] == "free.example"
            book.remove(tx, account.id, made.id, SHOP)
        assert dropped == [made.id]


def test_secrets_whose_key_was_given_up_are_told_and_can_be_set_again(hub: Plugged, account: Account) -> None:
    made = installed(hub, account)
    book = replace(hub.book, keys=secrets.keys_from(["another key, and the first one is lost"]))
    with hub.runtime.begin() as tx:
        used.give_up(tx, KEYS.first)
        shown = book.shown(tx, account.id, made.id)
        assert (shown.lost, shown.secrets, shown.settings["host"]) == (True, [], "mail.example")
        assert [one.settings["mailbox"] for one in book.every(tx, "gadget", 9, None)] == [{"user": "ann"}]
        with pytest.raises(Refused) as refused:
            book.of_account(tx, account.id, "gadget")
        assert refused.value.code == "secrets_lost"
        assert book.lost(tx, made.id) == [refused.value.detail]
        now = book.change(tx, account.id, made.id, {"mailbox": {"password": "set again"}}, SHOP)
        assert now.settings["mailbox"] == {"user": "ann", "password": "set again"}
        assert book.lost(tx, made.id) == []


def test_those_of_a_connector_that_is_gone_can_still_be_seen_and_removed(hub: Plugged, account: Account) -> None:
    made = installed(hub, account)
    book = replace(hub.book, registry=Registry())
    with hub.runtime.begin() as tx:
        shown = book.shown(tx, account.id, made.id)
        assert (shown.connector, shown.settings) == ("gadget", {"host": "mail.example", "mailbox": {"user": "ann"}})
        with pytest.raises(Refused, match="no connector 'gadget' here"):
            book.change(tx, account.id, made.id, {}, SHOP)
        assert book.count(tx) == {"gadget": 1}
        book.remove(tx, account.id, made.id, SHOP)


def test_all_of_a_connector_are_walked_in_pages(hub: Plugged) -> None:
    made = [installed(hub, hub.engine.account(f"Shop {number}")).id for number in range(5)]
    with hub.runtime.read() as tx:
        first = hub.book.every(tx, "gadget", 3, None)
        rest = hub.book.every(tx, "gadget", 3, first[-1].id)
    assert [one.id for one in (*first, *rest)] == made
    assert [one.id for one in hub.lender.tools(hub.registry.get("gadget")).installations.every()] == made
