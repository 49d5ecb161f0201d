"""SMSHUB_CARRIERS: what it makes, and what it is told that is wrong with it."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from core.carriers import config
from core.carriers.contract import Carrier
from core.carriers.http import HttpCarrier
from core.carriers.simulator import Simulator
from core.errors import Refused
from tests.core.carriers.contract_cases import attempt, sent
from tests.support.world import ManualClock

HTTP: dict[str, Any] = {
    "name": "acme",
    "kind": "http",
    "url": "https://acme.example/sms",
    "body": {"to": "{to}", "text": "{text}"},
}


def build(entries: Any, folder: Path = Path("unused"), **options: Any) -> Mapping[str, Carrier]:
    text = entries if entries is None or isinstance(entries, str) else json.dumps(entries)
    return config.build(text, folder, ManualClock(), random.Random(5), **options)


def faults(*entries: Any) -> dict[str, str]:
    """What is wrong, by where."""
    with pytest.raises(Refused) as refused:
        build(list(entries))
    assert refused.value.code == "invalid_carriers"
    assert all(f"{fault.pointer} {fault.message}" in refused.value.detail for fault in refused.value.faults)
    return {fault.pointer: fault.message for fault in refused.value.faults}


@pytest.mark.parametrize("text", [None, ""])
def test_without_it_there_is_one_simulator(tmp_path: Path, text: str | None) -> None:
    slept: list[float] = []
    carriers = build(text, tmp_path, sleep=slept.append)
    simulator = carriers["simulator"]
    sent(simulator, [attempt()])
    simulator.close()
    assert list(carriers) == ["simulator"]
    assert slept == [0.005]
    assert (simulator.traits.looks_up, simulator.traits.per_second) == (True, None)
    assert (tmp_path / "simulator-simulator.db").exists()


def test_each_entry_is_a_carrier_by_its_name(tmp_path: Path) -> None:
    carriers = build([{"name": "one", "kind": "simulator", "per_second": 20, "lookup": False}, HTTP], tmp_path)
    assert [(name, type(carrier)) for name, carrier in carriers.items()] == [("one", Simulator), ("acme", HttpCarrier)]
    assert [carrier.name for carrier in carriers.values()] == list(carriers)
    assert (carriers["one"].traits.per_second, carriers["one"].traits.looks_up) == (20, False)


def test_nothing_is_opened_before_it_is_used(tmp_path: Path) -> None:
    build(None, tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("text", ["{", "[", "{}", "[]", "null", "3", '"simulator"', "[" * 100_000])
def test_what_is_not_an_array_of_carriers_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="SMSHUB_CARRIERS can't be used: it "):
        build(text)


def test_a_number_that_json_has_not_is_refused() -> None:
    with pytest.raises(Refused, match="NaN"):
        build('[{"name": "a", "kind": "simulator", "per_second": NaN}]')


def test_every_fault_of_every_entry_is_told_at_once() -> None:
    assert faults(
        {"name": "A b", "kind": "simulator", "answer_ms": -1, "receipt_ms": "soon", "colour": "red", "per_second": 0},
        {"kind": "pigeon"},
        "simulator",
        {"name": "twice", "kind": "simulator"},
        {"name": "twice", "kind": "simulator", "answer_ms": 900, "timeout_ms": 100},
        {"kind": "http"},
    ) == {
        "/0/name": "must be 1 to 32 of a-z, 0-9, - and _",
        "/0/answer_ms": "must keep to its minimum of 0",
        "/0/receipt_ms": "must be of type integer",
        "/0/colour": "is not a setting",
        "/0/per_second": "must keep to its exclusiveMinimum of 0",
        "/1/kind": "must be one of simulator, http",
        "/2": "must be an object",
        "/4/timeout_ms": "must not be below answer_ms",
        "/4/name": "is the name of a carrier before it",
        "/5/name": "is missing",
        "/5/url": "is missing",
    }


@pytest.mark.parametrize(
    "change, where, what",
    [
        ({"url": "ftp://acme.example/"}, "/url", "must be http(s)://host/..."),
        ({"url": "https://user:pw@acme.example/"}, "/url", "no user"),
        ({"url": "https://acme.example:99999/"}, "/url", "must be http(s)://host/..."),
        ({"ca_file": "nowhere.pem"}, "/ca_file", "is not a file"),
        ({"url": "https://{to}.example/"}, "/url", "placeholder in the host"),
        ({"url": "https://acme.example/{text}"}, "/url", "may not have {text} here"),
        ({"url": "https://acme.example/{nobody}"}, "/url", "unknown placeholder {nobody}"),
        (
            {"body": {"to": "{to}", "text": "{text}", "x": [{"y": "{0.__class__}"}]}},
            "/body/x/0/y",
            "unknown placeholder",
        ),
        ({"body": {"to": "{to}"}}, "/body", "must say {text}"),
        ({"body": {"text": "{text}"}}, "/body", "must say {to}"),
        ({"body_type": "form", "body": {"to": ["{to}"], "text": "{text}"}}, "/body", "for a form"),
        ({"method": "GET"}, "/body", "does not go with GET"),
        ({"method": "PATCH"}, "/method", "must be one of POST, PUT, GET"),
        ({"headers": {"X Y": "z"}}, "/headers/X Y", "is not the name of a header"),
        ({"headers": {"X": "a\r\nB: c"}}, "/headers/X", "must be visible ASCII"),
        ({"headers": {"X": "{text}"}}, "/headers/X", "may not have {text} here"),
        (
            {"headers": {"authorization": "x"}, "auth": {"type": "bearer", "token": "t"}},
            "/headers/authorization",
            "by auth already",
        ),
        ({"auth": {"type": "basic", "username": "u"}}, "/auth/password", "is missing"),
        ({"auth": {"type": "bearer"}}, "/auth/token", "is missing"),
        ({"auth": {"type": "bearer", "token": "a\nb"}}, "/auth/token", "must be visible ASCII"),
        ({"id": "messages.0.id"}, "/id", "must be a JSON pointer"),
        ({"accept": {}}, "/accept", "must have statuses, or a path"),
        ({"busy": [{"statuses": [429]}, {"values": [1]}]}, "/busy", "must be a rule or an array of rules"),
        (
            {
                "lookup": {
                    "url": "https://acme.example/",
                    "found": {"statuses": [200]},
                    "not_found": {"statuses": [404]},
                }
            },
            "/lookup/url",
            "must say {reference}",
        ),
        (
            {"lookup": {"url": "https://acme.example/{reference}", "found": {"statuses": [200]}}},
            "/lookup/not_found",
            "is missing",
        ),
        (
            {"receipts": {"id": "/id", "status": "/s", "statuses": {"1": "received"}}},
            "/secret",
            "/carriers/acme/<secret>",
        ),
        (
            {"receipts": {"status": "/s", "statuses": {"1": "received"}}},
            "/receipts",
            "where the id or the reference stands",
        ),
        (
            {"receipts": {"id": "/id", "status": "/s", "statuses": {"1": "sent"}}},
            "/receipts/statuses/1",
            "must be one of delivered_operator",
        ),
        (
            {
                "receipts": {"id": "/i", "status": "/s", "statuses": {"1": "received"}, "zone": "Mars"},
                "secret": "x" * 16,
            },
            "/receipts/zone",
            "IANA",
        ),
        ({"replies": {"from": "/f", "to": "/t", "text": "/x"}}, "/replies", "can't be told apart"),
        ({"secret": "short"}, "/secret", "must be 16 to 128"),
        ({"timeouts": {"connect_ms": 0}}, "/timeouts/connect_ms", "minimum of 1"),
    ],
)
def test_each_fault_of_an_http_provider_is_told_where_it_is(change: dict[str, Any], where: str, what: str) -> None:
    assert what in faults(HTTP | change)[f"/0{where}"]


def test_a_secret_of_the_wrong_kind_is_not_told() -> None:
    with pytest.raises(Refused) as refused:
        build(
            [HTTP | {"auth": {"type": "bearer", "token": ["t0k3n"]}, "secret": "t0k3n!", "headers": {"X-Key": 70113}}]
        )
    assert "t0k3n" not in str(refused.value)
    assert "70113" not in str(refused.value)
    assert len(refused.value.faults) == 3


def test_replies_to_a_simulated_name_go_to_the_short_code_of_the_hub(tmp_path: Path) -> None:
    clock = ManualClock()
    text = json.dumps(
        [
            {"name": "a", "kind": "simulator", "receipt_ms": 0},
            {"name": "b", "kind": "simulator", "receipt_ms": 0, "short_code": "38001"},
        ]
    )
    codes: list[str] = []
    for carrier in config.build(
        text, tmp_path, clock, random.Random(5), sleep=lambda _: None, short_code="38000"
    ).values():
        sent(carrier, [attempt(33612345612, sender="Acme")])
        clock.forward(seconds=1)
        carrier.pump(lambda _name, _receipts, replies: codes.extend(reply.code for reply in replies))
        carrier.close()
    assert codes == ["38000", "38001"]


@pytest.mark.parametrize("kind", config.KINDS)
def test_every_kind_has_a_schema_that_is_one(kind: str) -> None:
    validator = config._validator(kind)
    validator.check_schema(validator.schema)
