from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pages import Pages


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Pages]:
    made = Pages(database_url, tmp_path)
    yield made
    made.close()
