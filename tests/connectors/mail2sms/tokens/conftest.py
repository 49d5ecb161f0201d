"""An installation whose gateway is sms.example, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.contract import Installation
from connectors.mail2sms import CONNECTOR
from tests.support.plugged import Plugged, plugged
from tests.support.web import Visitor


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, CONNECTOR) as made:
        yield made


@pytest.fixture
def shop(hub: Plugged) -> Visitor:
    return hub.visitor("shop")


@pytest.fixture
def installation(hub: Plugged, shop: Visitor) -> Installation:
    return hub.install(shop.account_id, CONNECTOR, {"domain": "sms.example"})
