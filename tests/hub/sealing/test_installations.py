"""Secrets of installations, seen from the keys: bound to their row, sealed anew like all others, and never written over while they are closed."""

import pytest
from sqlalchemy import select, update

from connectors.contract import Connector, Installation
from core import Refused, Runtime, accounts
from hub import secrets
from hub.installations.book import Book
from hub.installations.tables import installations
from hub.registry import Registry
from hub.sealing import rotation, used
from tests.support.sealed import AFTER, ALONE, BEFORE

PASSWORD = {"type": "string", "writeOnly": True}
SETTINGS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "host": {"type": "string"},
        "password": PASSWORD,
        "mailbox": {"type": "object", "properties": {"password": PASSWORD}},
    },
}
POST = Connector("post", "Post", "Parcels", "settings", SETTINGS)
GIVEN = {"host": "h", "password": "one", "mailbox": {"password": "two"}}


def book(keys: secrets.Keys, connector: Connector = POST) -> Book:
    return Book(Registry((connector,)), keys)


@pytest.fixture
def installed(runtime: Runtime) -> Installation:
    with runtime.begin() as tx:
        account = accounts.create(tx, "Shop")
        return book(BEFORE).create(tx, account.id, POST, GIVEN, "test")


def read(runtime: Runtime, keys: secrets.Keys, made: Installation) -> object:
    with runtime.read() as tx:
        return book(keys).get(tx, made.account_id, made.id).settings


def test_they_are_sealed_anew_and_open_with_the_new_key_alone(runtime: Runtime, installed: Installation) -> None:
    done = rotation.rotate(runtime, AFTER)
    assert (done.whole, done.resealed["installations.secrets"]) == (True, 1)
    assert read(runtime, ALONE, installed) == GIVEN


def test_they_do_not_open_in_another_row(runtime: Runtime, installed: Installation) -> None:
    with runtime.begin() as tx:
        thief = accounts.create(tx, "Thief")
        other = book(BEFORE).create(tx, thief.id, POST, {"host": "h", "password": "mine"}, "test")
        stolen = select(installations.c.secrets).where(installations.c.id == installed.id).scalar_subquery()
        tx.execute(update(installations).where(installations.c.id == other.id).values(secrets=stolen))
    with pytest.raises(Refused, match="secrets_lost"):
        read(runtime, BEFORE, other)


def test_a_process_without_their_key_does_not_write_over_them(runtime: Runtime, installed: Installation) -> None:
    """One that was not restarted yet: the key is there, and this process alone does not know it."""
    with runtime.begin() as tx, pytest.raises(Refused, match="smshub keys list"):
        book(ALONE).change(tx, installed.account_id, installed.id, {"host": "other"}, "test")
    assert read(runtime, BEFORE, installed) == GIVEN


def test_once_their_key_was_given_up_they_can_be_set_again(runtime: Runtime, installed: Installation) -> None:
    with runtime.begin() as tx:
        used.give_up(tx, BEFORE.first)
        book(ALONE).change(tx, installed.account_id, installed.id, {"password": "new"}, "test")
    assert read(runtime, ALONE, installed) == {"host": "h", "password": "new", "mailbox": {}}


def test_what_became_a_secret_is_not_shown_any_more(runtime: Runtime) -> None:
    """A newer version of a connector marks as writeOnly what was none: it stands among the plain settings until it is set again."""
    open_ = Connector(
        "post", "Post", "Parcels", "settings", SETTINGS | {"properties": {"password": {"type": "string"}}}
    )
    with runtime.begin() as tx:
        account = accounts.create(tx, "Shop")
        made = book(BEFORE, open_).create(tx, account.id, open_, {"password": "one"}, "test")
        shown = book(BEFORE).shown(tx, account.id, made.id)
    assert (shown.settings, shown.secrets) == ({}, ["/password"])
    assert read(runtime, BEFORE, made) == {"password": "one"}
