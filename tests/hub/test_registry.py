"""Which connectors there are: those that are sound, and what is said of those that are not."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from werkzeug.test import Client

from connectors.contract import Action, Command, Connector, Gauge, Listener, Reply, Sink, Task, TokenDesk
from core import Refused, schema
from hub import cli, connector_rules, registry, wiring
from hub.connector_rules import Known
from hub.installations import sinks
from hub.registry import Candidate, Registry
from hub.settings import read
from tests.hub.test_cli import run, succeeded
from tests.support.gadgets import SETTINGS, by_word, gadget, route

KNOWN = Known({"send_message"}, {"message.status"})


def candidate(value: object, name: str = "gadget") -> Candidate:
    return Candidate(name, "gadgets 1.0", lambda: value)


def left_out(*found: Candidate) -> list[str]:
    """The sentences about those that were left out."""
    return [one.sentence for one in registry.load(KNOWN, found).broken]


def test_a_sound_connector_is_found_by_its_name() -> None:
    found = registry.load(KNOWN, [candidate(gadget())])
    assert found.broken == ()
    assert found.get("gadget").title == "Gadget"
    assert found.find("other") is None
    with pytest.raises(Refused, match="installed are: gadget"):
        found.get("other")


def test_what_is_not_there_yet_is_not_listed() -> None:
    assert registry.load(KNOWN, [candidate(None)]) == Registry()


def test_one_that_breaks_leaves_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    def breaks() -> object:
        raise ImportError("no module named smpplib")

    with capture_logs() as entries:
        found = registry.load(KNOWN, [Candidate("broken", "broken 0.1", breaks), candidate(gadget())])
    assert [one.name for one in found.connectors] == ["gadget"]
    (broken,) = found.broken
    assert broken.sentence == (
        "The connector broken (broken 0.1) is left out: it can't be imported (ImportError: no module named smpplib). "
        "Install a version of it that fits, or uninstall it."
    )
    (entry,) = [entry for entry in entries if entry["event"] == "connector.left_out"]
    assert (entry["log_level"], entry["connector"], entry["cure"]) == ("error", "broken", broken.cure)


def test_one_that_would_end_the_process_is_left_out() -> None:
    def leaves() -> object:
        sys.exit(3)

    assert "SystemExit" in left_out(Candidate("leaves", "leaves 1", leaves))[0]


def test_what_is_no_connector_and_what_has_another_name_are_left_out() -> None:
    assert "it is a dict" in left_out(candidate({}))[0]
    assert "it calls itself 'gadget'" in left_out(candidate(gadget(), "widget"))[0]


def test_of_two_with_one_name_the_first_stays() -> None:
    found = registry.load(KNOWN, [candidate(gadget()), candidate(gadget(title="Another"))])
    assert [one.title for one in found.connectors] == ["Gadget"]
    assert "another one has this name already" in found.broken[0].sentence


def handler(_visit: Any) -> Reply:
    return Reply({})


def nothing(*_: Any) -> None:
    """A task, a listener, a sink that does nothing."""


def gauge(name: str = "smshub_gadget_waiting", label: str = "kind") -> Gauge:
    return Gauge(name, "What waits.", label, nothing)  # type: ignore[arg-type]


NOTHING = {"type": "object", "additionalProperties": False, "properties": {}}
TOLD = {**NOTHING, "required": ["id"], "properties": {"id": {"type": "string"}, "token": {"type": "string"}}}
AT_NOTHING = {**TOLD, "properties": {"id": {"type": "string"}, "token": {"$ref": "#/$defs/Token"}}}


def desk(fields: Mapping[str, Any] = NOTHING, answer: Mapping[str, Any] = TOLD) -> TokenDesk:
    return TokenDesk(fields, answer, nothing, nothing, nothing)  # type: ignore[arg-type]


SHOES = schema.metadata.tables["accounts"]
IN_A_LIST = {"type": "array", "title": "L", "items": {"type": "object", "properties": {"key": {"writeOnly": True}}}}


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"name": "Gadget"}, "is no word of 2 to 31 small letters"),
        ({"name": "console"}, "the name console means something else"),
        ({"title": ""}, "no title or no description"),
        ({"settings": None}, "has no schema for them"),
        ({"settings": {"type": "thing"}}, "the schema of its settings is none"),
        ({"settings": {**SETTINGS, "properties": {"free": True}, "required": []}}, "free is described by no object"),
        ({"settings": {**SETTINGS, "properties": {"at": {"$ref": "#/$defs/At"}}}}, "refers to what is not there"),
        ({"settings": {"type": "object"}}, '"additionalProperties": false'),
        ({"settings": {**SETTINGS, "properties": {"many": IN_A_LIST}, "required": []}}, "stands in a list"),
        ({"scopes": frozenset({"messages:eat"})}, "there is no scope messages:eat"),
        ({"scopes": frozenset({"account:write"})}, "no connector may have the scope account:write"),
        ({"triggers": ("moon.full",)}, "there is no event moon.full"),
        ({"sinks": (Sink(frozenset({"moon.full"}), nothing),)}, "there is no event moon.full"),
        ({"actions": (Action("a", "A", "A.", "fly", {}, {}),)}, "there is no operation fly"),
        ({"tasks": (Task("No", nothing),)}, "tasks can't be called No"),
        ({"tasks": (Task("a", nothing), Task("a", nothing))}, "two tasks are called a"),
        ({"tasks": (Task("a", nothing, every_s=0),)}, "every so many seconds"),
        ({"listeners": (Listener("", nothing),)}, "listeners can't be called"),
        ({"commands": (Command("do", "Do.", lambda *_: (), {"--x": "X"}),)}, "options of commands can't be called --x"),
        (
            {"gauges": (gauge("smshub_waiting"),)},
            "names of its gauges must begin with smshub_gadget_, not so smshub_waiting",
        ),
        ({"gauges": (gauge("smshub_gadget_a-b"),)}, "gauges and their labels can't be called smshub_gadget_a-b"),
        ({"gauges": (gauge(label="kind of"),)}, "gauges and their labels can't be called kind of"),
        ({"gauges": (gauge(), gauge())}, "two gauges are called smshub_gadget_waiting"),
        (
            {"tokens": desk(fields={"type": "object"})},
            "the schema of what is asked for of its tokens is not of an object",
        ),
        ({"tokens": desk(fields={"type": "thing"})}, "the schema of what is asked for of its tokens is none"),
        ({"tokens": desk(answer=AT_NOTHING)}, "the schema of what is told of its tokens refers to what is not there"),
        ({"tokens": desk(answer=NOTHING)}, "each of its tokens must have an id"),
        (
            {"tokens": desk(), "settings": None, "auth": "flow"},
            "it hands out tokens for its installations, and has none",
        ),
        ({"routes": (route(handler, "thing"),)}, "POST thing is no address"),
        ({"routes": (route(handler, "/a/../b?c"),)}, "is no address"),
        ({"routes": (route(handler), route(handler))}, "two routes are POST /thing"),
        ({"routes": (route(handler, auth="installation", proven=by_word),)}, "must have {installation} in its path"),
        ({"routes": (route(handler, "/{installation}", auth="installation"),)}, "must be `proven`"),
        ({"routes": (route(handler, scope="messages:send"),)}, "asks for a scope, and for no caller"),
        ({"routes": (route(handler, most_bytes=10**9),)}, "takes bodies of 1000000000 bytes"),
        ({"tables": (SHOES,)}, "names of its tables must begin with gadget_"),
        ({"tables": (SHOES,)}, "it has tables, and no migrations"),
        ({"tables": (SHOES,)}, "in a MetaData of its own"),
        ({"migrations": Path("nowhere")}, "there is no folder nowhere"),
    ],
)
def test_one_that_would_break_something_is_left_out_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    made: Connector = gadget(**changes)
    (sentence,) = left_out(candidate(made, made.name))
    assert reason in sentence
    assert sentence.endswith("Tell its author, or uninstall it.")


@pytest.mark.parametrize(
    "words, reason",
    [
        ("revision = 'x1'\ndown_revision = None\nbranch_labels = ('gadget',)\n", "must begin with gadget_, not so x1"),
        ("revision = 'gadget_1'\ndown_revision = None\nbranch_labels = None\n", "branch_labels = ('gadget',)"),
        ("import nowhere", "its migrations can't be read (ModuleNotFoundError"),
    ],
)
def test_migrations_that_others_would_trip_over_are_told(tmp_path: Path, words: str, reason: str) -> None:
    (tmp_path / "one.py").write_text(words)
    assert reason in left_out(candidate(gadget(migrations=tmp_path)))[0]


def test_no_connector_can_stand_before_a_command_of_the_hub() -> None:
    assert {command.name for command in cli.COMMANDS} <= connector_rules.RESERVED


def test_no_connectors_jobs_can_be_taken_for_the_hubs() -> None:
    kinds = {kind.partition(".")[0] for kind in (*wiring.handlers(read({})), sinks.JOB)}
    assert kinds <= connector_rules.RESERVED


PACKAGE = """
from connectors.contract import Connector
CONNECTOR = Connector("shoes", "Shoes", "Tells of shoes.", "flow")
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path, with a package that brings a connector and one whose connector can't be imported."""
    (tmp_path / "shoes_of_ours.py").write_text(PACKAGE)
    for name, value in (("shoes", "shoes_of_ours:CONNECTOR"), ("gloves", "gloves_of_theirs:CONNECTOR")):
        facts = tmp_path / f"smshub_{name}-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: smshub-{name}\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[smshub.connectors]\n{name} = {value}\n")
    (tmp_path / "data").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("shoes_of_ours", None)


def test_packages_are_found_by_their_entry_points(packages: Path) -> None:
    found = wiring.connectors()
    assert found.get("shoes").title == "Shoes"
    (broken,) = found.broken
    assert (broken.name, broken.origin) == ("gloves", "smshub-gloves 1.0")


def test_a_broken_one_is_told_by_healthz_and_the_hub_answers(packages: Path, tmp_path: Path) -> None:
    hub = wiring.compose(read({"SMSHUB_DATA": str(tmp_path / "data")}))
    client = Client(wiring.web(hub))
    assert client.get("/api/docs").status_code == 200
    with hub.runtime.begin() as tx:
        schema.metadata.create_all(tx.connection)
    answer = client.get("/healthz")
    assert answer.json is not None
    assert any("The connector gloves (smshub-gloves 1.0) is left out" in reason for reason in answer.json["reasons"])
    hub.close()


def test_a_broken_one_is_wrong_to_check_and_listed_with_its_cure(packages: Path, tmp_path: Path) -> None:
    succeeded(run(tmp_path / "data", "db", "upgrade"))
    checked = run(tmp_path / "data", "check")
    assert checked.exit_code == 1
    assert "The connector gloves (smshub-gloves 1.0) is left out" in checked.stderr
    listed = succeeded(run(tmp_path / "data", "connectors"))
    assert "shoes        Shoes                from the other side  ready, 0 installation(s)\n" in listed
    assert "gloves       smshub-gloves 1.0    left out             it can't be imported" in listed
    assert "    Install a version of it that fits, or uninstall it.\n" in listed
