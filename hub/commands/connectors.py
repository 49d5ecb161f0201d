"""Connectors from the command line: which there are, installing one for an account, forgetting one that is gone, and their own commands."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from typing import IO, Any, Final
from urllib.parse import quote

import click

from connectors.contract import Command, Connector, Visit
from core import Refused, outages
from hub import logs, revisions
from hub.client import Client
from hub.commands.operate import ACTOR
from hub.commands.place import connected, exists, guarded, local_hub, settings
from hub.connections import book as connections
from hub.database import strangers_among
from hub.installations import forgetting
from hub.registry import Registry
from hub.settings import Settings
from hub.wiring import compose, offline
from hub.wiring import connectors as found_connectors

WAYS: Final[Mapping[str, str]] = {
    "oauth": "by consent",
    "settings": "by its settings",
    "flow": "from the other side",
}


@click.group("connectors", invoke_without_command=True)
@click.pass_context
@guarded
def connectors_group(context: click.Context) -> None:
    """The connectors of this hub, and how they are."""
    if context.invoked_subcommand is None:
        click.echo("\n".join(_elsewhere() if os.environ.get("SMSHUB_URL") else _here()))


@connectors_group.command()
@click.argument("name")
@click.option("--account", metavar="ID", help="For whom (an id, or a name).")
@click.option("--settings", "file", type=click.File(), help="Its settings, a JSON file; - for standard input.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@guarded
def install(name: str, account: str | None, file: IO[str] | None, *, as_json: bool) -> None:
    """Install the connector NAME for an account."""
    asked = {"connector": name, "settings": _json(file, "/settings") if file else {}}
    with connected(account) as (api, here):
        if here is None and account:
            _check_whose(api, account)
        made = api.post("/installations", asked)
    if as_json:
        click.echo(json.dumps({"installation_id": made["id"], **made}))
    else:
        click.echo(f"installation_id  {made['id']}\nconnector        {made['connector']}")


@connectors_group.command()
@click.argument("name")
@click.option("--account", metavar="ID", help="Whose installation (an id, or a name).")
@click.option("--new", "file", type=click.File(), help="Make one, as this JSON file says; - for standard input.")
@click.option("--revoke", "token_id", metavar="ID", help="Revoke the one with this id.")
@guarded
def tokens(name: str, account: str | None, file: IO[str] | None, token_id: str | None) -> None:
    """The tokens that an account's installation of NAME handed out, a line of JSON each. The secret is in what --new prints, this once."""
    if file and token_id:
        raise click.UsageError("Give --new or --revoke, not both.")
    with connected(account) as (api, here):
        if here is None and account:
            _check_whose(api, account)
        path = f"/installations/{_installed(api, name)}/tokens"
        if token_id:
            api.delete(f"{path}/{quote(token_id, safe='')}")
            told: Iterable[Any] = ()
        else:
            told = [api.post_once(path, _json(file, "/new"))] if file else list(api.every(path))
    for one in told:
        click.echo(json.dumps(one))


def _installed(api: Client, name: str) -> str:
    """The account's installation of this connector. Refuses with `not_found`."""
    found = next((one["id"] for one in api.every("/installations") if one["connector"] == name), None)
    if found is None:
        raise Refused.at("/connector", "not_found", f"{name} is not installed for this account.")
    return str(found)


@connectors_group.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@guarded
def forget(name: str, *, yes: bool) -> None:
    """Drop the tables and installations that the connector NAME left behind when its package was uninstalled."""
    if not yes:
        click.confirm(f"Drop all tables and installations of {name} for good?", abort=True)
    with local_hub() as hub, hub.runtime.begin() as tx:
        left = forgetting.forget(tx, hub.lender.book.registry, name, connections.forget, ACTOR)
    click.echo(f"{name} is forgotten: {len(left.tables)} table(s), {left.installations} installation(s).")


def _check_whose(api: Client, account: str) -> None:
    """Refuses (`forbidden`) where the key of a hub elsewhere is another account's: it would be installed for that one."""
    me = api.get("/me")
    if account not in (me["account_id"], me["account_name"]):
        raise Refused.at("/account", "forbidden", f"SMSHUB_API_KEY is a key of {me['account_name']}, not of {account}.")


def _json(file: IO[str], pointer: str) -> Any:
    try:
        return json.load(file)
    except ValueError as wrong:
        raise Refused.at(pointer, "invalid_json", f"{file.name} is not JSON: {wrong}") from None


def _elsewhere() -> Iterator[str]:
    """As the hub that SMSHUB_URL names tells of them."""
    with connected(None) as (api, _):
        for one in api.get("/connectors?limit=200")["items"]:
            health = one["health"]
            state = f"installed, {health['status']}" if health else "not installed"
            yield _line(one["name"], one["title"], WAYS[one["auth"]], state)
            yield from (f"    {reason}" for reason in (health["reasons"] if health else ()))


def _here() -> Iterator[str]:
    known = settings()
    registry = found_connectors()
    counts, gone = _kept(known, registry) if exists(known) else ({}, [])
    for connector in registry.connectors:
        installed = f", {counts.get(connector.name, 0)} installation(s)" if connector.auth != "oauth" else ""
        yield _line(connector.name, connector.title, WAYS[connector.auth], f"ready{installed}")
    for broken in registry.broken:
        yield _line(broken.name, broken.origin, "left out", broken.reason)
        yield f"    {broken.cure}"
    for name in gone:
        yield _line(name, "", "gone", revisions.cure_of(name))


def _kept(known: Settings, registry: Registry) -> tuple[Mapping[str, int], Sequence[str]]:
    """Installations by connector, and the connectors that are gone; nothing where the database can't be read."""
    hub = compose(known)
    try:
        with closing(hub), hub.runtime.read() as tx:
            counts = hub.lender.book.count(tx)
            left = strangers_among(tx.connection, registry.branches)
    except outages.ERRORS as error:
        click.echo(f"The database can't be read ({type(error).__name__}): installations are not counted.", err=True)
        return {}, []
    return counts, sorted({*left, *(name for name in counts if registry.find(name) is None)})


def _line(name: str, title: str, way: str, state: str) -> str:
    return f"{name:<12} {title:<20} {way:<20} {state}".rstrip()


# Commands of connectors


@cache
def groups() -> Mapping[str, click.Group]:
    """A group for each connector that has commands: `smshub <connector> <command>`."""
    logs.configure("warning")
    return {connector.name: _group(connector) for connector in found_connectors().connectors if connector.commands}


def _group(connector: Connector) -> click.Group:
    made = click.Group(connector.name, help=connector.description)
    for command in connector.commands:
        made.add_command(_command(connector, command))
    return made


def _command(connector: Connector, command: Command) -> click.Command:
    places = {f"option_{place}": name for place, name in enumerate(command.options)}
    options = [click.Option([place, f"--{name}"], help=command.options[name]) for place, name in places.items()]

    @guarded
    def run(**given: str | None) -> None:
        with _visit(connector, command) as visit:
            for line in command.run(visit, {name: given[place] for place, name in places.items()}):
                click.echo(line)

    return click.Command(command.name, params=list(options), callback=run, help=command.summary)


@contextmanager
def _visit(connector: Connector, command: Command) -> Iterator[Visit]:
    if command.offline:
        yield offline(settings()).visit(connector)
        return
    with local_hub() as hub:
        yield hub.lender.visit(connector)
