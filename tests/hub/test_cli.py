"""The command line: on a local folder with the engine in the foreground, on the operator's database, and its refusals."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core import accounts
from core.schema import messages, users
from hub.cli import main
from tests.support.serving import SECRET, Site, environment, stamp

QUICK = '[{"name": "simulator", "kind": "simulator", "answer_ms": 1, "receipt_ms": 0}]'


def run(folder: Path, *arguments: str, stdin: str | None = None, **more: str) -> Result:
    kept = environment(folder, SMSHUB_CARRIERS=QUICK, **more)
    ours = {"SMSHUB_URL": None, "SMSHUB_API_KEY": None, "SMSHUB_DATABASE_URL": None, "PORT": None}
    return CliRunner().invoke(main, list(arguments), input=stdin, env={**ours, **kept})


def succeeded(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def account(folder: Path, name: str = "Acme", *more: str) -> dict[str, str]:
    made: dict[str, str] = json.loads(succeeded(run(folder, "account", "create", name, "--json", *more)))
    return made


def site_of(folder: Path) -> Site:
    return Site(f"sqlite:///{folder / 'smshub.db'}", folder)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text("Mobile;Nom;Prénom\n0612345680;Noël;Zoé\n0612345681;Garçon;Léa\n06123;x;y\n0612345606;A;B\n")
    return file


def test_it_says_its_version(tmp_path: Path) -> None:
    assert re.fullmatch(r"smshub, version \d+\.\d+\.\d+\n", succeeded(run(tmp_path, "--version")))


def test_an_account_is_made_with_a_key_that_is_its_own(tmp_path: Path) -> None:
    made = account(tmp_path, "Acme", "--credits", "12.5", "--kind", "notification")
    site = site_of(tmp_path)
    caller = accounts.by_key(site.runtime, made["api_key"])
    assert caller is not None
    assert caller.account_id == made["account_id"]
    site.close()


def test_credits_are_given_by_name_or_id(tmp_path: Path) -> None:
    made = account(tmp_path)
    assert "has 1,000.5 now" in succeeded(run(tmp_path, "credits", "grant", "Acme", "1000.5", "--reason", "invoice 7"))
    assert "has 1,001 now" in succeeded(
        run(tmp_path, "credits", "grant", made["account_id"], "0.5", "--reason", "a rest")
    )


@pytest.mark.parametrize(
    "arguments, field",
    [
        (("credits", "grant", "Acme", "1.2345", "--reason", "x"), "credits: "),
        (("credits", "grant", "Acme", "0", "--reason", "x"), "credits: "),
        (("credits", "grant", "Nobody", "1", "--reason", "x"), "'Nobody'"),
        (("pause", "--carrier", "none"), "carrier: "),
        (("pause", "--campaign", "none"), "campaign: "),
        (("send", "--to", "0612", "--text", "x"), "to: "),
        (("send", "--to", "0612345678", "--text", "x", "--account", "Nobody"), "'Nobody'"),
        (("user", "create", "nobody", "--account", "Acme", "--role", "owner", "--password-stdin"), "email: "),
    ],
)
def test_a_refusal_is_one_line_that_names_the_field(tmp_path: Path, arguments: tuple[str, ...], field: str) -> None:
    account(tmp_path, "Acme", "--credits", "5")
    refused = run(tmp_path, *arguments, stdin="secret of ann\n")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: ")
    assert field in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_message_is_sent_where_no_process_serves_the_folder(tmp_path: Path) -> None:
    account(tmp_path, "Acme", "--credits", "5")
    assert succeeded(run(tmp_path, "send", "--to", "0612345678", "--text", "Bonjour")).startswith(
        "received  +33612345678  1 segment"
    )
    site = site_of(tmp_path)
    assert [one.number for one in site.taken()] == [33612345678]
    with site.runtime.read() as tx:
        assert [row.source for row in tx.all(messages.select())] == ["cli"]
    site.close()


def test_a_message_that_its_carrier_refuses_is_a_failure(tmp_path: Path) -> None:
    account(tmp_path, "Acme", "--credits", "5")
    refused = run(tmp_path, "send", "--to", "0612345606", "--text", "Bonjour")
    assert refused.exit_code == 1
    assert "It was not sent" in refused.stderr


def test_a_campaign_goes_to_the_numbers_of_a_file_with_their_names(tmp_path: Path, people: Path) -> None:
    account(tmp_path, "Acme", "--credits", "50")
    sent = run(
        tmp_path, "campaign", "send", "--csv", str(people), "--text", "Bonjour $prenom", "--name", "Été", "--wait"
    )
    said = succeeded(sent)
    assert "Été: 3 recipients, 2 credits" in said
    assert re.search(r"success .*█+ .*2 .*66\.67", said)
    assert re.search(r"permanent .*█+ .*1 .*33\.33", said)
    assert "1 row(s) were not taken" in sent.stderr
    site = site_of(tmp_path)
    assert [one.text for one in site.taken()] == ["Bonjour Zoé STOP 36034", "Bonjour Léa STOP 36034"]
    assert site.faults() == []
    site.close()


def test_two_files_of_one_name_are_two_groups(tmp_path: Path, people: Path) -> None:
    account(tmp_path, "Acme", "--credits", "50")
    succeeded(run(tmp_path, "campaign", "send", "--csv", str(people), "--text", "un"))
    people.write_text("0612345690\n")
    assert "people: 1 recipients" in succeeded(
        run(tmp_path, "campaign", "send", "--csv", str(people), "--text", "deux")
    )


def test_a_file_without_a_number_that_can_be_texted_is_refused(tmp_path: Path) -> None:
    account(tmp_path, "Acme", "--credits", "50")
    (tmp_path / "bad.csv").write_text("number\n0512345678\n")
    refused = run(tmp_path, "campaign", "send", "--csv", str(tmp_path / "bad.csv"), "--text", "x")
    assert refused.exit_code == 1
    assert "csv: no row has a number that can be texted" in refused.stderr


def test_a_campaign_that_cannot_be_paid_is_a_failure(tmp_path: Path, people: Path) -> None:
    account(tmp_path, "Acme", "--credits", "1")
    refused = run(tmp_path, "campaign", "send", "--csv", str(people), "--text", "x", "--wait")
    assert refused.exit_code == 1
    assert "no_credit" in refused.stderr


def test_what_is_paused_is_not_sent_until_it_is_resumed(tmp_path: Path) -> None:
    made = account(tmp_path, "Acme", "--credits", "5")
    for option in ((), ("--account", "Acme"), ("--carrier", "simulator")):
        assert "Paused" in succeeded(run(tmp_path, "pause", *option))
        assert "Resumed" in succeeded(run(tmp_path, "resume", *option))
        assert "It was not paused" in succeeded(run(tmp_path, "resume", *option))
    assert made["account_id"]


def test_only_one_thing_is_paused_at_a_time(tmp_path: Path) -> None:
    account(tmp_path)
    assert run(tmp_path, "pause", "--account", "Acme", "--carrier", "simulator").exit_code == 2


def test_of_several_accounts_one_must_be_chosen(tmp_path: Path) -> None:
    account(tmp_path, "Acme", "--credits", "5")
    account(tmp_path, "Bolt", "--credits", "5")
    refused = run(tmp_path, "send", "--to", "0612345678", "--text", "x")
    assert refused.exit_code == 1
    assert "--account is needed: choose one of them: Acme, Bolt" in refused.stderr
    assert "+33612345678" in succeeded(run(tmp_path, "send", "--to", "0612345678", "--text", "x", "--account", "Bolt"))


def test_a_key_of_the_local_hub_chooses_its_account(tmp_path: Path) -> None:
    account(tmp_path, "Acme", "--credits", "5")
    other = account(tmp_path, "Bolt", "--credits", "5")
    succeeded(run(tmp_path, "send", "--to", "0612345678", "--text", "x", SMSHUB_API_KEY=other["api_key"]))
    site = site_of(tmp_path)
    with site.runtime.read() as tx:
        assert [row.account_id for row in tx.all(messages.select())] == [other["account_id"]]
    site.close()


def test_a_person_is_made_and_the_password_is_only_kept_as_a_digest(tmp_path: Path) -> None:
    account(tmp_path)
    arguments = ("user", "create", "Ann@Example.com", "--account", "Acme", "--role", "owner", "--password-stdin")
    assert "user_id" in succeeded(run(tmp_path, *arguments, stdin="secret of ann\n"))
    site = site_of(tmp_path)
    with site.runtime.read() as tx:
        (ann,) = tx.all(users.select())
    assert (ann.email, ann.role) == ("ann@example.com", "owner")
    assert "secret of ann" not in ann.password_hash
    site.close()
    assert "already has a user" in run(tmp_path, *arguments, stdin="secret of ann\n").stderr
    assert "password: must be 8 characters" in run(tmp_path, *arguments, stdin="short\n").stderr


def test_an_operator_belongs_to_the_hub_itself(tmp_path: Path) -> None:
    account(tmp_path)
    operator = ("user", "create", "boss@example.com", "--role", "operator", "--password-stdin")
    made = succeeded(run(tmp_path, *operator, stdin="secret of boss\n"))
    assert "operator  boss@example.com" in succeeded(run(tmp_path, "user", "list"))
    assert succeeded(run(tmp_path, "user", "list", "--account", "Acme")) == ""
    assert run(tmp_path, *operator, "--account", "Acme").exit_code == 2
    owner = ("user", "create", "ann@example.com", "--role", "owner", "--password-stdin")
    assert run(tmp_path, *owner, stdin="secret of ann\n").exit_code == 2
    hubs_own = made.split()[-1]
    assert (
        "role: must be one of operator" in run(tmp_path, *owner, "--account", hubs_own, stdin="secret of ann\n").stderr
    )


def test_a_folder_without_a_hub_is_named(tmp_path: Path) -> None:
    refused = run(tmp_path, "send", "--to", "0612345678", "--text", "x")
    assert refused.exit_code == 1
    assert f"There is no hub in {tmp_path} yet" in refused.stderr
    assert list(tmp_path.glob("*.db")) == []


def test_a_hub_elsewhere_needs_a_key_and_must_answer(tmp_path: Path) -> None:
    asked = ("send", "--to", "0612345678", "--text", "x")
    assert "SMSHUB_API_KEY: is needed" in run(tmp_path, *asked, SMSHUB_URL="http://127.0.0.1:1").stderr
    nobody = run(tmp_path, *asked, SMSHUB_URL="http://127.0.0.1:1", SMSHUB_API_KEY="k")
    assert nobody.exit_code == 1
    assert "no hub answers at http://127.0.0.1:1" in nobody.stderr


def test_the_operators_work_is_not_done_on_a_folder_by_mistake(tmp_path: Path) -> None:
    refused = run(tmp_path, "account", "create", "Acme", SMSHUB_URL="http://127.0.0.1:1")
    assert refused.exit_code == 1
    assert "run it there" in refused.stderr
    assert list(tmp_path.glob("*.db")) == []


def test_every_fault_of_the_settings_is_told_at_once(tmp_path: Path) -> None:
    refused = run(tmp_path, "check", PORT="99999", SMSHUB_REDIS_URL="no")
    assert refused.exit_code == 2
    assert "PORT: must be a port" in refused.stderr
    assert "SMSHUB_REDIS_URL: must be" in refused.stderr


def test_the_openapi_document_is_printed(tmp_path: Path) -> None:
    document = json.loads(succeeded(run(tmp_path, "openapi")))
    assert document["openapi"].startswith("3.1")
    assert "/messages" in "".join(document["paths"])
    assert list(tmp_path.iterdir()) == []


def test_processes_of_their_own_need_a_database_that_they_can_share(tmp_path: Path) -> None:
    for role in ("web", "worker", "listen"):
        refused = run(tmp_path, role)
        assert refused.exit_code == 2
        assert f"`smshub {role}` needs PostgreSQL" in refused.stderr


def test_connectors_say_what_there_is(tmp_path: Path) -> None:
    assert "zapier       Zapier               by consent           ready\n" in succeeded(run(tmp_path, "connectors"))
    assert list(tmp_path.iterdir()) == []


def test_a_new_database_is_upgraded_and_checked(tmp_path: Path) -> None:
    nothing = run(tmp_path, "check")
    assert nothing.exit_code == 1
    assert "There is no hub in" in nothing.stderr
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "smshub.db").touch()
    behind = run(tmp_path, "check")
    assert behind.exit_code == 1
    assert "run `smshub db upgrade`" in behind.stderr
    succeeded(run(tmp_path, "db", "upgrade"))
    said = succeeded(run(tmp_path, "check", "--ledger"))
    assert "connector zapier: sound" in said
    assert "ledger: every account, message and counter agrees" in said
    succeeded(run(tmp_path, "pause", "--carrier", "simulator"))
    assert "paused: carrier simulator, since 20" in succeeded(run(tmp_path, "check"))


def test_a_database_of_a_newer_version_is_checked_and_left_as_it_is(tmp_path: Path) -> None:
    succeeded(run(tmp_path, "db", "upgrade"))
    with closing(sqlite3.connect(tmp_path / "smshub.db")) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999' WHERE version_num LIKE '0%'")
    for words in (["check"], ["db", "upgrade"]):
        assert "a newer version has upgraded it" in succeeded(run(tmp_path, *words))


def test_money_that_does_not_agree_is_found(database_url: str, tmp_path: Path) -> None:
    stamp(database_url)
    site = Site(database_url, tmp_path)
    made, _ = site.open_account()
    settings = {"SMSHUB_DATABASE_URL": database_url, "SMSHUB_SECRET_KEYS": SECRET}
    assert "agrees" in succeeded(run(tmp_path, "check", "--ledger", **settings))
    with site.database.begin() as connected:
        connected.connection.exec_driver_sql("UPDATE ledger_accounts SET balance = balance + 7 WHERE kind = 'spent'")
    wrong = run(tmp_path, "check", "--ledger", **settings)
    assert wrong.exit_code == 1
    assert f"({made.id}): 7, and should be 0" in wrong.stderr
    site.close()
