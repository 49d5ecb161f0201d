"""The contract suite: tokens that are handed out, what is told of lately, and what is measured."""

import json

import pytest
from structlog.testing import capture_logs

from connectors.contract import Connector, example_of
from hub.api.schemas import check_of, resolved
from tests.connectors.conftest import EVERY
from tests.support.plugged import Plugged
from tests.support.promises import objects, settings_of, texts, written
from tests.support.web import Visitor

WITH_TOKENS = [one for one in EVERY if one.tokens is not None]
WITH_RECENT = [one for one in EVERY if one.recent is not None]
NOBODY = "01997b2c-1a2b-7c3d-8e4f-123456789abc"
handing_out = pytest.mark.parametrize("connector", WITH_TOKENS, ids=lambda each: each.name)


def installed(hub: Plugged, connector: Connector, name: str = "alice") -> tuple[Visitor, str]:
    """An account, and where the tokens of its installation are."""
    visitor = hub.visitor(name)
    made = hub.install(visitor.account_id, connector, settings_of(connector, place=int(name != "alice")))
    return visitor, f"/installations/{made.id}/tokens"


@handing_out
def test_what_is_asked_for_and_told_of_tokens_is_described(connector: Connector) -> None:
    assert connector.tokens is not None
    for schema in (connector.tokens.fields, connector.tokens.answer):
        for at, part in objects(resolved(schema)):
            assert part["additionalProperties"] is False, f"{at} is open"
            assert all(inner.get("title") for inner in part["properties"].values()), f"a field of {at} has no title"
        check_of(schema)(example_of(resolved(schema)))


@handing_out
def test_a_token_is_shown_once_and_kept_nowhere_in_plain(on_both: Plugged, connector: Connector) -> None:
    assert connector.tokens is not None
    hub, desk = on_both, connector.tokens
    visitor, path = installed(hub, connector)
    asked = example_of(resolved(desk.fields))
    with capture_logs() as entries:
        answer = visitor.ask("POST", path, asked)
        listed = visitor.ask("GET", path)
    assert answer.status_code == 201, answer.get_json()
    assert answer.headers["Cache-Control"] == "no-store"
    made, (shown,) = answer.get_json(), listed.get_json()["items"]
    for one in (made, shown):
        check_of(desk.answer)(one)
    assert shown.items() <= made.items()
    secrets = list(texts({name: made[name] for name in made.keys() - shown.keys()}))
    assert any(len(secret) > 15 for secret in secrets), "nothing in the answer is a secret"
    with hub.runtime.read() as tx:
        rows = [row._asdict() for table in connector.tables for row in tx.all(table.select())]
    told = (listed.get_data(as_text=True), json.dumps(rows, default=str), str(entries), written(hub))
    assert not [secret for secret in secrets for said in told if secret in said]


@handing_out
def test_a_token_is_revoked_and_one_that_there_is_not_is_not_found(on_both: Plugged, connector: Connector) -> None:
    assert connector.tokens is not None
    visitor, path = installed(on_both, connector)
    asked = example_of(resolved(connector.tokens.fields))
    first, second = (visitor.ask("POST", path, asked).get_json()["id"] for _ in range(2))
    assert visitor.ask("DELETE", f"{path}/{first}").status_code == 200
    left = [one["id"] for one in visitor.ask("GET", path).get_json()["items"] if not one.get("revoked_at")]
    assert left == [second]
    for unknown in (NOBODY, "nobody", "%20", "0" * 300):
        assert visitor.ask("DELETE", f"{path}/{unknown}").status_code == 404, unknown


@handing_out
def test_tokens_are_their_accounts_alone(hub: Plugged, connector: Connector) -> None:
    assert connector.tokens is not None
    asked = example_of(resolved(connector.tokens.fields))
    (alice, path), (bob, own) = installed(hub, connector), installed(hub, connector, "bob")
    mine = alice.ask("POST", path, asked).get_json()["id"]
    assert [bob.ask(method, path, body).status_code for method, body in (("GET", None), ("POST", asked))] == [404, 404]
    assert [bob.ask("DELETE", f"{one}/{mine}").status_code for one in (path, own)] == [404, 404]
    assert [one["id"] for one in alice.ask("GET", path).get_json()["items"]] == [mine]


@handing_out
def test_nothing_of_tokens_is_left_when_their_installation_is_removed(on_both: Plugged, connector: Connector) -> None:
    assert connector.tokens is not None
    visitor, path = installed(on_both, connector)
    visitor.ask("POST", path, example_of(resolved(connector.tokens.fields)))
    assert visitor.ask("DELETE", path.removesuffix("/tokens")).status_code == 200
    with on_both.runtime.read() as tx:
        kept = [row for table in connector.tables if "digest" in table.c for row in tx.all(table.select())]
    assert kept == []


@pytest.mark.parametrize("connector", WITH_RECENT, ids=lambda each: each.name)
def test_of_an_installation_to_which_nothing_happened_nothing_is_told(on_both: Plugged, connector: Connector) -> None:
    assert connector.recent is not None
    made = on_both.install(on_both.visitor().account_id, connector, settings_of(connector))
    with on_both.runtime.read() as tx:
        assert list(connector.recent(tx, made, 20)) == []


def test_its_gauges_read_numbers_by_their_label(on_both: Plugged, connector: Connector) -> None:
    for gauge in connector.gauges:
        with on_both.runtime.read() as tx:
            values = gauge.read(tx)
        assert all(value >= 0 for value in values.values()), gauge.name
        assert set(map(type, values)) <= {str}, gauge.name
