"""Every page as Chromium draws it: nothing is blocked, nothing sticks out of a narrow screen, and axe finds nothing that matters.

`SHOTS=folder` keeps pictures of all of them.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from core import accounts
from hub.app import create_app
from hub.oauth import clients, grants, pages
from hub.people import links, members, passwords
from hub.people.sessions import Person
from hub.roles.web import WebServer, bound
from hub.settings import read
from tests.support import chromium
from tests.support.databases import SqliteFiles
from tests.support.engine import Engine
from tests.support.pages import PASSWORD
from tests.support.serving import free_port

pytestmark = [pytest.mark.slow, pytest.mark.peer]
SHOTS = os.environ.get("SHOTS")
VIEWS = [{"width": 1280, "scheme": "light"}, {"width": 360, "scheme": "dark"}]
BACK = "https://zapier.com/dashboard/auth/oauth/return/App1CLIAPI/"
OWNER, OPERATOR = "camille.martin@boulangerie-du-canal.example", "operator@example.com"


class Site:
    """A hub that people have worked with, behind a real web server."""

    def __init__(self, sqlite_files: SqliteFiles, folder: Path) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.engine = Engine(sqlite_files.fresh(folder), folder)
        settings = read({"SMSHUB_DATA": str(folder), "PORT": str(self.port)})
        self.web = WebServer(
            create_app(self.engine.runtime, settings, more_pages=pages.ROUTES), bound("127.0.0.1", self.port)
        )
        self.web.start()
        self.account = self.engine.account("Boulangerie du Canal")
        self.owner = self._people()
        self.client, self.grant = self._application()
        self._campaigns()

    def close(self) -> None:
        self.web.stop(5)
        self.engine.close()

    def link(self, purpose: str) -> str:
        """The path of a link that was mailed."""
        with self.engine.runtime.begin() as tx:
            link_id = links.ask(tx, purpose, "lea.moreau@example.com", "en")
        drawn = links.draw(self.engine.runtime, link_id)
        assert drawn is not None
        return f"/console/link/{drawn[1]}"

    @property
    def elsewhere(self) -> str:
        """A page of what Chromium takes for another site."""
        return f"http://localhost:{self.port}/stop/done"

    def consent(self, back: str) -> str:
        """The address of the question whether the application may, which comes back there."""
        asked = {
            "response_type": "code",
            "client_id": self.client,
            "redirect_uri": back,
            "scope": "messages:send contacts:read",
            "code_challenge": "a" * 43,
            "code_challenge_method": "S256",
            "state": "s" * 40,
        }
        return f"/oauth/authorize?{urlencode(asked)}"

    def _application(self) -> tuple[str, str]:
        """A client, and what it was let do."""
        runtime = self.engine.runtime
        wanted = clients.Wanted("Zapier", [BACK, self.elsewhere], ["messages:send", "contacts:read", "stats:read"])
        with runtime.begin() as tx:
            client, _ = clients.create(runtime, tx, wanted, "test")
            ends_at = tx.now + 86_400_000
            return client.id, grants.give(tx, client, self.owner, self.account.id, "messages:send stats:read", ends_at)

    def _people(self) -> str:
        kept = passwords.hashed(PASSWORD)
        with self.engine.runtime.begin() as tx:
            owner = accounts.create_user(tx, self.account.id, OWNER, "owner", kept, "test")
            accounts.create_user(tx, self.account.id, "theo@example.com", "sender", kept, "test")
            accounts.create_user(tx, accounts.system(tx).id, OPERATOR, "operator", kept, "test")
            by = Person(owner, self.account.id, OWNER, "owner", owner)
            members.invite(tx, by, "ines.benali@example.com", "viewer", "en")
        return owner

    def _campaigns(self) -> None:
        everyone = [f"061234{place:04}" for place in (*range(5620, 5680), 5601, 5603, 5606)]
        self.engine.block(self.account, 33612345660)
        for name, later in (("Soldes d’été", 0), ("Rentrée : -20 % sur les brioches", 0), ("Noël", 86_400_000)):
            send_at = self.engine.clock.now + later if later else None
            self.engine.campaign(self.account, *everyone, name=name, send_at=send_at)
            self.engine.later(minutes=1)


@pytest.fixture(scope="module")
def site(sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(sqlite_files, tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def seen(site: Site) -> list[Mapping[str, Any]]:
    people = {"owner": {"email": OWNER, "password": PASSWORD}, "operator": {"email": OPERATOR, "password": PASSWORD}}
    visits: list[Mapping[str, Any]] = [
        {"name": "sign-in", "path": "/console/sign-in"},
        {"name": "sign-in-wrong", "path": "/console/sign-in", "fill": {"email": "", "password": ""}},
        {"name": "sign-up", "path": "/console/sign-up"},
        {"name": "sign-up-wrong", "path": "/console/sign-up", "fill": {"email": "lea"}},
        {"name": "mailed", "path": "/console/sign-up", "fill": {"email": "lea@example.com"}},
        {"name": "reset", "path": "/console/reset"},
        {"name": "link", "path": site.link(links.SIGN_UP)},
        {"name": "link-reset", "path": site.link(links.RESET)},
        {"name": "missing", "path": "/console/nothing"},
        {"name": "stop", "path": "/stop"},
        {"name": "stop-wrong", "path": "/stop", "fill": {"number": "0612"}},
        {"name": "stop-code", "path": "/stop", "fill": {"number": "0612345678"}},
        {"name": "stop-done", "path": "/stop/done"},
        {"name": "home", "path": "/console/", "as": "owner"},
        {"name": "people", "path": "/console/people", "as": "owner"},
        {"name": "remove", "path": f"/console/people/{site.owner}/remove", "as": "owner"},
        {"name": "consent", "path": site.consent(BACK), "as": "owner"},
        {"name": "allowed", "path": site.consent(site.elsewhere), "as": "owner", "click": "button[value=allow]"},
        {"name": "consent-wrong", "path": "/oauth/authorize?client_id=nobody"},
        {"name": "apps", "path": "/console/apps", "as": "owner"},
        {"name": "app", "path": f"/console/apps/{site.grant}", "as": "owner"},
        {"name": "operator", "path": "/console/", "as": "operator"},
        {"name": "forbidden", "path": "/console/apps", "as": "operator"},
    ]
    return chromium.look(site.base, visits, languages=["en", "fr"], views=VIEWS, people=people, shots=SHOTS)


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
    assert [(named(one), one["said"]) for one in seen if one["said"]] == []


def test_signed_in_pages_are_those_that_were_asked_for(seen: list[Mapping[str, Any]]) -> None:
    asked = {"home": "/console/", "people": "/console/people", "operator": "/console/"}
    assert {(one["name"], one["path"]) for one in seen if one["name"] in asked} == set(asked.items())


def test_the_answer_to_an_application_leads_to_its_own_site(site: Site, seen: list[Mapping[str, Any]]) -> None:
    arrived = {one["url"].partition("?")[0] for one in seen if one["name"] == "allowed"}
    assert arrived == {site.elsewhere}
