"""The pages of connectors as Chromium draws them, with the forms of real ones: see test_looks. `SHOTS=folder` keeps pictures."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from connectors.contract import Connector
from core import accounts
from hub import wiring
from hub.people import passwords
from hub.roles.web import WebServer, bound
from tests.support import chromium, parcels
from tests.support.databases import SqliteFiles
from tests.support.pages import PASSWORD
from tests.support.plugged import Plugged, plugged
from tests.support.serving import free_port

pytestmark = [pytest.mark.slow, pytest.mark.peer]
VIEWS = [{"width": 1280, "scheme": "light"}, {"width": 360, "scheme": "dark"}]
OWNER = "camille.martin@boulangerie-du-canal.example"
PARCELS: Connector = parcels.connector()
HOME = "/console/connectors"
SECRET = "a password of the mailbox"
MAILBOX = {"host": "127.0.0.1", "port": 1, "tls": "none", "username": "sms@office.example", "password": SECRET}
OFFICE = {
    "domain": "sms@office.example",
    "allowed_senders": ["anne@office.example", "@shop.example"],
    "mailbox": MAILBOX,
    "legacy_subject": True,
}


class Site:
    """A hub behind a real web server: an account with two connectors, and one that has none."""

    def __init__(self, hub: Plugged) -> None:
        self.hub = hub
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        self.web = WebServer(hub.app, bound("127.0.0.1", port))
        self.web.start()
        self.account = hub.engine.account("Boulangerie du Canal")
        other = hub.engine.account("Fleurs du Canal")
        kept = passwords.hashed(PASSWORD)
        with hub.runtime.begin() as tx:
            accounts.create_user(tx, self.account.id, OWNER, "owner", kept, "test")
            accounts.create_user(tx, other.id, "lea@fleurs.example", "owner", kept, "test")
        self.depot = hub.install(self.account.id, PARCELS, {**parcels.SETTINGS, "url": "http://10.0.0.1/alive"})
        self.office = hub.install(self.account.id, hub.registry.get("mail2sms"), OFFICE)
        self.token = self._worked_with()

    def _worked_with(self) -> str:
        """Parcels came, and scanners have their secrets; the id of one."""
        shelf, _ = PARCELS.tables
        assert PARCELS.tokens is not None
        with self.hub.runtime.begin() as tx:
            for place, told in enumerate(("received", "failed_permanent", None)):
                row = {"id": tx.new_id(), "installation_id": self.depot.id, "parcel": f"6A12345678{place}"}
                at = tx.now - place * 3_600_000
                tx.execute(shelf.insert().values(**row, number="33612345678", state="arrived", told=told, at=at))
            made = [PARCELS.tokens.issue(tx, self.depot, {"name": name}) for name in ("Porte 2", "Quai nord")]
        return str(made[0]["id"])


@pytest.fixture(scope="module")
def site(sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    built_in = wiring.connectors().connectors
    with plugged(sqlite_files.fresh(folder), folder, *built_in, PARCELS, SMSHUB_PUBLIC_URL="http://hub.example") as hub:
        made = Site(hub)
        yield made
        made.web.stop(5)


@pytest.fixture(scope="module")
def seen(site: Site) -> list[Mapping[str, Any]]:
    people = {
        name: {"email": email, "password": PASSWORD}
        for name, email in (("owner", OWNER), ("new", "lea@fleurs.example"))
    }
    wrong = {"settings-domain": "not a domain", "settings-per_hour": "many", "settings-mailbox-username": "ann"}
    make = f'form[action="{HOME}/mail2sms/tokens"] button'
    visits: list[Mapping[str, Any]] = [
        {"name": "connectors", "path": HOME, "as": "owner"},
        {"name": "connector", "path": f"{HOME}/mail2sms", "as": "owner"},
        {"name": "connector-parcels", "path": f"{HOME}/parcels", "as": "owner"},
        {"name": "connector-token", "path": f"{HOME}/mail2sms", "as": "owner", "click": make},
        {"name": "connector-tokens", "path": f"{HOME}/mail2sms", "as": "owner"},
        {"name": "connector-revoke", "path": f"{HOME}/parcels/tokens/{site.token}", "as": "owner"},
        {"name": "connector-remove", "path": f"{HOME}/mail2sms/remove", "as": "owner"},
        {"name": "connectors-none", "path": HOME, "as": "new"},
        {"name": "connector-oauth", "path": f"{HOME}/zapier", "as": "new"},
        {"name": "connector-new", "path": f"{HOME}/mail2sms", "as": "new"},
        {"name": "connector-wrong", "path": f"{HOME}/mail2sms", "as": "new", "fill": wrong},
    ]
    shots = os.environ.get("SHOTS")
    return chromium.look(site.base, visits, languages=["en", "fr"], views=VIEWS, people=people, shots=shots)


def named(one: Mapping[str, Any]) -> str:
    return f"{one['name']} {one['language']} {one['width']} {one['scheme']} ({one['path']})"


def test_axe_finds_nothing_that_keeps_anybody_out(seen: list[Mapping[str, Any]]) -> None:
    grave = {"serious", "critical"}
    found = [
        (named(one), fault["id"], fault["at"])
        for one in seen
        for fault in one["violations"]
        if fault["impact"] in grave
    ]
    assert found == []


def test_no_page_is_wider_than_its_window(seen: list[Mapping[str, Any]]) -> None:
    assert [named(one) for one in seen if one["wide"] > 0] == []


def test_nothing_on_a_page_is_blocked_by_its_own_policy(seen: list[Mapping[str, Any]]) -> None:
    advice = "[DOM] Multiple forms should be contained in their own form elements"  # a mailbox has more secrets than Chromium thinks
    said = [(named(one), [line for line in one["said"] if not line.startswith(advice)]) for one in seen]
    assert [one for one in said if one[1]] == []


def test_pages_are_those_that_were_asked_for(seen: list[Mapping[str, Any]]) -> None:
    asked = {"connectors": HOME, "connector": f"{HOME}/mail2sms", "connector-token": f"{HOME}/mail2sms/tokens"}
    assert {(one["name"], one["path"]) for one in seen if one["name"] in asked} == set(asked.items())
