"""The client by HTTP: the same answers and refusals as in this process, over a real hub."""

from pathlib import Path

import pytest

from core import PeerError, Refused
from hub import client, database
from tests.support.serving import Process, Site, free_port, smshub

QUICK = '[{"name": "simulator", "kind": "simulator", "answer_ms": 1, "receipt_ms": 0}]'


@pytest.mark.slow
def test_the_command_line_works_with_a_hub_elsewhere(tmp_path: Path) -> None:
    there, here, port = tmp_path / "there", tmp_path / "here", free_port()
    there.mkdir()
    here.mkdir()
    (here / "people.csv").write_text("number;prenom\n0612345680;Zoé\n0612345681;Léa\n")
    database.upgrade(f"sqlite:///{there / 'smshub.db'}")
    site = Site(f"sqlite:///{there / 'smshub.db'}", there)
    _, key = site.open_account()
    url = f"http://127.0.0.1:{port}"
    with Process("serve", there, PORT=str(port), SMSHUB_CARRIERS=QUICK) as hub:
        hub.ready()
        remote = {"folder": here, "SMSHUB_URL": url, "SMSHUB_API_KEY": key}
        arguments = ("campaign", "send", "--csv", "people.csv", "--text", "Bonjour $prenom", "--wait")
        sent = smshub(*arguments, **remote)  # type: ignore[arg-type]
        asked = client.remote(url, key)
        assert asked.get("/me")["account_name"] == "Acme"
        with pytest.raises(Refused) as refusal:
            asked.post("/messages", {"to": "0612", "text": "x"})
        with pytest.raises(Refused, match="Bearer"):
            client.remote(url, "smshub_wrong").get("/me")
        assert hub.stop() == 0
    assert (refusal.value.code, refusal.value.faults[0].pointer) == ("invalid_number", "/to")
    assert sent.returncode == 0, sent.stderr
    assert "people: 2 recipients, 2 credits" in sent.stdout
    assert [one.text for one in site.taken()] == ["Bonjour Zoé STOP 36034", "Bonjour Léa STOP 36034"]
    assert not list(here.glob("*.db"))
    site.close()


def test_nobody_there_is_an_unavailable_peer() -> None:
    with pytest.raises(PeerError) as wrong:
        client.remote("http://127.0.0.1:1", "key").get("/me")
    assert wrong.value.kind == "unavailable"


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(PeerError, match="SMSHUB_URL"):
        client.remote("localhost", "key").get("/me")
