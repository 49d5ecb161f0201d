"""What lies in deploy/: each line of the Procfile is started as it stands, and the other files are read as their readers would."""

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.servers import PostgresServer, RedisServer
from tests.support.serving import ROOT, SECRET, Api, Process, Site, free_port, smshub, wait_for

pytestmark = pytest.mark.slow
DEPLOY = ROOT / "deploy"
QUICK = '[{"name": "simulator", "kind": "simulator", "answer_ms": 1, "receipt_ms": 0}]'
READY = {"web": " is ready at ", "worker": " works for ", "listen": " has nothing to listen for yet"}


def procfile() -> dict[str, str]:
    """The role of each line, by its name."""
    lines = dict(line.split(": ", 1) for line in (DEPLOY / "Procfile").read_text().splitlines())
    words = {name: shlex.split(line) for name, line in lines.items()}
    assert all(line[0] == "smshub" and len(line) == 2 for line in words.values())
    return {name: line[1] for name, line in words.items()}


def test_all_that_the_procfile_starts_brings_a_message_from_the_web_to_the_carrier(tmp_path: Path) -> None:
    roles = procfile()
    assert sorted(roles.values()) == ["listen", "web", "worker", "worker"]
    with PostgresServer() as postgres, RedisServer() as redis:
        url, port = postgres.url(), free_port()
        settings = {
            "SMSHUB_DATABASE_URL": url,
            "SMSHUB_REDIS_URL": redis.url,
            "SMSHUB_SECRET_KEYS": SECRET,
            "SMSHUB_CARRIERS": QUICK,
            "PORT": str(port),
            "SMSHUB_DATA": str(tmp_path),
        }
        assert smshub("db", "upgrade", folder=tmp_path, **settings).returncode == 0
        site = Site(url, tmp_path)
        _, key = site.open_account()
        started = []
        try:
            for name, role in roles.items():
                (tmp_path / name).mkdir()
                started.append(Process(role, tmp_path / name, **settings))
            for process, role in zip(started, roles.values(), strict=True):
                process.ready(word=READY[role])
            api = Api(port, key)
            with redis.client() as client:
                wait_for(client.pubsub_numpat)
            sent = [api.post("/messages", {"to": "0612345678", "text": "Bonjour"})["id"] for _ in range(3)]
            wait_for(lambda: all(api.get(f"/messages/{one}")["status"] == "received" for one in sent))
            assert api.healthy()
            assert [process.stop() for process in started] == [0] * len(started)
        finally:
            for process in started:
                process.kill()
        assert sorted(one.reference for one in site.taken()) == sorted(sent)
        assert site.faults() == []
        site.close()


def test_systemd_finds_no_fault_with_the_units(tmp_path: Path) -> None:
    """Where there is a systemd to ask; what it starts lies elsewhere here. Without one, the units' own words are looked at."""
    units = [*DEPLOY.glob("*.service"), DEPLOY / "smshub.target"]
    assert sorted(unit.name for unit in units) == [
        "smshub-listen.service",
        "smshub-migrate.service",
        "smshub-web.service",
        "smshub-worker@.service",
        "smshub.target",
    ]
    for unit in units:
        words = unit.read_text()
        assert unit.suffix == ".target" or "NoNewPrivileges=true\n" in words
        name = unit.name.replace("@.", "@1.")
        (tmp_path / name).write_text(words.replace("/opt/smshub/bin/smshub", "/bin/true"))
    program = Path("/usr/bin/systemd-analyze")
    if program.exists():
        line = [str(program), "verify", *(str(unit) for unit in sorted(tmp_path.iterdir()))]
        said = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
        assert (said.returncode, said.stderr) == (0, "")


def test_the_image_takes_only_what_is_locked_and_runs_as_nobody_special() -> None:
    words = (DEPLOY / "Containerfile").read_text()
    installs = [line for line in " ".join(words.split("\\\n")).splitlines() if "--requirement" in line]
    assert installs
    assert all(one.count("--requirement ") == one.count("--require-hashes --only-binary :all: ") for one in installs)
    assert all(one.replace("--no-binary dkimpy ", "").find("--no-binary") < 0 for one in installs)
    assert "\nUSER 10001:10001\n" in words
    assert "\nHEALTHCHECK " in words
    copied = [line.split()[1] for line in words.splitlines() if line.startswith("COPY ") and "--from" not in line]
    assert all((ROOT / name).exists() for name in copied)
