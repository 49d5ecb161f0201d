"""`smshub serve` as a person starts it."""

import json
import re
from pathlib import Path

import pytest
import requests

from tests.support.serving import Api, Process, Site, free_port, smshub, wait_for

pytestmark = pytest.mark.slow
QUICK = '[{"name": "simulator", "kind": "simulator", "answer_ms": 1, "receipt_ms": 0}]'


def test_from_the_first_start_to_a_message_received_and_a_clean_stop(tmp_path: Path) -> None:
    port = free_port()
    with Process("serve", tmp_path, PORT=str(port), SMSHUB_CARRIERS=QUICK) as hub:
        said = hub.ready()
        demo = json.loads((tmp_path / "demo.json").read_text())
        assert demo["api_key"] in said
        assert (tmp_path / "demo.json").stat().st_mode & 0o777 == 0o600
        api = Api(port, demo["api_key"])
        assert api.healthy()
        me = api.get("/me")
        assert (me["account_name"], me["credits"]) == ("Demo", 1000)
        sent = api.post("/messages", {"to": "0612345678", "text": "Bonjour"})
        assert sent["status"] == "queued"
        wait_for(lambda: api.get(f"/messages/{sent['id']}")["status"] == "received")
        assert f"{demo['owner']}  {demo['password']}" in said
        with requests.Session() as visitor:
            assert "Demo</h1>" in sends(
                visitor, f"{api.base}/console/sign-in", email=demo["owner"], password=demo["password"]
            )
        assert hub.stop() == 0
    site = Site(f"sqlite:///{tmp_path / 'smshub.db'}", tmp_path)
    assert [(one.number, one.reference) for one in site.taken()] == [(33612345678, sent["id"])]
    assert site.faults() == []
    site.close()


def sends(visitor: requests.Session, url: str, **typed: str) -> str:
    """The page that comes when the form of this one is filled in."""
    token = re.search(r'name="token" value="(\w+)"', visitor.get(url, timeout=60).text)
    assert token is not None
    return visitor.post(url, data={"token": token[1], **typed}, timeout=60).text


def test_whoever_stops_messages_on_the_page_is_sent_none(tmp_path: Path) -> None:
    port = free_port()
    with Process("serve", tmp_path, PORT=str(port), SMSHUB_CARRIERS=QUICK) as hub:
        hub.ready()
        api = Api(port, json.loads((tmp_path / "demo.json").read_text())["api_key"])
        api.post("/messages", {"to": "0612345678", "text": "Bonjour"})
        with requests.Session() as visitor:
            page = sends(visitor, f"{api.base}/stop", number="06 12 34 56 78")
            ticket = re.search(r'action="(/stop/[\w-]+)"', page)
            assert ticket is not None, page
            sent = wait_for(lambda: api.get("/simulator/sent", to="0612345678")["items"][1:])
            (code,) = re.findall(r"\d{6}", sent[0]["text"])
            assert "It is done" in sends(visitor, f"{api.base}{ticket[1]}", code=code)
        (entry,) = api.get("/blacklist")["items"]
        assert (entry["number"], entry["source"]) == ("+33612345678", "web")
        assert api.post("/messages", {"to": "0612345678", "text": "Bonjour"})["status"] == "blacklisted"
        assert hub.stop() == 0


def test_what_the_first_start_says_to_try_works_when_pasted(tmp_path: Path) -> None:
    port = free_port()
    with Process("serve", tmp_path, PORT=str(port), SMSHUB_CARRIERS=QUICK) as hub:
        said = hub.ready()
        key = json.loads((tmp_path / "demo.json").read_text())["api_key"]
        tries = re.findall(r"curl (\S+) (.*)", said)
        assert len(tries) == 3
        for url, rest in tries:
            body = re.search(r"-d '(.*)'", rest)
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
            method, data = ("POST", body[1]) if body else ("GET", None)
            answer = requests.request(method, url, headers=headers, data=data, timeout=60)
            assert answer.status_code in {200, 201}, answer.text
        api = Api(port, key)
        wait_for(lambda: api.get("/campaigns")["items"][0]["status"] == "finished")
        (campaign,) = api.get("/campaigns")["items"]
        assert campaign["progress"] == {"total": 200, "expanded": 200, "done": 200}
        assert hub.stop() == 0


def test_a_second_one_on_the_same_folder_or_port_says_so_and_leaves(tmp_path: Path) -> None:
    port, here, there = str(free_port()), tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    with Process("serve", here, PORT=port) as hub:
        hub.ready()
        same_folder = smshub("serve", folder=here, PORT=str(free_port()))
        same_port = smshub("serve", folder=there, PORT=port)
        assert hub.stop() == 0
    assert (same_folder.returncode, same_port.returncode) == (1, 1)
    assert "is served already, by process" in same_folder.stderr
    assert f"Port {port} of 127.0.0.1 is in use" in same_port.stderr
    assert len(same_folder.stderr.splitlines()) == len(same_port.stderr.splitlines()) == 1


def test_the_second_start_keeps_the_account_and_its_key(tmp_path: Path) -> None:
    port = free_port()
    with Process("serve", tmp_path, PORT=str(port)) as hub:
        hub.ready()
        key = json.loads((tmp_path / "demo.json").read_text())["api_key"]
        hub.stop()
    with Process("serve", tmp_path, PORT=str(port)) as hub:
        said = hub.ready()
        assert key not in said
        assert Api(port, key).get("/me")["account_name"] == "Demo"
        hub.stop()


def test_no_demo_account_comes_to_an_operator_who_has_one(tmp_path: Path) -> None:
    made = smshub("account", "create", "Acme", "--credits", "10", "--json", folder=tmp_path)
    port = free_port()
    with Process("serve", tmp_path, PORT=str(port)) as hub:
        hub.ready()
        assert Api(port, json.loads(made.stdout)["api_key"]).get("/me")["account_name"] == "Acme"
        assert not (tmp_path / "demo.json").exists()
        hub.stop()


@pytest.mark.parametrize("role", ["web", "worker", "listen"])
def test_other_roles_say_that_sqlite_is_for_serve(tmp_path: Path, role: str) -> None:
    said = smshub(role, folder=tmp_path)
    assert said.returncode == 2
    assert "`smshub serve`" in said.stderr
