"""A connector of somebody else at work: scans in, SMS out, what became of them back, on both databases."""

import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row

from connectors.contract import Connector, Installation
from hub.guard import Guard
from tests.support import parcels
from tests.support.plugged import Plugged, plugged
from tests.support.receivers import receiver
from tests.support.web import Visitor

PARCELS: Connector = parcels.connector()
LOOPBACK = Guard(allow=(ipaddress.ip_network("127.0.0.0/8"),))


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, PARCELS, guard=LOOPBACK) as made:
        yield made


@pytest.fixture
def shop(hub: Plugged) -> Visitor:
    return hub.visitor("shop")


def install(hub: Plugged, shop: Visitor, **more: Any) -> Installation:
    return hub.install(shop.account_id, PARCELS, {**parcels.SETTINGS, **more})


def scan(hub: Plugged, depot: Installation, secret: str = parcels.SECRET, **changes: Any) -> Any:
    raw = json.dumps({"to": "0612345678", "parcel": "6A123", "state": "arrived", **changes}).encode()
    return hub.ask("POST", f"/parcels/depots/{depot.id}/scans", data=raw, headers=parcels.signed(raw, secret))


def shelf(hub: Plugged) -> list[Row[Any]]:
    return hub.engine.all(PARCELS.tables[0])


def texts(hub: Plugged) -> list[str]:
    return [one.text for one in hub.engine.taken()]


def test_a_scan_becomes_a_message_and_what_became_of_it_comes_back(hub: Plugged, shop: Visitor) -> None:
    depot = install(hub, shop)
    answer = scan(hub, depot)
    assert answer.status_code == 200
    hub.work()
    hub.work()
    assert texts(hub) == ["Votre colis 6A123 vous attend : Lyon Sud. STOP 36034"]
    (message,) = hub.engine.messages(hub.account(shop))
    assert (message.id, message.source, message.status) == (answer.get_json()["message"], "parcels", "received")
    assert [(one.parcel, one.state, one.told) for one in shelf(hub)] == [("6A123", "arrived", "received")]
    assert hub.ask("GET", "/parcels/parcels/6A123").get_json() == {"parcel": "6A123", "states": ["arrived"]}


def test_a_scan_that_comes_twice_is_one_message(hub: Plugged, shop: Visitor) -> None:
    depot = install(hub, shop)
    assert [scan(hub, depot).get_json() for _ in range(3)] == [scan(hub, depot).get_json()] * 3
    scan(hub, depot, state="collected")
    hub.work()
    assert len(texts(hub)) == 1


def test_a_scan_that_is_signed_by_somebody_else_is_refused(hub: Plugged, shop: Visitor) -> None:
    depot, other = install(hub, shop), install(hub, hub.visitor("other"), secret="a secret of another depot")
    assert scan(hub, depot, secret="a secret of another depot").status_code == 401
    assert scan(hub, other).status_code == 401
    hub.work()
    assert (texts(hub), shelf(hub)) == ([], [])


def test_whoever_said_stop_is_not_told_and_the_depot_is_not_at_fault(hub: Plugged, shop: Visitor) -> None:
    depot = install(hub, shop)
    scan(hub, depot, to="0612345611")  # received, then STOP
    for _ in range(3):
        hub.work()
        hub.engine.clock.forward(seconds=5)
    again = scan(hub, depot, to="0612345611", parcel="another")
    assert again.status_code == 200
    hub.work()
    assert [row.status for row in hub.engine.messages(hub.account(shop)) if row.reference == "another"] == [
        "blacklisted"
    ]
    assert not [one for one in texts(hub) if "another" in one]


def test_who_does_not_come_is_told_again_once(hub: Plugged, shop: Visitor) -> None:
    depot = install(hub, shop, remind={"hours": 48})
    scan(hub, depot)
    scan(hub, depot, parcel="collected", to="0612345679")
    scan(hub, depot, parcel="collected", to="0612345679", state="collected")
    hub.work()
    hub.engine.clock.forward(hours=48)
    hub.work()
    hub.engine.clock.forward(hours=48)
    hub.work()
    assert sorted(texts(hub)) == [
        "Votre colis 6A123 vous attend : Lyon Sud. STOP 36034",
        "Votre colis 6A123 vous attend encore : Lyon Sud. STOP 36034",
        "Votre colis collected vous attend : Lyon Sud. STOP 36034",
    ]


def test_an_announcement_is_made_with_a_key_of_the_account(hub: Plugged, shop: Visitor) -> None:
    headers = {"Authorization": f"Bearer {shop.secret}", "Idempotency-Key": "announcement 1"}
    for _ in range(2):
        body = {"to": "0612345678", "parcel": "6A9"}
        answer = hub.ask("POST", "/parcels/parcels", json=body, headers=headers)
        assert (answer.status_code, answer.get_json()["text"]) == (201, "Votre colis 6A9 est en route. STOP 36034")
    hub.work()
    assert len(texts(hub)) == 1
    wrong = hub.ask("POST", "/parcels/parcels", json={"to": "0612345678", "state": "lost"}, headers=headers)
    assert {fault["pointer"] for fault in wrong.get_json()["errors"]} == {"/parcel", "/state"}


def test_its_health_is_that_of_the_depots_own_service(hub: Plugged, shop: Visitor) -> None:
    with receiver() as service:
        depot = install(hub, shop, url=service.url)
        found = hub.checkup.of([(PARCELS, depot)])[depot.id]
        assert found.reasons == ("The depot answers 501.",)  # it takes POST alone
    hub.engine.clock.forward(minutes=1)
    (reason,) = hub.checkup.of([(PARCELS, depot)])[depot.id].reasons
    assert reason.startswith("The depot can't be asked: ")


def test_what_it_keeps_goes_with_its_installation(hub: Plugged, shop: Visitor) -> None:
    depot, other = install(hub, shop), install(hub, hub.visitor("other"))
    for one in (depot, other):
        scan(hub, one)
    assert shop.ask("DELETE", f"/installations/{depot.id}").status_code == 200
    assert [one.installation_id for one in shelf(hub)] == [other.id]
    assert scan(hub, depot).status_code == 404


def test_its_task_forgets_what_was_collected_long_ago(hub: Plugged, shop: Visitor) -> None:
    depot = install(hub, shop)
    for parcel, state in (("old", "collected"), ("waiting", "arrived")):
        scan(hub, depot, parcel=parcel, state=state)
    hub.engine.clock.forward(days=91)
    (sweep,) = [task for task in PARCELS.tasks if task.every_s]
    sweep.run(hub.visit(PARCELS), "")
    assert [one.parcel for one in shelf(hub)] == ["waiting"]


def test_its_command_counts_what_is_on_each_shelf(hub: Plugged, shop: Visitor) -> None:
    install(hub, hub.visitor("other"), depot="Lyon Nord")
    scan(hub, install(hub, shop))
    (count,) = PARCELS.commands
    assert list(count.run(hub.visit(PARCELS), {})) == ["Lyon Nord: 0", "Lyon Sud: 1"]
