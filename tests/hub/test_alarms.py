"""docs/operations.md names metrics to wake somebody for: each is there to be asked for, under that name."""

import re
from pathlib import Path

import pytest

from hub import database, wiring
from hub.roles import process
from hub.roles.supervisor import POLL, Loop, Supervisor
from hub.settings import read

DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What /metrics says, once somebody asked for something."""
    folder = tmp_path_factory.mktemp("hub")
    settings = read({"SMSHUB_DATA": str(folder)})
    database.upgrade(settings.database_url)
    hub = wiring.compose(settings)
    supervisor = Supervisor(hub.bell, [Loop("steps", lambda: POLL)])
    client = wiring.web(hub, process._extras(hub, supervisor, "serve here")).test_client()
    client.get("/healthz")
    text = client.get("/metrics").text
    hub.close()
    return text


def named() -> list[tuple[str, str, str]]:
    """Each metric in the table, with a label and its value where it names them."""
    rows = [line.split("|")[1] for line in DOCUMENT.read_text().splitlines() if line.startswith("| `smshub_")]
    found = re.findall(r'`(smshub_\w+)(?:\{(\w+)(?:="(\w+)")?\})?`', "\n".join(rows))
    assert len(found) >= 10
    return found


@pytest.mark.parametrize("metric, label, value", named())
def test_what_is_to_be_watched_can_be_asked_for(told: str, metric: str, label: str, value: str) -> None:
    series = [line for line in told.splitlines() if re.match(rf"{metric}(_bucket)?[{{ ]", line)]
    assert series, f"there is no {metric}"
    assert all(f"{label}=" in line for line in series if label)
    if value and label != "status":  # a status is there once it was answered
        assert any(f'{label}="{value}"' in line for line in series)
