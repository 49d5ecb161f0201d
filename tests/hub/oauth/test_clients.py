"""Applications, registered by the operator at the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from core import Refused, Runtime
from hub.oauth import clients, redirects
from hub.oauth.clients import Wanted
from tests.hub.test_cli import account, run, site_of, succeeded

SHOP = ("--redirect-uri", "https://app.example/back", "--scope", "messages:send")


def test_the_operator_registers_an_application_and_its_secret_is_shown_once(tmp_path: Path) -> None:
    made = json.loads(succeeded(run(tmp_path, "oauth", "client", "create", "Shop", *SHOP, "--json")))
    assert set(made) == {"client_id", "client_secret"}
    shown = succeeded(run(tmp_path, "oauth", "client", "list"))
    assert f"{made['client_id']}  secret  Shop" in shown
    assert "https://app.example/back" in shown
    assert made["client_secret"] not in shown
    assert prove(tmp_path, **made)
    second = json.loads(succeeded(run(tmp_path, "oauth", "client", "rotate-secret", "Shop", "--json")))
    assert prove(tmp_path, **made)
    assert prove(tmp_path, **second)
    third = json.loads(succeeded(run(tmp_path, "oauth", "client", "rotate-secret", "Shop", "--at-once", "--json")))
    assert (prove(tmp_path, **second), prove(tmp_path, **third)) == (False, True)
    assert succeeded(run(tmp_path, "oauth", "client", "delete", "Shop")).startswith("Shop (")
    assert not prove(tmp_path, **third)
    assert "There is no client 'Shop'" in run(tmp_path, "oauth", "client", "delete", "Shop").stderr
    assert succeeded(run(tmp_path, "oauth", "client", "list")) == "There is no application.\n"


def test_a_public_one_has_no_secret(tmp_path: Path) -> None:
    asked = (
        "--redirect-uri",
        "http://127.0.0.1/back",
        "--scope",
        "messages:send stats:read",
        "--scope",
        "credits:read",
    )
    said = succeeded(run(tmp_path, "oauth", "client", "create", "Desk", *asked, "--public"))
    assert said.startswith("client_id ")
    assert "client_secret" not in said
    assert "public  Desk\n    messages:send stats:read credits:read\n" in succeeded(
        run(tmp_path, "oauth", "client", "list")
    )
    assert "has no secret" in run(tmp_path, "oauth", "client", "rotate-secret", "Desk").stderr


def test_several_addresses_and_scopes_may_follow_their_option(tmp_path: Path) -> None:
    addresses = ("https://app.example/back", "https://app.example/other")
    asked = ("--redirect-uri", *addresses, "--scope", "messages:send", "stats:read")
    succeeded(run(tmp_path, "oauth", "client", "create", "Shop", *asked))
    shown = succeeded(run(tmp_path, "oauth", "client", "list"))
    assert "\n    messages:send stats:read\n    " + "\n    ".join(addresses) in shown


def test_one_may_have_an_account_a_connector_and_an_id_that_is_the_same_everywhere(tmp_path: Path) -> None:
    account(tmp_path, "Acme")
    asked = (*SHOP, "--id", "zapier", "--connector", "zapier", "--account", "Acme", "--json")
    assert json.loads(succeeded(run(tmp_path, "oauth", "client", "create", "Zapier", *asked)))["client_id"] == "zapier"
    with site_of(tmp_path).runtime.read() as tx:
        found = clients.get(tx, "zapier")
    assert (found.connector, found.source, found.check_grant_type("client_credentials")) == ("zapier", "zapier", True)


@pytest.mark.parametrize(
    "more, said",
    [
        (("--scope", "credits:transfer"), "credits:transfer can't be given"),
        (("--scope", "account:write,nonsense"), "account:write, nonsense can't be given"),
        (("--redirect-uri", "http://app.example/back"), "must begin with https://"),
        (("--redirect-uri", "https://*.app.example/back"), "wildcard"),
        (("--account", "Nobody"), "No account called 'Nobody'"),
        (("--id", "no blanks"), "3 to 64 letters"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field_and_cure(tmp_path: Path, more: tuple[str, ...], said: str) -> None:
    result = run(tmp_path, "oauth", "client", "create", "Shop", *SHOP, *more)
    assert result.exit_code == 1
    assert said in result.stderr


def test_every_fault_is_named_at_once(runtime: Runtime) -> None:
    wanted = Wanted(" ", [], [], public=True, account_id="01997b2c-1a2b-7c3d-8e4f-123456789abc")
    with pytest.raises(Refused) as refused, runtime.begin() as tx:
        clients.create(runtime, tx, wanted, "test")
    assert [fault.pointer for fault in refused.value.faults] == ["/name", "/scope", "/account"]


@pytest.mark.parametrize("name", ["api", "CLI", "console", "system", "x" * 61, "two\nlines", ""])
def test_a_name_is_one_that_people_can_be_shown_and_no_source_of_ours(runtime: Runtime, name: str) -> None:
    with pytest.raises(Refused) as refused, runtime.begin() as tx:
        clients.create(runtime, tx, Wanted(name, ["https://app.example/"], ["stats:read"]), "test")
    assert (refused.value.code, refused.value.faults[0].pointer) == ("invalid_client", "/name")


@pytest.mark.parametrize("again", [{"name": "Shop"}, {"name": "Other", "id": "shop"}])
def test_a_name_and_an_id_are_somebodys_alone(runtime: Runtime, again: dict[str, Any]) -> None:
    first = Wanted("Shop", ["https://app.example/"], ["stats:read"], id="shop")
    with runtime.begin() as tx:
        clients.create(runtime, tx, first, "test")
    with pytest.raises(Refused) as refused, runtime.begin() as tx:
        clients.create(
            runtime, tx, Wanted(**{"redirect_uris": first.redirect_uris, "scopes": first.scopes} | again), "test"
        )
    assert refused.value.code == "already_exists"


@pytest.mark.parametrize(
    "uri, public, takes",
    [
        ("https://zapier.com/dashboard/auth/oauth/return/App1CLIAPI/", False, True),
        ("https://app.example:8443/back?tenant=7", False, True),
        ("http://localhost:8000/back", False, True),
        ("http://127.0.0.1/back", True, True),
        ("http://[::1]:3000/back", True, True),
        ("com.example.app:/back", True, True),
        ("com.example.app:/back", False, False),
        ("app:/back", True, False),
        ("javascript:alert(1)", True, False),
        ("data:text/html,x", True, False),
        ("http://app.example/back", False, False),
        ("http://10.0.0.1/back", True, False),
        ("https://app.example/back#", False, False),
        ("https://ann:pw@app.example/back", False, False),
        ("https:///back", False, False),
        ("https://app.example:port/back", False, False),
        ("https://[::1/back", False, False),
        ("/back", False, False),
        ("", False, False),
        ("https://app.example/b ack", False, False),
        ("https://app.example/bäck", False, False),
        (f"https://app.example/{'x' * 2000}", False, False),
    ],
)
def test_an_address_that_people_can_be_sent_to_is_on_https_or_on_their_own_machine(
    uri: str, public: bool, takes: bool
) -> None:
    assert (redirects.fault(uri, public=public) is None) == takes


def test_people_are_told_a_host_or_the_name_of_an_app() -> None:
    assert redirects.host("https://app.example:8443/back") == "app.example"
    assert redirects.host("com.example.app:/back") == "com.example.app:"


def prove(folder: Path, client_id: str, client_secret: str) -> bool:
    """Whether this secret is good at the hub in this folder."""
    with site_of(folder).runtime.read() as tx:
        return clients.proven(tx, client_id, client_secret) is not None
