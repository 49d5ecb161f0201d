"""The guide (docs/mail2sms.md) says what is so: its table of refusals, its settings, its addresses, its commands and its limits."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.mail import Address
from connectors.mail2sms.parse import address, directives
from connectors.mail2sms.refusals import REFUSALS
from connectors.mail2sms.settings import SETTINGS, office_of
from tests.support.correspondence import office

GUIDE: Final = (Path(__file__).parents[4] / "docs" / "mail2sms.md").read_text(encoding="utf-8")
TOLD: Final = {
    "rejected": "a mail",
    "held": "a question",
    "silent": "nobody",
    "ignored": "nobody",
    "later": "nobody: it is tried again",
}
EXAMPLES: Final = re.findall(r"^ *```json\n(.*?)^ *```$", GUIDE, re.DOTALL | re.MULTILINE)


def test_every_refusal_stands_in_its_table_word_for_word() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| ([a-z: ]+) \| ([0-9.]+) \| (.*) \|$", GUIDE, re.MULTILINE)
    assert sorted(rows) == sorted((code, TOLD[one.kind], one.status, one.en) for code, one in REFUSALS.items())


@pytest.mark.parametrize("example", EXAMPLES)
def test_its_settings_can_be_installed(example: str) -> None:
    given = json.loads(example)
    assert list(Draft202012Validator(dict(SETTINGS)).iter_errors(given)) == []
    assert given["mailbox"].get("password") or given["mailbox"].get("oauth")


def test_its_addresses_and_options_mean_what_it_says() -> None:
    first = re.findall(r"^\| `([^|@]+)` \| ", GUIDE, re.MULTILINE)
    written = [one for cell in first for one in cell.replace("`", "").split(", ")]
    to = [one for one in written if not one.startswith((".", "r-"))]
    options = [one for one in written if one.startswith(".")]
    known = [one for one in to if isinstance(address.read(f"{one}@sms.example", "", "sms.example"), Address)]
    assert {"0612345678", "+33612345678", "0033612345678", "g-clients-fideles", "list", "c-rappel"} <= set(known)
    assert set(options) == {".n", ".m", ".p3", ".s-SHOP", ".d-20261224T0900", ".test"}
    for one in options:
        assert isinstance(address.read(f"0612345678{one}@sms.example", "", "sms.example"), Address), one


def test_its_lines_above_a_text_are_read() -> None:
    (lines,) = re.findall(r"^```text\n(#sender.*?)\n#end", GUIDE, re.DOTALL | re.MULTILINE)
    taken = directives.take(lines)
    assert isinstance(taken, tuple)
    text, said = taken
    assert text == "The shop is closed until Monday."
    assert (said.sender, said.send_at, said.max_segments) == ("SHOP", "2026-12-24T09:00", 3)


def test_it_names_every_setting_gauge_and_command() -> None:
    names: set[str] = set(SETTINGS["properties"]) - {"domain", "mailbox", "purpose"}
    assert sorted(name for name in names if f"`{name}`" not in GUIDE and f'"{name}"' not in GUIDE) == []
    assert [gauge.name for gauge in CONNECTOR.gauges if gauge.name not in GUIDE] == []
    assert [one.name for one in CONNECTOR.commands if f"smshub mail2sms {one.name}" not in GUIDE] == []


@pytest.mark.parametrize(
    "name, shown", [("per_hour", 100), ("per_day", 500), ("account_per_hour", 1000), ("account_per_day", 5000)]
)
def test_its_limits_are_those_of_an_installation_that_says_nothing(name: str, shown: int) -> None:
    found: Any = getattr(office(), name)
    assert found == shown
    assert f"`{name}` {shown:,}" in GUIDE


def test_its_other_limits_are_so_too() -> None:
    plain = office_of(office().installation)
    assert f"`max_segments` {plain.max_segments}, at most 10" in GUIDE
    assert f"`confirm_above` people ({plain.confirm_above})" in GUIDE
