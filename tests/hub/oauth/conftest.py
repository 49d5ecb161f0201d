from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.provider import Provider


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Provider]:
    made = Provider(database_url, tmp_path)
    yield made
    made.close()
