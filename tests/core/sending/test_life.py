"""The life of single messages, through the simulator's every ending."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engine import Engine


@pytest.fixture
def engine(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    made = Engine(database_url, tmp_path)
    yield made
    made.close()


ENDINGS = {
    "01": ("failed_temporary", True),
    "02": ("failed_temporary", True),
    "03": ("failed_permanent", True),
    "04": ("failed_permanent", True),
    "05": ("failed_permanent", True),
    "06": ("rejected", False),
    "07": ("sent", True),
    "08": ("received", True),
    "09": ("received", True),
    "10": ("received", True),
    "11": ("received", True),
    "12": ("received", True),
    "13": ("unknown", False),
    "14": ("received", True),
    "20": ("received", True),
}


def test_every_ending_of_the_simulator_becomes_its_status(engine: Engine) -> None:
    account = engine.account()
    for ending in ENDINGS:
        engine.send(account, f"+336123456{ending}")
    engine.settle()
    engine.later(rounds=20, seconds=10)
    found = {f"{row.number}"[-2:]: (row.status, row.charged) for row in engine.messages(account) if row.source == "api"}
    assert found == ENDINGS
    assert engine.faults() == []
