"""The main job through REST: import people, quote, send, hear back, read the report."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engine import Engine
from tests.support.rest import RestClient


@pytest.fixture
def engine(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    made = Engine(database_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> RestClient:
    return RestClient(engine, engine.account(credits=10_000), tmp_path)


def test_a_campaign_from_a_spreadsheet_to_its_report(engine: Engine, client: RestClient) -> None:
    lines = [
        "mobile;nom;prenom",
        *(f"06123400{n:02};Dupont{n};Zoé" for n in range(50)),
        "0612340001;Double;Léa",
        "12;Faux;Numéro",
    ]
    file = (io.BytesIO("\r\n".join(lines).encode()), "people.csv")
    job = client(
        "POST",
        "/imports",
        data={"file": file, "kind": "contacts", "group_name": "Clients"},
        content_type="multipart/form-data",
    )
    assert job.status_code == 202, job.json
    engine.settle()
    done = client("GET", f"/imports/{job.json['id']}").json
    assert (done["status"], done["created"], done["rejected"]) == ("finished", 50, 1), done
    (group,) = client("GET", "/groups").json["items"]
    draft = {"name": "Soldes", "text": "Bonjour $prenom $nom, -20 % dès 10 € !", "groups": [group["id"]]}
    quote = client("POST", "/quotes", json=draft).json
    assert quote["messages"] == 50
    before = client("GET", "/credits").json["available"]
    campaign = client("POST", "/campaigns", json=draft, headers={"Idempotency-Key": "one"})
    assert campaign.status_code == 201, campaign.json
    again = client("POST", "/campaigns", json=draft, headers={"Idempotency-Key": "one"})
    assert again.json == campaign.json
    engine.settle()
    engine.later(rounds=10, seconds=5)
    report = client("GET", f"/campaigns/{campaign.json['id']}/report").json
    assert report["summary"]["contacts"] == 50
    assert (
        sum(
            report["statistics"][group]["rate"]
            for group in ("success", "waiting", "temporary", "permanent", "blacklisted")
        )
        == 100
    )
    sent = client("GET", "/simulator/sent?limit=200").json["items"]
    campaign_sent = [one for one in sent if one["text"].startswith("Bonjour")]
    assert len({one["to"] for one in campaign_sent}) == len(campaign_sent) == 49  # 06 is refused at submit
    client("POST", "/simulator/replies", json={"from": "+33612340020", "to": "36034", "text": "Arrêt svp"})
    engine.settle()
    replies = client("GET", "/replies").json["items"]
    assert {reply["text"] for reply in replies} == {"STOP", "Oui merci", "Arrêt svp"}
    stopped = client("GET", "/blacklist").json["items"]
    assert {entry["number"] for entry in stopped} == {"+33612340011", "+33612340020"}
    assert before - client("GET", "/credits").json["available"] == quote["credits"] - 1 + 2
    assert client("GET", "/replies.csv").status_code == 200
    assert client("GET", "/replies.xlsx").data.startswith(b"PK")
    recipients = client("GET", f"/campaigns/{campaign.json['id']}/recipients?limit=200").json["items"]
    assert len(recipients) == 50
    assert engine.faults() == []
