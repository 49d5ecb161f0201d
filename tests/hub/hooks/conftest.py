from collections.abc import Iterator

import pytest

from tests.support.hooked import Hub, hub_on
from tests.support.receivers import Receiver, receiver


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
