"""/console/connectors: installed, changed and removed by hand; how they are; tokens that are shown once."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connectors.contract import Connector, Happening, Installation, Visit
from core import Refused, Tx, schema
from tests.support import parcels
from tests.support.browser import Browser
from tests.support.gadgets import GIVEN, SECRET, gadget
from tests.support.plugged import Plugged, plugged
from tests.support.web import Visitor

PARCELS: Connector = parcels.connector()
PLACE = "/console/connectors/gadget"
DEPOT = "/console/connectors/parcels"


def health(visit: Visit) -> list[str]:
    return ["The host does not answer."] if visit.installed.settings["host"] == "down.example" else []


def kept(_tx: Tx, installation: Installation) -> None:
    if installation.settings["host"] == "taken.example":
        raise Refused.at("/settings/host", "conflict", "Another account reads this mailbox.")
    if installation.settings["host"] == "never.example":
        raise Refused("conflict", "Nothing of this can be had.")


def recent(_tx: Tx, installation: Installation, most: int) -> list[Happening]:
    if installation.settings["host"] == "broken.example":
        raise LookupError
    at = installation.created_at
    mails = [
        Happening(at, "Mail from <ann@example.com>", "sent", well=True),
        Happening(at, "Mail", "refused", well=False),
    ]
    return mails[:most]


GADGET = gadget(health=health, kept=kept, recent=recent)
OTHERS = [
    Connector(name, auth=auth, title=title, description="Another.", settings=None)  # type: ignore[arg-type]
    for name, auth, title in (("aoauth", "oauth", "Zapper"), ("zflow", "flow", "Flow"))
]


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, GADGET, PARCELS, *OTHERS) as made:
        yield made


@pytest.fixture
def shop(hub: Plugged) -> Visitor:
    return hub.visitor("shop")


@pytest.fixture
def owner(hub: Plugged, shop: Visitor) -> Browser:
    return hub.signed_in(shop.account_id)


def fill(browser: Browser, place: str = PLACE, **typed: str) -> str:
    """Fill in the form of settings, and send it; what the page says then."""
    browser.open(place)
    browser.send(place, {f"settings-{name}".replace("__", "-"): text for name, text in typed.items()})
    return browser.page.said


def shown(shop: Visitor) -> dict[str, Any]:
    """What is installed, as REST tells it."""
    (one,) = shop.ask("GET", "/installations").get_json()["items"]
    return {"settings": one["settings"], "secrets": one["secrets"]}


def settings(hub: Plugged, shop: Visitor) -> Mapping[str, Any] | None:
    with hub.runtime.read() as tx:
        found = hub.book.of_account(tx, shop.account_id, "gadget")
    return found.settings if found else None


def trail(hub: Plugged) -> list[tuple[str, str]]:
    """What was done to installations, and by what kind of actor."""
    with hub.runtime.read() as tx:
        rows = tx.all(select(schema.audit).order_by(schema.audit.c.id))
    return [(row.action, row.actor.partition(":")[0]) for row in rows if row.action.startswith("installation")]


def test_connectors_are_listed_with_how_one_comes_to_them(hub: Plugged, shop: Visitor, owner: Browser) -> None:
    said = owner.open("/console/connectors").said
    assert owner.status == 200
    assert re.findall("Flow|Gadget|Parcels|Zapper", said)[0] == "Flow"
    assert "Gadget Not installed It does what a test wants. Set it up" in said
    assert "Install it in Flow, which leads here." in said
    assert "Connect it in Zapper: it asks for your consent" in said
    assert {"/console/connectors/gadget", "/console/connectors/parcels", "/console/apps"} <= set(owner.page.links)
    assert "/console/connectors/zflow" not in owner.page.links
    hub.install(shop.account_id, GADGET, {**GIVEN, "host": "down.example"})
    assert (
        "Gadget Needs attention It does what a test wants. The host does not answer."
        in owner.open("/console/connectors").said
    )


def test_one_is_installed_changed_and_removed_by_hand(hub: Plugged, shop: Visitor, owner: Browser) -> None:
    said = fill(owner, host="mail.example", port="993", mailbox__user="ann", mailbox__password=SECRET)
    assert (owner.status, "It is installed." in said, "Gadget Works" in said) == (200, True, True)
    assert settings(hub, shop) == {**GIVEN, "port": 993}
    said = fill(owner, note="  Office ", port="", mailbox__folder="Sms")
    assert "The settings are saved." in said
    expected = {"host": "mail.example", "note": "Office", "mailbox": {"user": "ann", "folder": "Sms"}}
    assert shown(shop) == {"settings": expected, "secrets": ["/mailbox/password"]}
    assert SECRET not in owner.page.text
    owner.open(f"{PLACE}/remove")
    assert "Remove Gadget?" in owner.page.said
    owner.send()
    assert (owner.path, "The connector was removed." in owner.page.said) == ("/console/connectors", True)
    assert settings(hub, shop) is None
    done = ("installation.created", "installation.changed", "installation.removed")
    assert trail(hub) == [(action, "user") for action in done]


def test_a_form_that_changes_nothing_writes_nothing(hub: Plugged, shop: Visitor, owner: Browser) -> None:
    hub.install(shop.account_id, GADGET, GIVEN)
    assert "The settings are saved." in fill(owner)
    assert [action for action, _ in trail(hub)] == ["installation.created"]


def test_a_form_that_lay_open_while_somebody_else_saved_undoes_nothing(
    hub: Plugged, shop: Visitor, owner: Browser
) -> None:
    made = hub.install(shop.account_id, GADGET, GIVEN)
    owner.open(PLACE)
    hub.engine.clock.forward(seconds=1)
    shop.ask("PATCH", f"/installations/{made.id}", {"settings": {"note": "theirs"}})
    owner.send(PLACE, {"settings-host": "mine.example"})
    assert (owner.status, "Somebody else saved these settings meanwhile." in owner.page.said) == (409, True)
    assert owner.form(PLACE).fields["settings-note"] == "theirs"
    assert settings(hub, shop) == {**GIVEN, "note": "theirs"}
    owner.send(PLACE, {"settings-host": "mine.example"})
    assert settings(hub, shop) == {**GIVEN, "note": "theirs", "host": "mine.example"}


def test_every_fault_stands_at_its_field_in_the_words_of_the_refusal(
    hub: Plugged, shop: Visitor, owner: Browser
) -> None:
    said = fill(owner, port="many", address="nobody", mailbox__password="typed once")
    assert (owner.status, settings(hub, shop)) == (422, None)
    told = [
        "Host is required.",
        "Port must be a whole number.",
        "Address must be an e-mail address.",
        "User is required.",
    ]
    assert [said.count(one) for one in told] == [2, 2, 2, 2]  # above the form, and at the field
    for name in ("host", "port", "address", "mailbox-user"):
        assert f'href="#settings-{name}"' in owner.page.text
        assert f"settings-{name}" in owner.page.ids
    form = owner.form(PLACE).fields
    assert (form["settings-port"], form["settings-address"], form["settings-mailbox-password"]) == (
        "many",
        "nobody",
        "",
    )
    assert "typed once" not in owner.page.text
    assert "Type it once more" in said
    assert "Error:" in said


def test_what_the_connector_itself_refuses_is_told_in_its_words(hub: Plugged, owner: Browser) -> None:
    right = {"mailbox__user": "ann", "mailbox__password": SECRET}
    assert fill(owner, host="taken.example", **right).count("Another account reads this mailbox.") == 2
    assert 'href="#settings-host"' in owner.page.text
    assert fill(owner, host="never.example", **right).count("Nothing of this can be had.") == 1
    assert (owner.status, trail(hub)) == (422, [])


def test_a_secret_is_kept_replaced_and_taken_away(hub: Plugged, shop: Visitor, owner: Browser) -> None:
    hub.install(shop.account_id, GADGET, {**GIVEN, "keys": {"a": "the first of keys"}})
    said = owner.open(PLACE).said
    assert said.count("It is set: leave this empty to keep it.") == 2
    assert "remove-settings-mailbox-password" not in owner.page.ids  # it is needed
    fill(owner, mailbox__password="another one")
    assert settings(hub, shop) == {
        **GIVEN,
        "mailbox": {"user": "ann", "password": "another one"},
        "keys": {"a": "the first of keys"},
    }
    owner.open(PLACE)
    owner.send(PLACE, {"remove-settings-keys": "on"})
    assert shown(shop)["secrets"] == ["/mailbox/password"]
    fill(owner, keys='{"b": 1}')
    assert shown(shop)["secrets"] == ["/keys", "/mailbox/password"]
    fill(owner, keys="{")
    assert (owner.status, "Keys must be an object." in owner.page.said) == (422, True)


def test_what_a_newer_account_holds_is_seen_by_nobody_else(hub: Plugged, shop: Visitor) -> None:
    hub.install(shop.account_id, GADGET, {**GIVEN, "host": "mine.example"})
    other = hub.signed_in(hub.visitor("other").account_id)
    assert "mine.example" not in other.open(PLACE).text
    assert [other.look(f"{PLACE}/{path}") for path in ("remove", "tokens/x")] == [404, 404]


@pytest.mark.parametrize("role", ["sender", "viewer"])
def test_connectors_are_for_owners(hub: Plugged, shop: Visitor, role: str) -> None:
    browser = hub.signed_in(shop.account_id, role)
    assert "/console/connectors" not in browser.page.links
    paths = ("/console/connectors", PLACE, f"{PLACE}/remove", f"{DEPOT}/tokens/x")
    assert [browser.look(path) for path in paths] == [403] * 4
    token = browser.open("/console/apps").text.partition('name="token" value="')[2].partition('"')[0]
    browser.post(PLACE, {"token": token, "settings-host": "x"})
    assert (browser.status, trail(hub)) == (403, [])


def test_a_form_without_its_token_does_nothing(hub: Plugged, owner: Browser) -> None:
    for path in (PLACE, f"{PLACE}/remove", f"{DEPOT}/tokens"):
        owner.post(path, {"settings-host": "x"})
        assert owner.status == 403
    assert trail(hub) == []


@pytest.mark.parametrize("name", ["nothing", "..", "%00", "a" * 300])
def test_what_there_is_not_is_a_page_that_says_so(owner: Browser, name: str) -> None:
    assert owner.look(f"/console/connectors/{name}") == 404


def test_what_has_no_settings_says_how_it_is_installed(owner: Browser) -> None:
    said = owner.open("/console/connectors/aoauth").said
    assert "Connect it in Zapper" in said
    assert len(owner.page.forms) == 2  # signing out, and the language
    owner.post("/console/connectors/aoauth", {"token": owner.page.forms[0].fields["token"]})
    assert owner.status == 200


def test_what_happened_lately_is_a_table_and_one_that_breaks_breaks_nothing_else(
    hub: Plugged, shop: Visitor, owner: Browser
) -> None:
    assert "Lately" not in owner.open(PLACE).said
    hub.install(shop.account_id, GADGET, GIVEN)
    said = owner.open(PLACE).said
    assert "Mail from <ann@example.com> sent" in said
    assert "Mail Not well: refused" in said
    fill(owner, host="broken.example")
    assert (owner.status, "This can’t be told just now." in owner.page.said) == (200, True)


def test_a_token_is_made_shown_once_listed_and_revoked(hub: Plugged, shop: Visitor, owner: Browser) -> None:
    hub.install(shop.account_id, PARCELS, parcels.SETTINGS)
    assert "None has been made yet." in owner.open(DEPOT).said
    owner.send(f"{DEPOT}/tokens", {"token-name": "Back door"})
    assert (owner.status, owner.answer.headers["Cache-Control"]) == (201, "no-store")
    (secret,) = re.findall(r"<code>([0-9a-f]{64})</code>", owner.page.text)
    assert "this page is the only one that shows it" in owner.page.said
    owner.open(DEPOT)
    assert ("Back door" in owner.page.said, secret in owner.page.text) == (True, False)
    (path,) = [link for link in owner.page.links if "/tokens/" in link]
    assert "Back door" in owner.open(path).said
    owner.send()
    assert "The token was revoked." in owner.page.said
    assert "Back door" not in owner.page.said
    assert owner.look(path) == 404
    assert trail(hub)[1:] == [("installation.token_created", "user"), ("installation.token_revoked", "user")]


def test_a_token_that_is_asked_for_wrongly_is_told_at_its_own_form(hub: Plugged, shop: Visitor, owner: Browser) -> None:
    hub.install(shop.account_id, PARCELS, parcels.SETTINGS)
    owner.open(DEPOT)
    owner.send(f"{DEPOT}/tokens", {"token-name": "x" * 41})
    assert (owner.status, owner.page.said.count("Name must have at most 40 characters.")) == (422, 2)
    assert owner.form(f"{DEPOT}/tokens").fields["token-name"] == "x" * 41
    assert owner.form(DEPOT).fields["settings-depot"] == "Lyon Sud"
    assert 'href="#token-name"' in owner.page.text


def test_whoever_reads_french_reads_the_frame_in_french(hub: Plugged, shop: Visitor) -> None:
    owner = hub.signed_in(shop.account_id, language="fr")
    said = owner.open(PLACE).said
    assert ("Réglages" in said, "Pas installé" in said, "obligatoire" in said) == (True, True, True)
    assert '<span lang="en">Host</span>' in owner.page.text
