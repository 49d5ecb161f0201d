"""A hub whose connector is the room of answers, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.mail2sms.connector import CONNECTOR
from tests.support.correspondence import Correspondence
from tests.support.plugged import Plugged, plugged


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, CONNECTOR) as made:
        yield made


@pytest.fixture
def desk(hub: Plugged) -> Correspondence:
    return Correspondence(hub)
