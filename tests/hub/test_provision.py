"""What the operator sets up from the command line."""

from pathlib import Path

import pytest

from core import accounts, alerts
from core.schema import audit
from tests.hub.test_cli import account, run, site_of, succeeded


def test_an_account_changes_its_kind_and_rights_and_the_trail_says_so(tmp_path: Path) -> None:
    made = account(tmp_path, "Acme")
    said = succeeded(
        run(tmp_path, "account", "set", "Acme", "--kind", "notification", "--otp", "--email", "a@example.com")
    )
    assert said == "Acme: notification, may send one-time passwords, alerts go to a@example.com.\n"
    assert made["account_id"] in succeeded(run(tmp_path, "account", "list"))
    with site_of(tmp_path).runtime.read() as tx:
        actions = {row.action for row in tx.all(audit.select())}
    assert {"account.kind", "account.otp", "account.email"} <= actions


def test_otp_once_granted_is_sent(tmp_path: Path) -> None:
    account(tmp_path, "Acme", "--credits", "5")
    succeeded(run(tmp_path, "account", "set", "Acme", "--otp"))
    assert succeeded(run(tmp_path, "send", "--to", "0612345620", "--text", "1234")).startswith("received")


def test_a_route_names_carriers_that_there_are(tmp_path: Path) -> None:
    account(tmp_path)
    assert succeeded(run(tmp_path, "route", "set", "simulator", "--country", "fr")) == "fr *: simulator\n"
    assert succeeded(run(tmp_path, "route", "list")) == "FR *: simulator\n"
    assert "There is no carrier other" in run(tmp_path, "route", "set", "other").stderr


@pytest.mark.parametrize("owner, shown", [((), "all accounts"), (("--account", "Acme"), "Acme")])
def test_a_number_takes_replies_for_one_or_for_all(tmp_path: Path, owner: tuple[str, ...], shown: str) -> None:
    account(tmp_path)
    said = succeeded(
        run(tmp_path, "number", "add", "+33700000001", "--carrier", "simulator", "--country", "fr", *owner)
    )
    assert said == f"33700000001 takes replies, for {shown}.\n"


def test_an_alert_goes_to_the_owners_where_the_account_has_no_address(tmp_path: Path) -> None:
    account(tmp_path, "Acme", "--credits", "2")
    who = ("boss@example.com", "--account", "Acme", "--role", "owner")
    succeeded(run(tmp_path, "user", "create", *who, "--password-stdin", stdin="long enough to be one\n"))
    with site_of(tmp_path).runtime.begin() as tx:
        alerts.set_threshold(tx, accounts.find(tx, "Acme").id, 2000)
    succeeded(run(tmp_path, "send", "--to", "0612345620", "--text", "x"))
    (letter,) = (tmp_path / "mail").iterdir()
    assert "boss@example.com" in letter.read_text()
