"""What comes at the moment at which an installation is removed is refused or goes with it: nothing is left behind."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from connectors.contract import Installation, Issuer
from core import Refused, Tx
from hub.connections import book as connections
from hub.connections.asking import Given
from hub.connections.tables import connections as kept
from tests.support.gadgets import GIVEN
from tests.support.meeting import waiting
from tests.support.plugged import KEYS, Plugged
from tests.support.serving import wait_for

ISSUER = Issuer("https://login.example.com/token", "us", "a secret of ours")
TOKENS = Given("access-0", "refresh-0", 3_600_000)


@pytest.fixture
def installed(hub: Plugged) -> Installation:
    return hub.install(hub.engine.account().id, hub.registry.get("gadget"), GIVEN)


def connect(tx: Tx, installation: Installation) -> None:
    connections.keep(tx, KEYS, installation, ISSUER, TOKENS)


def remove(hub: Plugged, tx: Tx, installation: Installation) -> None:
    hub.book.remove(tx, installation.account_id, installation.id, "test")


def left(hub: Plugged) -> int:
    with hub.runtime.read() as tx:
        return int(tx.scalar(select(func.count()).select_from(kept)))


def test_what_was_removed_is_not_connected_any_more(hub: Plugged, installed: Installation) -> None:
    with hub.runtime.begin() as tx:
        connect(tx, installed)
        remove(hub, tx, installed)
    with hub.runtime.begin() as tx, pytest.raises(Refused, match="not_found"):
        connect(tx, installed)
    assert left(hub) == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_comes_while_its_installation_is_removed_is_refused(
    hub: Plugged, installed: Installation
) -> None:
    with ThreadPoolExecutor(1) as other:
        with hub.runtime.begin() as tx:
            remove(hub, tx, installed)
            connecting = other.submit(within, hub, lambda tx: connect(tx, installed))
            wait_for(lambda: waiting(hub.runtime))
        with pytest.raises(Refused, match="not_found"):
            connecting.result(timeout=30)
    assert left(hub) == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_removal_that_comes_while_tokens_are_written_down_takes_them_along(
    hub: Plugged, installed: Installation
) -> None:
    with ThreadPoolExecutor(1) as other:
        with hub.runtime.begin() as tx:
            connect(tx, installed)
            removing = other.submit(within, hub, lambda tx: remove(hub, tx, installed))
            wait_for(lambda: waiting(hub.runtime))
        removing.result(timeout=30)
    assert left(hub) == 0


def within(hub: Plugged, work: Callable[[Tx], None]) -> None:
    with hub.runtime.begin() as tx:
        work(tx)
