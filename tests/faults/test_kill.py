"""kill -9 in the middle of a campaign: the next process finishes it, and everybody is texted exactly once."""

from pathlib import Path

import pytest

from hub import database
from tests.support.serving import Api, Process, Site, free_port, numbers, wait_for

pytestmark = pytest.mark.slow
PEOPLE = 2_000
# Slow enough that there is a middle.
CARRIERS = '[{"name": "simulator", "kind": "simulator", "answer_ms": 20, "receipt_ms": 100, "per_second": 1500}]'


def test_a_campaign_survives_its_process(tmp_path: Path) -> None:
    url, port = f"sqlite:///{tmp_path / 'smshub.db'}", free_port()
    database.upgrade(url)
    site = Site(url, tmp_path)
    _, key = site.open_account()
    settings = {"PORT": str(port), "SMSHUB_CARRIERS": CARRIERS}
    people = [{"to": f"+{number}"} for number in numbers(PEOPLE)]
    with Process("serve", tmp_path, **settings) as hub:
        hub.ready()
        campaign = Api(port, key).post("/campaigns", {"name": "Noël", "text": "Bonjour", "recipients": people})
        wait_for(lambda: len(site.taken()) >= PEOPLE // 4)
        hub.kill()
    assert len(site.taken()) < PEOPLE
    with Process("serve", tmp_path, **settings) as hub:
        hub.ready()
        api = Api(port, key)
        report = wait_for(lambda: _all_received(api, campaign["id"]))
        assert hub.stop() == 0
    assert sorted(one.number for one in site.taken()) == numbers(PEOPLE)
    assert report["statistics"]["success"] == {"count": PEOPLE, "rate": 100.0}
    assert report["summary"]["credits"] == PEOPLE
    assert site.faults() == []
    site.close()


def _all_received(api: Api, campaign_id: str) -> object:
    report = api.get(f"/campaigns/{campaign_id}/report")
    return (
        report if report["statistics"]["by_status"] == {"received": PEOPLE} and report["status"] == "finished" else None
    )
