"""The connector that the guide has people write is one, and does what the guide says."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from connectors.contract import Connector
from hub import connector_rules
from hub.connector_rules import Known
from hub.hooks.triggers import TRIGGERS
from tests.connectors.conftest import OFFERED
from tests.support.databases import SqliteFiles
from tests.support.plugged import Plugged, plugged

GUIDE: Final = (Path(__file__).parents[2] / "docs" / "connectors.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def depot() -> Connector:
    code, *pieces = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    for piece in pieces:
        compile(piece, "docs/connectors.md", "exec")
    names: dict[str, object] = {}
    exec(compile(code, "docs/connectors.md", "exec"), names)
    made = names["CONNECTOR"]
    assert isinstance(made, Connector)
    return made


@pytest.fixture
def hub(sqlite_files: SqliteFiles, tmp_path: Path, depot: Connector) -> Iterator[Plugged]:
    with plugged(sqlite_files.fresh(tmp_path), tmp_path, depot) as made:
        yield made


def test_it_would_be_let_in(depot: Connector) -> None:
    known = Known({operation.name for operation in OFFERED}, TRIGGERS.keys())
    assert list(connector_rules.faults(depot, known)) == []


def test_what_the_guide_sends_becomes_one_message(hub: Plugged, depot: Connector) -> None:
    (settings,) = re.findall(r"^echo '(\{.*\})' > settings.json", GUIDE, re.MULTILINE)
    (body,) = re.findall(r"^BODY='(.*)'$", GUIDE, re.MULTILINE)
    shop = hub.visitor("shop")
    installed = hub.install(shop.account_id, depot, json.loads(settings))
    secret = json.loads(settings)["secret"].encode()
    headers = {"x-signature": hmac.new(secret, body.encode(), hashlib.sha256).hexdigest()}
    for _ in range(2):
        assert hub.ask("POST", f"/depot/scans/{installed.id}", data=body, headers=headers).status_code == 200
    hub.work()
    assert [one.text for one in hub.engine.taken()] == ["Votre colis 6A123 vous attend : Lyon Sud. STOP 36034"]
    (message,) = hub.engine.messages(hub.account(shop))
    assert (message.source, message.reference) == ("depot", "6A123")


def test_it_tells_of_every_field_that_a_connector_has() -> None:
    words = re.findall(r"`(\w+)`", GUIDE)
    unsaid = set(Connector.__dataclass_fields__) - {
        "name",
        "title",
        "description",
        "settings",
        "scopes",
        "triggers",
        "ended",
    }
    assert unsaid <= set(words)
