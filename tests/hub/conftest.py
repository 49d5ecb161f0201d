from collections.abc import Iterator

import pytest

from core import Database, Runtime
from tests.support.hooked import Hub, hub_on
from tests.support.receivers import Receiver, receiver
from tests.support.world import ManualClock, runtime_on


@pytest.fixture
def hub(database_url: str) -> Iterator[Hub]:
    made = hub_on(database_url)
    yield made
    made.runtime.database.close()


@pytest.fixture
def shop() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.fixture
def other() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def runtime(database_url: str, clock: ManualClock) -> Iterator[Runtime]:
    database = Database(database_url)
    yield runtime_on(database, clock=clock)
    database.close()
