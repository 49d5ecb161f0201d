"""Every connector there is, one after the other: those that this hub finds, and one from another package."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from connectors.contract import Connector
from hub import wiring
from hub.guard import Guard
from tests.support import parcels
from tests.support.databases import SqliteFiles
from tests.support.plugged import KEYS, Plugged, plugged

FOUND: Final = wiring.connectors()
EVERY: Final = (*FOUND.connectors, parcels.connector())
INSTALLABLE: Final = [one for one in EVERY if one.settings is not None]
OFFERED: Final = wiring.operations(KEYS, Guard())


@pytest.fixture(params=EVERY, ids=lambda each: each.name)
def connector(request: pytest.FixtureRequest) -> Connector:
    found: Connector = request.param
    return found


@pytest.fixture
def hub(sqlite_files: SqliteFiles, tmp_path: Path, connector: Connector) -> Iterator[Plugged]:
    """A hub with this connector and no other."""
    with plugged(sqlite_files.fresh(tmp_path), tmp_path, connector) as made:
        yield made


@pytest.fixture
def on_both(database_url: str, tmp_path: Path, connector: Connector) -> Iterator[Plugged]:
    """The same, once on each kind of database."""
    with plugged(database_url, tmp_path, connector) as made:
        yield made
