"""`smshub db backup` and what follows when the copy is brought back."""

import shutil
from pathlib import Path

import pytest

from tests.support.serving import Api, Process, Site, free_port, numbers, smshub, wait_for


@pytest.fixture
def port() -> int:
    return free_port()


def test_a_copy_that_is_brought_back_waits_for_the_operator_and_sends_nothing_twice(tmp_path: Path, port: int) -> None:
    more = {"PORT": str(port)}
    url = f"sqlite:///{tmp_path / 'smshub.db'}"
    with Process("serve", tmp_path, **more) as serving:
        serving.ready()
        site = Site(url, tmp_path)
        _, key = site.open_account()
        api = Api(port, key)
        later, sooner = (f"+{number}" for number in numbers(2))
        assert smshub("pause", folder=tmp_path).returncode == 0
        queued = api.post("/messages", {"to": sooner, "text": "Bonjour"})
        assert smshub("db", "backup", "copy.db", folder=tmp_path).returncode == 0
        smshub("resume", folder=tmp_path)
        api.post("/messages", {"to": later, "text": "Bonsoir"})
        wait_for(lambda: len(site.taken()) == 2)
        serving.stop()
    site.close()
    for rest in ("-wal", "-shm"):
        (tmp_path / f"smshub.db{rest}").unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "copy.db", tmp_path / "smshub.db")
    with Process("serve", tmp_path, **more) as serving:
        assert "Nothing is sent until `smshub resume`" in serving.ready()
        told = smshub("db", "restored", "--look-up", folder=tmp_path)
        assert "was brought back" in told.stdout, told.stderr
        wait_for(lambda: api.get(f"/messages/{queued['id']}")["status"] not in {"queued", "unknown"})
        smshub("resume", folder=tmp_path)
        assert "does not wait" in smshub("db", "restored", folder=tmp_path).stdout
        after = api.post("/messages", {"to": later, "text": "Bonne nuit"})
        wait_for(lambda: api.get(f"/messages/{after['id']}")["status"] not in {"queued", "sending"})
        serving.stop()
    site = Site(url, tmp_path)
    texts = sorted(taken.text.split()[0:2] for taken in site.taken())
    site.close()
    assert texts == sorted([["Bonjour", "STOP"], ["Bonne", "nuit"], ["Bonsoir", "STOP"]])


def test_a_backup_does_not_write_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "copy.db").touch()
    with Process("serve", tmp_path, PORT=str(free_port())) as serving:
        serving.ready()
        refused = smshub("db", "backup", "copy.db", folder=tmp_path)
    assert refused.returncode == 1
    assert "exists already" in refused.stderr
