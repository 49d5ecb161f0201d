from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gadgets import gadget
from tests.support.plugged import Plugged, plugged


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    """A hub with one connector, the gadget."""
    with plugged(database_url, tmp_path, gadget()) as made:
        yield made
