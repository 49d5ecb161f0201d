from collections.abc import Iterator

import pytest

from core import Runtime
from tests.support.connected import Linked, linked_on
from tests.support.issuers import Issuing, issuing
from tests.support.world import ManualClock


@pytest.fixture
def server() -> Iterator[Issuing]:
    with issuing() as made:
        yield made


@pytest.fixture
def linked(runtime: Runtime, clock: ManualClock, server: Issuing) -> Linked:
    return linked_on(runtime, clock, server)
