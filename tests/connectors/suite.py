"""The contract suite: what every connector promises, whoever wrote it. Who is let in: `suite_doors`."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from jsonschema import Draft202012Validator
from structlog.testing import capture_logs

from connectors.contract import Action, Connector, Operation
from hub import connector_rules, logs, problems
from hub.api.schemas import check_of, resolved
from hub.connector_rules import Known
from hub.hooks.triggers import TRIGGERS
from hub.installations import secret_fields
from hub.migrations.compare import same_type
from tests.connectors.conftest import EVERY, FOUND, INSTALLABLE, OFFERED
from tests.support import parcels, samples
from tests.support.hooked import Hub, hub_on
from tests.support.plugged import Plugged
from tests.support.promises import objects, settings_of, texts, written
from tests.support.refusals import codes

installable = pytest.mark.parametrize("connector", INSTALLABLE, ids=lambda each: each.name)
BUILT_IN: Final = Path(__file__).parents[2] / "connectors"
OPERATIONS: Final = {operation.name: operation for operation in OFFERED}


def of_actions(wanted: Callable[[Operation], bool] = lambda _: True) -> pytest.MarkDecorator:
    """A test of the actions of all connectors whose operation is wanted."""
    chosen = [(one, action) for one in EVERY for action in one.actions if wanted(OPERATIONS[action.operation])]
    return pytest.mark.parametrize(
        "connector, action", [pytest.param(one, action, id=f"{one.name}.{action.name}") for one, action in chosen]
    )


# What it says of itself


def test_no_connector_of_this_hub_is_left_out() -> None:
    assert FOUND.broken == ()


def test_its_names_and_addresses_are_as_they_must_be(connector: Connector) -> None:
    known = Known(OPERATIONS.keys(), TRIGGERS.keys())
    assert list(connector_rules.faults(connector, known)) == []


def test_the_schema_of_its_settings_is_valid_closed_and_has_titles(connector: Connector) -> None:
    if connector.settings is None:
        assert connector.auth != "settings"
        return
    Draft202012Validator.check_schema(connector.settings)
    for at, part in objects(resolved(connector.settings)):
        assert part["additionalProperties"] is False, f"{at} is open"
        assert all(inner.get("title") for inner in part["properties"].values()), f"a field of {at} has no title"


def test_what_is_called_a_secret_is_write_only(connector: Connector) -> None:
    for at, part in objects(resolved(connector.settings or {})):
        named = {name for name in part["properties"] if name.lower().endswith(logs.SECRET_ENDINGS)}
        secret = {name for name, inner in part["properties"].items() if inner.get("writeOnly")}
        assert named <= secret, f"{at}: {named - secret}"


def test_the_examples_of_its_settings_fit(connector: Connector) -> None:
    if connector.settings is not None:
        check_of(connector.settings)(settings_of(connector))


def test_the_events_that_it_takes_exist(connector: Connector) -> None:
    taken = {kind for sink in connector.sinks for kind in sink.events}
    assert {*connector.triggers, *taken} <= TRIGGERS.keys()


def test_every_refusal_of_its_has_a_status(connector: Connector) -> None:
    folder = parcels.SOURCE if connector.name == "parcels" else BUILT_IN / connector.name
    found = {code for path in folder.rglob("*.py") for code in codes(path)}
    assert found <= problems.STATUSES.keys()


def test_its_tables_are_what_its_migrations_make(on_both: Plugged, connector: Connector) -> None:
    names = {table.name for table in connector.tables}
    options = {
        "compare_type": same_type,
        "include_object": lambda _thing, name, kind, *_rest: kind != "table" or name in names,
    }
    with on_both.runtime.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        for metadata in {table.metadata for table in connector.tables}:
            assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("kind", sorted(TRIGGERS))
def test_a_sample_fits_its_schema_and_is_what_render_makes_of_its_fact(database_url: str, kind: str) -> None:
    shop: Hub = hub_on(database_url)
    trigger = TRIGGERS[kind]
    check_of(trigger.schema)(trigger.sample)
    with shop.runtime.begin() as tx:
        fact = samples.fact_of(tx, shop.account_id, kind)
        assert list(trigger.render(tx, shop.account_id, [fact])) == [trigger.sample]
    shop.runtime.database.close()


# What it has the hub do


@of_actions()
def test_the_example_of_an_action_fits_its_fields_and_its_draft_the_operation(
    connector: Connector, action: Action
) -> None:
    operation = OPERATIONS[action.operation]
    assert operation.body is not None
    check_of(action.fields)(action.example)
    check_of(operation.body)(action.draft(action.example))


@of_actions()
def test_an_action_needs_no_scope_that_its_connector_lacks(connector: Connector, action: Action) -> None:
    needed = OPERATIONS[action.operation].scope
    assert needed is None or needed in connector.scopes


@of_actions(lambda operation: operation.keyed)
def test_the_same_key_twice_is_one_message(on_both: Plugged, connector: Connector, action: Action) -> None:
    hub = on_both
    once, twice = hub.visitor("once"), hub.visitor("twice")
    hub.visit_of(connector, once.account_id).act(action, action.example)
    visit = hub.visit_of(connector, twice.account_id)
    first, second = (visit.act(action, action.example, "an occasion") for _ in range(2))
    assert (first.status, first.body) == (second.status, second.body)
    hub.work()
    assert len(hub.engine.messages(hub.account(twice))) == len(hub.engine.messages(hub.account(once))) > 0


@of_actions(lambda operation: operation.scope == "messages:send")
def test_who_opted_out_gets_nothing_by_an_action(on_both: Plugged, connector: Connector, action: Action) -> None:
    hub = on_both
    before, after = hub.visitor("before"), hub.visitor("after")
    hub.visit_of(connector, before.account_id).act(action, action.example)
    hub.work()
    numbers = {row.number for row in hub.engine.messages(hub.account(before))}
    assert {one.number for one in hub.engine.taken()} == numbers
    for number in numbers:
        hub.engine.block(hub.account(after), number)
    hub.visit_of(connector, after.account_id).act(action, action.example)
    hub.work()
    stopped = hub.engine.messages(hub.account(after))
    assert {(row.status, row.source, row.millicredits) for row in stopped} == {("blacklisted", connector.name, 0)}
    assert len(hub.engine.taken()) == len(numbers)


def test_what_it_does_again_and_again_may_be_done_with_nothing_there(on_both: Plugged, connector: Connector) -> None:
    for task in connector.tasks:
        if task.every_s is not None:
            for _ in range(2):
                task.run(on_both.visit(connector), "")


def test_its_commands_print_lines(hub: Plugged, connector: Connector) -> None:
    for command in connector.commands:
        lines = command.run(hub.visit(connector), dict.fromkeys(command.options))
        assert all(isinstance(line, str) for line in lines)


# What it keeps to itself


@installable
def test_secrets_are_shown_nowhere_and_logged_nowhere(on_both: Plugged, connector: Connector) -> None:
    hub, asked = on_both, settings_of(connector)
    plain, secret = secret_fields.split(resolved(connector.settings or {}), asked)
    visitor = hub.visitor()
    with capture_logs() as entries:
        installed = hub.install(visitor.account_id, connector, asked)
        path = f"/installations/{installed.id}"
        answers = [visitor.ask("PATCH", path, {"settings": plain})]
        answers += [visitor.ask("GET", one) for one in (path, "/installations")]
        health = visitor.ask("GET", "/connectors").get_json()["items"][0]["health"]
    assert [answer.status_code for answer in answers] == [200] * 3
    visit = repr(hub.visit(connector, installed)).replace(repr(connector), "")  # whose schema shows an example
    told = [repr(installed), visit, str(health), str(entries), written(hub)]
    for word in texts(secret):
        assert len(word) > 7, "the example of a secret must be long enough to be looked for"
        assert all(word not in said for said in (*(answer.get_data(as_text=True) for answer in answers), *told))
    with hub.runtime.read() as tx:
        assert hub.book.get(tx, visitor.account_id, installed.id).settings == asked


@installable
def test_its_health_is_told_in_sentences_and_never_raised(hub: Plugged, connector: Connector) -> None:
    installed = hub.install(hub.visitor().account_id, connector, settings_of(connector))
    said = connector.health(hub.visit(connector, installed))
    assert all(sentence.endswith(".") for sentence in said)
    assert hub.checkup.of([(connector, installed)])[installed.id].reasons == tuple(said)
