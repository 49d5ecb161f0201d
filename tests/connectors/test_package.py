"""A connector from its own package: built as a wheel, installed beside the hub, found by a running one, and removed again."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from hub import database
from tests.hub.test_cli import run, succeeded
from tests.support import parcels
from tests.support.serving import PATIENCE_S, ROOT, SECRET, Api, Process, free_port, smshub, stamp, wait_for

pytestmark = pytest.mark.slow
QUICK = '[{"name": "simulator", "kind": "simulator", "answer_ms": 1, "receipt_ms": 0}]'


class Place:
    """A folder with a hub's data, and what its processes see."""

    def __init__(self, folder: Path, package: Path, **more: str) -> None:
        self.folder = folder
        self.port, self.line = free_port(), free_port()
        self.without = {"PORT": str(self.port), "SMSHUB_CARRIERS": QUICK, **more}
        listen = {"SMSHUB_CONNECTOR_PARCELS_LISTEN": f"127.0.0.1:{self.line}"}
        self.beside = self.without | listen | {"PYTHONPATH": f"{ROOT}:{package}"}

    @property
    def key(self) -> str:
        return str(json.loads((self.folder / "demo.json").read_text())["api_key"])

    @property
    def elsewhere(self) -> dict[str, str]:
        """What a command line sees that talks to the hub as to one elsewhere."""
        return {"SMSHUB_URL": f"http://127.0.0.1:{self.port}", "SMSHUB_API_KEY": self.key}

    def api(self) -> Api:
        return Api(self.port, self.key)

    def get(self, path: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_S)

    def installs(self) -> str:
        """By the command line, at the running hub; the installation's id."""
        file = self.folder / "settings.json"
        file.write_text(json.dumps(parcels.SETTINGS))
        line = ("connectors", "install", "parcels", "--settings", str(file), "--json", "--account")
        assert "is a key of Demo, not of Acme" in run(self.folder, *line, "Acme", **self.elsewhere).stderr
        made = self.told(*line, "Demo", **self.elsewhere)
        assert parcels.SECRET not in made
        return str(json.loads(made)["installation_id"])

    def scans(self, installation_id: str) -> requests.Response:
        raw = json.dumps({"to": "0612345678", "parcel": "6A123", "state": "arrived"}).encode()
        url = f"http://127.0.0.1:{self.port}/connectors/parcels/depots/{installation_id}/scans"
        return requests.post(url, data=raw, headers=parcels.signed(raw), timeout=PATIENCE_S)

    def told(self, *arguments: str, **environment: str) -> str:
        """What a command prints, in this process, which knows nothing of the package."""
        return succeeded(run(self.folder, *arguments, **environment))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed."""
    found = parcels.installed(tmp_path_factory.mktemp("package"))
    assert (found / "smshub_parcels" / "migrations" / "parcels_0001.py").exists()
    return found


@contextmanager
def serving(place: Place, environment: dict[str, str]) -> Iterator[Process]:
    with Process("serve", place.folder, **environment) as hub:
        hub.ready()
        yield hub
        assert hub.stop() == 0, hub.err.read_text()


def test_a_package_is_installed_works_and_is_removed(package: Path, tmp_path: Path) -> None:
    place = Place(tmp_path, package)
    with serving(place, place.beside):
        installation_id = place.installs()
        works(place, installation_id)
        hands_out_secrets(place, installation_id)
        listens_and_comes_back(place)
        told = place.told("connectors", **place.elsewhere)
        assert "parcels      Parcels              by its settings      installed, ok" in told.splitlines()
        counted = smshub("parcels", "count", folder=place.folder, **place.beside)
        assert (counted.stdout, counted.stderr) == ("Lyon Sud: 2\n", "")
    with serving(place, place.without) as hub:
        is_missed_by_nobody(place, installation_id)
        assert "connector.gone" in hub.err.read_text()
    for looked in ("connectors", "check"):
        assert "smshub connectors forget parcels" in place.told(looked)
    said = place.told("connectors", "forget", "parcels", "--yes")
    assert said == "parcels is forgotten: 2 table(s), 1 installation(s).\n"
    assert "parcels" not in place.told("connectors")


def works(place: Place, installation_id: str) -> None:
    """A scan becomes a message, and what became of that comes back to the connector."""
    (shown,) = [one for one in place.api().get("/connectors")["items"] if one["name"] == "parcels"]
    assert (shown["installation_id"], shown["health"]["status"]) == (installation_id, "ok")
    assert place.scans(installation_id).status_code == 200
    (message,) = place.api().get("/messages")["items"]
    assert (message["source"], message["reference"]) == ("parcels", "6A123")
    wait_for(lambda: place.api().get(f"/messages/{message['id']}")["status"] == "received")
    assert place.get("/connectors/parcels/parcels/6A123").json()["states"] == ["arrived"]


def hands_out_secrets(place: Place, installation_id: str) -> None:
    """A scanner gets a secret of its own by the command line, and is shut out again."""
    file = place.folder / "scanner.json"
    file.write_text('{"name": "Gate 2"}')
    line = ("connectors", "tokens", "parcels")
    made = json.loads(place.told(*line, "--new", str(file), **place.elsewhere))
    listed = json.loads(place.told(*line, **place.elsewhere))
    assert listed == {name: text for name, text in made.items() if name != "secret"}
    url = f"http://127.0.0.1:{place.port}/connectors/parcels/depots/{installation_id}/scans"
    scan = {"to": "0612345678", "parcel": "6A124", "state": "collected"}

    def asks() -> int:
        headers = {"x-parcels-scanner": made["secret"]}
        return requests.post(url, json=scan, headers=headers, timeout=PATIENCE_S).status_code

    assert asks() == 200
    assert 'smshub_parcels_shelf{state="collected"} 1.0' in place.get("/metrics").text
    assert place.told(*line, "--revoke", made["id"], **place.elsewhere) == ""
    assert (asks(), place.told(*line, **place.elsewhere)) == (401, "")
    assert "no such scanner" in run(place.folder, *line, "--revoke", made["id"], **place.elsewhere).stderr


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


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_listener_that_dies_in_a_process_of_its_own_is_told_by_the_web(
    database_url: str, package: Path, tmp_path: Path
) -> None:
    stamp(database_url)
    known = {"SMSHUB_DATABASE_URL": database_url, "SMSHUB_SECRET_KEYS": SECRET, "SMSHUB_WEB_PROCESSES": "1"}
    place = Place(tmp_path, package, **known)
    database.upgrade(database_url, [package / "smshub_parcels" / "migrations"])
    with Process("web", tmp_path, **place.beside) as web, Process("listen", tmp_path, **place.beside) as listen:
        web.ready()
        listen.ready(word="parcels-line")
        assert echo(place, b"hello\n") == b"hello\n"
        assert echo(place, b"\xff\n") == b""
        (reason,) = wait_for(lambda: [one for one in place.get("/healthz").json()["reasons"] if "parcels" in one])
        assert reason.startswith("listen ")
        assert reason.endswith(": The loop listener-parcels-line failed 1 times in a row (UnicodeDecodeError).")
        assert 'smshub_loop_failures{loop="listener-parcels-line"} 1.0' in place.get("/metrics").text
        assert wait_for(lambda: echo(place, b"again\n")) == b"again\n"
        assert (web.stop(), listen.stop()) == (0, 0)
