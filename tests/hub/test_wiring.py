"""The composition: what settings become."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest
from werkzeug.test import Client

import core
import hub
from connectors.contract import Gauge
from core import Refused, Tx
from hub import wiring
from hub.installations import sinks
from hub.registry import Registry
from hub.settings import read
from tests.support.gadgets import gadget

ROOMS = (Path(core.__file__).parent, Path(hub.__file__).parent)


def test_settings_become_a_runtime(tmp_path: Path) -> None:
    made = wiring.compose(read({"SMSHUB_DATA": str(tmp_path), "SMSHUB_SHORT_CODE": "38123"}))
    assert list(made.runtime.carriers) == ["simulator"]
    assert made.runtime.rules.short_code == "38123"
    assert made.runtime.rules.mentions.of("FR") == "STOP 38123"
    assert made.runtime.doorbell is made.bell
    assert made.runtime.mail is made.mail
    made.close()


def test_the_application_answers_every_operation_of_the_table(tmp_path: Path) -> None:
    made = wiring.compose(read({"SMSHUB_DATA": str(tmp_path)}))
    routes = {rule.endpoint for rule in wiring.web(made).url_map.iter_rules()}
    assert {operation.name for operation in made.operations} <= routes
    assert {"hooks.create", "read_me", "healthz", "metrics", "page /console/connectors"} <= routes
    made.close()


def test_gauges_of_connectors_are_among_the_metrics_and_one_that_breaks_is_left_out(tmp_path: Path) -> None:
    def leaves(_tx: Tx) -> Mapping[str, float]:
        raise SystemExit

    gauges = (
        Gauge("smshub_gadget_leaves", "It wants to end the process.", "kind", leaves),
        Gauge("smshub_gadget_waiting", "What waits.", "kind", lambda _tx: {"mail": 2, "call": 0}),
    )
    found = Registry((gadget(gauges=gauges),))
    made = wiring.compose(read({"SMSHUB_DATA": str(tmp_path)}), found=found)
    text = Client(wiring.web(made)).get("/metrics").text
    assert "# HELP smshub_gadget_waiting What waits." in text
    assert 'smshub_gadget_waiting{kind="mail"} 2.0' in text
    assert 'smshub_gadget_waiting{kind="call"} 0.0' in text
    assert "smshub_gadget_leaves{" not in text
    made.close()


def test_a_carrier_with_a_fault_is_named_by_its_setting(tmp_path: Path) -> None:
    settings = read(
        {"SMSHUB_DATA": str(tmp_path), "SMSHUB_CARRIERS": '[{"name": "s", "kind": "simulator", "lanes": 0}]'}
    )
    with pytest.raises(Refused) as refusal:
        wiring.compose(settings)
    assert [fault.pointer for fault in refusal.value.faults] == ["SMSHUB_CARRIERS/0/lanes"]


def test_a_real_carrier_does_not_start_on_the_defaults_of_a_trial(tmp_path: Path) -> None:
    carrier = (
        '[{"name": "real", "kind": "http", "url": "https://sms.example.com/send", "body": {"to": "{to}", "text": "{text}"},'
        ' "accepted": {"status": [200]}}]'
    )
    settings = read({"SMSHUB_DATA": str(tmp_path), "SMSHUB_CARRIERS": carrier})
    with pytest.raises(Refused) as refusal:
        wiring.compose(settings)
    assert refusal.value.code in {"invalid_settings", "invalid_carriers"}


def test_every_kind_of_job_that_is_promised_has_a_handler() -> None:
    assert promised() == {*wiring.handlers(read({})), sinks.JOB}


def promised() -> set[str]:
    """The kinds in every `jobs.add(tx, account_id, kind, ...)` of the house; names stand for the constants they are."""
    constants = {"JOB", "DISABLED_MAIL", "LINK_MAIL", "LOST_MAIL"}
    found: set[str] = set()
    for path in (path for room in ROOMS for path in room.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            target.id: node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.AnnAssign) and isinstance(target := node.target, ast.Name)
            if target.id in constants and isinstance(node.value, ast.Constant)
        }
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Attribute) and ast.unparse(call.func) == "jobs.add":
                kind = call.args[2]
                found.add(str(kind.value if isinstance(kind, ast.Constant) else named[ast.unparse(kind)]))
    return found
