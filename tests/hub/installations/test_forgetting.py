"""What a connector left behind is taken away when the operator says so, and nothing else is."""

from pathlib import Path

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.sql import text

from core import Refused, jobs, schema
from hub import database, revisions, wiring
from hub.connections import book as connections
from hub.installations.forgetting import forget
from hub.installations.tables import installations
from hub.registry import Registry
from tests.support import parcels
from tests.support.gadgets import GIVEN, gadget
from tests.support.plugged import Plugged, plugged
from tests.support.serving import stamp


def strangers(hub: Plugged, known: Registry) -> list[str]:
    """Connectors that left something and are not here, but for the built-in ones: databases of tests have their tables."""
    built_in = {connector.name for connector in wiring.connectors().connectors}
    return [name for name in revisions.strangers(hub.runtime.database, known) if name not in built_in]


def test_its_tables_installations_and_promises_go_and_those_of_others_stay(database_url: str, tmp_path: Path) -> None:
    theirs, gone = gadget(name="parcelspost"), parcels.connector()
    with plugged(database_url, tmp_path, gone, theirs) as hub:
        account = hub.engine.account()
        made = hub.install(account.id, gone, parcels.SETTINGS)
        kept = hub.install(account.id, theirs, GIVEN)
        with hub.runtime.begin() as tx:
            tx.execute(text("CREATE TABLE parcelspost_shelf (id INTEGER)"))
            for kind in ("parcels.remind", "parcelspost.remind"):
                jobs.add(tx, account.id, kind, made.id)
        left = Registry((theirs,))
        assert strangers(hub, left) == ["parcels"]
        with hub.runtime.begin() as tx:
            found = forget(tx, left, "parcels", connections.forget, "test")
        assert (found.tables, found.installations) == (("parcels_scanners", "parcels_shelf"), 1)
        assert strangers(hub, left) == []
        with hub.runtime.begin() as tx:
            assert [row.id for row in tx.all(select(installations))] == [kept.id]
            open_jobs = tx.all(select(schema.jobs).where(schema.jobs.c.done_at.is_(None)))
            assert [row.kind for row in open_jobs] == ["parcelspost.remind"]
            assert not any(inspect(tx.connection).has_table(name) for name in found.tables)
            assert inspect(tx.connection).has_table("parcelspost_shelf")
            tx.execute(text("DROP TABLE parcelspost_shelf"))


def test_one_that_is_here_or_left_nothing_is_not_forgotten(database_url: str, tmp_path: Path) -> None:
    with plugged(database_url, tmp_path, gadget()) as hub, hub.runtime.begin() as tx:
        for name, code in (
            ("gadget", "conflict"),
            ("nothing", "not_found"),
            ("messages", "not_found"),
            ("", "not_found"),
        ):
            with pytest.raises(Refused) as refused:
                forget(tx, hub.registry, name, connections.forget, "test")
            assert refused.value.code == code


def test_one_that_is_new_needs_an_upgrade_first(database_url: str, tmp_path: Path) -> None:
    with plugged(database_url, tmp_path, gadget()) as hub:
        stamp(database_url)
        new = Registry((parcels.connector(),))
        with pytest.raises(Refused, match="run `smshub db upgrade` first"):
            revisions.check(hub.runtime.database, new)
        revisions.check(hub.runtime.database, hub.registry)


def test_one_that_comes_back_finds_its_tables_as_they_were(database_url: str, tmp_path: Path) -> None:
    with plugged(database_url, tmp_path, parcels.connector()) as hub:
        database.upgrade(database_url)
        assert strangers(hub, Registry()) == ["parcels"]
        assert revisions.is_current(hub.runtime.database, Registry())
        database.upgrade(database_url, hub.registry.branches)
        assert strangers(hub, hub.registry) == []
        assert revisions.is_current(hub.runtime.database, hub.registry)
