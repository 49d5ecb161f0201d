"""Connectors on the command line: which there are, installing and forgetting them, and commands of their own."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connectors.contract import Command, Visit
from core import Refused
from hub.commands.connectors import _group
from tests.hub.test_cli import account, run, succeeded
from tests.support.gadgets import gadget
from tests.support.serving import environment


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("install", "nothing"), "connector: There is no connector 'nothing'; there are: "),
        (("install", "zapier"), "connector: Zapier is not installed by its settings: connect it in Zapier"),
        (("tokens", "zapier"), "connector: zapier is not installed for this account."),
        (("forget", "zapier", "--yes"), "zapier is installed: remove its package first"),
        (("forget", "nothing", "--yes"), "No connector called nothing left anything here."),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path: Path, arguments: Sequence[str], words: str) -> None:
    account(tmp_path)
    refused = run(tmp_path, "connectors", *arguments)
    assert refused.exit_code == 1
    assert words in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_settings_that_are_no_json_are_told_by_their_file(tmp_path: Path) -> None:
    account(tmp_path)
    (tmp_path / "settings.json").write_text("{")
    refused = run(tmp_path, "connectors", "install", "zapier", "--settings", str(tmp_path / "settings.json"))
    assert refused.exit_code == 1
    assert "settings.json is not JSON" in refused.stderr


def test_to_forget_is_asked_first(tmp_path: Path) -> None:
    refused = run(tmp_path, "connectors", "forget", "nothing", stdin="n\n")
    assert refused.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_connector_with_commands_is_a_command_of_the_hub(tmp_path: Path) -> None:
    assert "zapier" in succeeded(run(tmp_path, "--help"))
    assert "export" in succeeded(run(tmp_path, "zapier", "--help"))
    assert run(tmp_path, "nothing").exit_code == 2


def told(visit: Visit, options: Mapping[str, str | None]) -> list[str]:
    if options["for-whom"] == "nobody":
        raise Refused.at("/for-whom", "not_found", "there is nobody")
    return [json.dumps(dict(options)), visit.tools.public_url]


@pytest.mark.parametrize("offline", [True, False])
def test_its_options_come_by_their_names_and_its_lines_go_out(tmp_path: Path, offline: bool) -> None:
    command = Command("tell", "Tell.", told, {"for-whom": "Whom.", "from": "Whence."}, offline=offline)
    group = _group(gadget(commands=(command,)))
    kept = environment(tmp_path, SMSHUB_PUBLIC_URL="https://sms.example")

    def tell(*arguments: str) -> Result:
        return CliRunner().invoke(group, ["tell", *arguments], env={"SMSHUB_URL": None, **kept})

    said = tell("--for-whom", "ann")
    assert said.exit_code == 0, said.output
    assert said.stdout == '{"for-whom": "ann", "from": null}\nhttps://sms.example\n'
    assert (tmp_path / "smshub.db").exists() is not offline
    assert "for-whom: there is nobody" in tell("--for-whom", "nobody").stderr
    assert "Whence." in tell("--help").stdout
