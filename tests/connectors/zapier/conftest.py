from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.zaps import Zaps


@pytest.fixture
def zaps(database_url: str, tmp_path: Path) -> Iterator[Zaps]:
    made = Zaps(database_url, tmp_path)
    yield made
    made.close()
