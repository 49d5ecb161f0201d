"""The engine, for tests of its rooms."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import Engine


@pytest.fixture
def make_engine(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """An engine with options: a carrier, what the operator decided, the simulator's settings."""
    made: list[Engine] = []

    def make(**options: Any) -> Engine:
        made.append(Engine(database_url, tmp_path, **options))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    return make_engine()
