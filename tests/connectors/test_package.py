"""A connector from its own package: built as a wheel, installed beside the hub, found by a running one, and removed again."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support import parcels
from tests.support.serving import PATIENCE_S, ROOT, Api, Process, free_port, smshub, wait_for

pytestmark = pytest.mark.slow
QUICK = '[{"name": "simulator", "kind": "simulator", "answer_ms": 1, "receipt_ms": 0}]'


class Place:
    """A folder with a hub's data, and what its processes see."""

    def __init__(self, folder: Path, package: Path) -> None:
        self.folder = folder
        self.port, self.line = free_port(), free_port()
        self.without = {"PORT": str(self.port), "SMSHUB_CARRIERS": QUICK}
        listen = {"SMSHUB_CONNECTOR_PARCELS_LISTEN": f"127.0.0.1:{self.line}"}
        self.beside = self.without | listen | {"PYTHONPATH": f"{ROOT}:{package}"}

    @property
    def key(self) -> str:
        return str(json.loads((self.folder / "demo.json").read_text())["api_key"])

    def api(self) -> Api:
        return Api(self.port, self.key)

    def get(self, path: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_S)

    def installs(self) -> str:
        """By the command line, at the running hub; the installation's id."""
        file = self.folder / "settings.json"
        file.write_text(json.dumps(parcels.SETTINGS))
        where = {"SMSHUB_URL": f"http://127.0.0.1:{self.port}", "SMSHUB_API_KEY": self.key}
        line = ("connectors", "install", "parcels", "--settings", str(file), "--json")
        made = smshub(*line, folder=self.folder, **self.without, **where)
        assert made.returncode == 0, made.stderr
        assert parcels.SECRET not in made.stdout
        return str(json.loads(made.stdout)["installation_id"])

    def scans(self, installation_id: str) -> requests.Response:
        raw = json.dumps({"to": "0612345678", "parcel": "6A123", "state": "arrived"}).encode()
        url = f"http://127.0.0.1:{self.port}/connectors/parcels/depots/{installation_id}/scans"
        return requests.post(url, data=raw, headers=parcels.signed(raw), timeout=PATIENCE_S)

    def told(self, *arguments: str, **environment: str) -> str:
        """What a command prints."""
        done = smshub(*arguments, folder=self.folder, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def place(tmp_path: Path) -> Place:
    package = parcels.installed(tmp_path / "package")
    assert (package / "smshub_parcels" / "migrations" / "parcels_0001.py").exists()
    folder = tmp_path / "hub"
    folder.mkdir()
    return Place(folder, package)


@contextmanager
def serving(place: Place, environment: dict[str, str]) -> Iterator[Process]:
    with Process("serve", place.folder, **environment) as hub:
        hub.ready()
        yield hub
        assert hub.stop() == 0, hub.err.read_text()


def test_a_package_is_installed_works_and_is_removed(place: Place) -> None:
    with serving(place, place.beside):
        installation_id = place.installs()
        works(place, installation_id)
        listens_and_comes_back(place)
        assert place.told("parcels", "count", **place.beside) == "Lyon Sud: 1\n"
        assert "parcels      Parcels              by its settings      ready, 1 installation(s)" in place.told(
            "connectors", **place.beside
        )
    with serving(place, place.without) as hub:
        is_missed_by_nobody(place, installation_id)
        assert "connector.gone" in hub.err.read_text()
    assert "smshub connectors forget parcels" in place.told("connectors", **place.without)
    said = place.told("connectors", "forget", "parcels", "--yes", **place.without)
    assert said == "parcels is forgotten: 1 table(s), 1 installation(s).\n"
    assert "parcels" not in place.told("connectors", **place.without)


def works(place: Place, installation_id: str) -> None:
    """A scan becomes a message, and what became of that comes back to the connector."""
    (shown,) = [one for one in place.api().get("/connectors")["items"] if one["name"] == "parcels"]
    assert (shown["installation_id"], shown["health"]["status"]) == (installation_id, "ok")
    assert place.scans(installation_id).status_code == 200
    (message,) = place.api().get("/messages")["items"]
    assert (message["source"], message["reference"]) == ("parcels", "6A123")
    wait_for(lambda: place.api().get(f"/messages/{message['id']}")["status"] == "received")
    assert place.get("/connectors/parcels/parcels/6A123").json()["states"] == ["arrived"]


def listens_and_comes_back(place: Place) -> None:
    """The listener dies of a line that is no text: health is red, it is counted, and it listens again."""
    assert echo(place, b"hello\n") == b"hello\n"
    assert place.get("/healthz").status_code == 200
    assert echo(place, b"\xff\n") == b""
    reasons = wait_for(lambda: place.get("/healthz").json()["reasons"])
    assert reasons == ["The loop listener-parcels-line failed 1 times in a row (UnicodeDecodeError)."]
    assert place.get("/healthz").status_code == 503
    assert 'smshub_loop_failures{loop="listener-parcels-line"} 1.0' in place.get("/metrics").text
    assert wait_for(lambda: echo(place, b"again\n")) == b"again\n"


def echo(place: Place, line: bytes) -> bytes:
    """What comes back on the line; nothing where nobody listens, or the listener hangs up."""
    try:
        with socket.create_connection(("127.0.0.1", place.line), timeout=PATIENCE_S) as scanner:
            scanner.sendall(line)
            return scanner.recv(100)
    except OSError:
        return b""


def is_missed_by_nobody(place: Place, installation_id: str) -> None:
    """The hub starts and works without the package; what it left can be seen."""
    assert place.api().healthy()
    assert place.scans(installation_id).status_code == 404
    (left,) = place.api().get("/installations")["items"]
    assert (left["id"], left["connector"], left["settings"]) == (installation_id, "parcels", {"depot": "Lyon Sud"})
