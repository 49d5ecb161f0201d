"""A hub with Mail2SMS alone, and a shop whose gateway is sms.shop.example."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.mail2sms.connector import CONNECTOR
from tests.support.plugged import Plugged, plugged
from tests.support.smtp_door import Peer, Server, Steps, peer_of, serving
from tests.support.web import Visitor

GATEWAY = {"domain": "sms.shop.example", "allowed_senders": ["anne@shop.example"]}


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, CONNECTOR) as made:
        yield made


@pytest.fixture
def shop(hub: Plugged) -> Visitor:
    visitor = hub.visitor("shop")
    hub.install(visitor.account_id, CONNECTOR, GATEWAY)
    return visitor


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
def server(hub: Plugged, shop: Visitor, steps: Steps) -> Iterator[Server]:
    with serving(hub.visit(CONNECTOR), steps) as made:
        yield made


@pytest.fixture
def peer(server: Server) -> Iterator[Peer]:
    with peer_of(server) as made:
        yield made
