"""What a connector must be for the hub to let it in: words that fit where they go, and nothing that would break elsewhere. Pure."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from alembic.config import Config
from alembic.script import ScriptDirectory
from jsonschema import Draft202012Validator, SchemaError

from connectors.contract import Connector, Route
from core import accounts, schema
from hub.api import schemas
from hub.api.guard import FORM_LIMIT
from hub.installations import secret_fields

_NAME: Final = re.compile(r"[a-z][a-z0-9]{1,30}")
_PART: Final = re.compile(r"[a-z][a-z0-9_-]{0,40}")
_PATH: Final = re.compile(r"(/([A-Za-z0-9._~-]+|\{[a-z][a-z0-9_]*\}))+")
_GAUGE: Final = re.compile(r"[a-z][a-z0-9_]*")
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
# The other sources of messages, the kinds of the hub's own jobs, and the commands beside which a connector's stand.
RESERVED: Final = frozenset(
    {"api", "cli", "console", "system", "operator", "core", "hub", "connectors", "installations"}
    | {"event", "import", "mail", "quote"}
    | {
        "serve",
        "web",
        "worker",
        "listen",
        "db",
        "check",
        "account",
        "credits",
        "pause",
        "resume",
        "user",
        "number",
        "route",
    }
    | {"send", "campaign", "openapi", "oauth", "keys"}
)
# What an account does with its money and its people is done by its people.
NEVER: Final = frozenset({"credits:transfer", "account:write"})


@dataclass(frozen=True, slots=True)
class Known:
    """What a connector may refer to: names of operations, types of events."""

    operations: Collection[str]
    triggers: Collection[str]


def faults(connector: Connector, known: Known) -> Iterator[str]:
    """Everything that is wrong with it, as parts of a sentence."""
    if not _NAME.fullmatch(connector.name):
        yield f"its name {connector.name!r} is no word of 2 to 31 small letters and digits"
    if connector.name in RESERVED:
        yield f"the name {connector.name} means something else here"
    if not connector.title or not connector.description:
        yield "it has no title or no description"
    yield from _of_settings(connector)
    yield from _of_words(connector, known)
    yield from _of_names(connector)
    yield from _of_gauges(connector)
    yield from _of_tokens(connector)
    yield from _of_routes(connector)
    yield from _of_tables(connector)


def _of_settings(connector: Connector) -> Iterator[str]:
    if connector.settings is None:
        if connector.auth == "settings":
            yield "it is installed by its settings, and has no schema for them"
        return
    try:
        Draft202012Validator.check_schema(connector.settings)
    except SchemaError as error:
        yield f"the schema of its settings is none ({error.message})"
        return
    if connector.settings.get("type") != "object" or connector.settings.get("additionalProperties") is not False:
        yield 'the schema of its settings is not of an object with "additionalProperties": false'
    if bare := list(secret_fields.undescribed(connector.settings)):
        yield f"of its settings {_listed(bare)} is described by no object"
    if not schemas.can_be_resolved(connector.settings):
        yield "the schema of its settings refers to what is not there: put it in its place"
    if not secret_fields.can_be_kept_apart(connector.settings):
        yield "a secret of its settings stands in a list, or behind a condition: only properties of objects can be kept apart"


def _of_words(connector: Connector, known: Known) -> Iterator[str]:
    scopes = {*connector.scopes, *(route.scope for route in connector.routes if route.scope)}
    if unknown := scopes - set(accounts.SCOPES):
        yield f"there is no scope {_listed(unknown)}"
    if never := connector.scopes & NEVER:
        yield f"no connector may have the scope {_listed(never)}"
    events = {*connector.triggers, *(kind for sink in connector.sinks for kind in sink.events)}
    if unknown := events - set(known.triggers):
        yield f"there is no event {_listed(unknown)}"
    if unknown := {action.operation for action in connector.actions} - set(known.operations):
        yield f"there is no operation {_listed(unknown)}"


def _of_names(connector: Connector) -> Iterator[str]:
    """Names are used once among their kind, and stand in addresses, job kinds and on command lines."""
    for what, listed in (
        ("action", connector.actions),
        ("task", connector.tasks),
        ("listener", connector.listeners),
        ("command", connector.commands),
    ):
        names = [each.name for each in listed]
        if bad := [name for name in names if not _PART.fullmatch(name)]:
            yield f"{what}s can't be called {_listed(bad)}"
        if twice := _twice(names):
            yield f"two {what}s are called {_listed(twice)}"
    options = [name for command in connector.commands for name in command.options]
    if bad := [name for name in options if not _PART.fullmatch(name) or name == "help"]:
        yield f"options of commands can't be called {_listed(bad)}"
    if any(task.every_s is not None and task.every_s <= 0 for task in connector.tasks):
        yield "a task is to be done every so many seconds, above 0"


def _of_gauges(connector: Connector) -> Iterator[str]:
    own = f"smshub_{connector.name}_"
    if strange := [gauge.name for gauge in connector.gauges if not gauge.name.startswith(own)]:
        yield f"names of its gauges must begin with {own}, not so {_listed(strange)}"
    names = [name for gauge in connector.gauges for name in (gauge.name, gauge.label)]
    if bad := [name for name in names if not _GAUGE.fullmatch(name)]:
        yield f"gauges and their labels can't be called {_listed(bad)}: small letters, digits and _ are taken"
    if twice := _twice(gauge.name for gauge in connector.gauges):
        yield f"two gauges are called {_listed(twice)}"


def _of_tokens(connector: Connector) -> Iterator[str]:
    """What is asked for is a form, and each token is told by its id."""
    desk = connector.tokens
    if desk is None:
        return
    if connector.settings is None:
        yield "it hands out tokens for its installations, and has none: it has no settings"
    for what, asked in (("asked for", desk.fields), ("told", desk.answer)):
        try:
            Draft202012Validator.check_schema(asked)
        except SchemaError as error:
            yield f"the schema of what is {what} of its tokens is none ({error.message})"
            return
        if asked.get("type") != "object" or asked.get("additionalProperties") is not False:
            yield f'the schema of what is {what} of its tokens is not of an object with "additionalProperties": false'
        if not schemas.can_be_resolved(asked):
            yield f"the schema of what is {what} of its tokens refers to what is not there: put it in its place"
    if desk.answer.get("properties", {}).get("id", {}).get("type") != "string" or "id" not in desk.answer.get(
        "required", ()
    ):
        yield "each of its tokens must have an id, a text"


def _of_routes(connector: Connector) -> Iterator[str]:
    for route in connector.routes:
        if wrong := _wrong_with(route):
            yield f"{route.method} {route.path} {wrong}"
    if twice := _twice(f"{route.method} {route.path}" for route in connector.routes):
        yield f"two routes are {_listed(twice)}"


def _wrong_with(route: Route) -> str | None:
    if route.method not in _METHODS or not _PATH.fullmatch(route.path):
        return "is no address"
    if not 0 < route.most_bytes <= FORM_LIMIT:
        return f"takes bodies of {route.most_bytes} bytes; up to {FORM_LIMIT} can be"
    if (route.auth == "installation") != ("{installation}" in route.path):
        return "must have {installation} in its path where its auth is `installation`, and only there"
    if (route.auth == "installation") != (route.proven is not None):
        return "must be `proven` where its auth is `installation`, and only there"
    return "asks for a scope, and for no caller" if route.scope and route.auth != "bearer" else None


def _of_tables(connector: Connector) -> Iterator[str]:
    prefix = f"{connector.name}_"
    if strange := [table.name for table in connector.tables if not table.name.startswith(prefix)]:
        yield f"names of its tables must begin with {prefix}, not so {_listed(strange)}"
    if any(table.metadata is schema.metadata for table in connector.tables):
        yield "its tables must be in a MetaData of its own"
    if connector.tables and connector.migrations is None:
        yield "it has tables, and no migrations"
    if connector.migrations is not None:
        yield from _of_migrations(connector, prefix)


def _of_migrations(connector: Connector, prefix: str) -> Iterator[str]:
    folder = connector.migrations
    if folder is None or not folder.is_dir():
        yield f"there is no folder {folder}"
        return
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(folder))
    try:
        revisions = list(ScriptDirectory.from_config(config).walk_revisions())
    except Exception as error:  # noqa: BLE001 - it runs the package's own code
        yield f"its migrations can't be read ({type(error).__name__}: {error})"
        return
    if strange := [one.revision for one in revisions if not one.revision.startswith(prefix)]:
        yield f"ids of its revisions must begin with {prefix}, not so {_listed(strange)}"
    if not any(connector.name in one.branch_labels for one in revisions):
        yield f"its first revision must have branch_labels = ({connector.name!r},)"


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
