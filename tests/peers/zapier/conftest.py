from collections.abc import Iterator

import pytest

from tests.support.receivers import Receiver, receiver
from tests.support.zapier_site import House, house


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One running hub for all tests of a process: each has accounts of its own there."""
    with house(tmp_path_factory.mktemp("zapier")) as made:
        yield made


@pytest.fixture
def zap() -> Iterator[Receiver]:
    """The address that Zapier gives to a Zap."""
    with receiver() as made:
        yield made
