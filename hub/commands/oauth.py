"""Applications that may ask people of the hub for access: registered here, and nowhere else."""

import json

import click

from core import accounts
from hub.commands.operate import ACTOR
from hub.commands.place import guarded, local_hub
from hub.oauth import clients
from hub.oauth.clients import Client, Wanted


@click.group("oauth")
def oauth() -> None:
    """Applications that act for people of this hub (OAuth 2)."""


@oauth.group("client")
def client_group() -> None:
    """The applications."""


@client_group.command("create")
@click.argument("name")
@click.argument("more", nargs=-1, metavar="")
@click.option(
    "--redirect-uri", "redirect_uris", multiple=True, help="Where people are sent back to; several may follow."
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="What it may ask for at most; several may follow.",
)
@click.option("--public", is_flag=True, help="A program on people's machines, which can keep no secret.")
@click.option("--connector", help="The connector that it belongs to: its messages carry that name.")
@click.option("--account", "owner", help="An account that it may act for by itself, without a person.")
@click.option("--id", "client_id", help="Its client_id, where that must be the same at several hubs; drawn otherwise.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@guarded
def create(  # noqa: PLR0913 - the words of its line
    name: str,
    more: tuple[str, ...],
    redirect_uris: tuple[str, ...],
    scopes: tuple[str, ...],
    connector: str | None,
    owner: str | None,
    client_id: str | None,
    *,
    public: bool,
    as_json: bool,
) -> None:
    """Register NAME. Its secret is shown this once."""
    addresses = [*redirect_uris, *(word for word in more if ":/" in word)]
    wanted = " ".join((*scopes, *(word for word in more if ":/" not in word))).replace(",", " ").split()
    with local_hub() as hub, hub.runtime.begin() as tx:
        account_id = accounts.find(tx, owner).id if owner else None
        asked = Wanted(name, addresses, wanted, public, connector, account_id, client_id)
        made, secret = clients.create(hub.runtime, tx, asked, ACTOR)
    _show(made, secret, as_json=as_json)


@client_group.command("list")
@guarded
def list_clients() -> None:
    """Every application, the oldest first."""
    with local_hub() as hub, hub.runtime.read() as tx:
        found = clients.everyone(tx)
    for one in found:
        kind = "public" if one.public else "secret"
        click.echo(f"{one.id}  {kind}  {one.name}\n    {one.scopes}")
        for uri in one.redirect_uris:
            click.echo(f"    {uri}")
    if not found:
        click.echo("There is no application.")


@client_group.command("delete")
@click.argument("client")
@guarded
def delete(client: str) -> None:
    """Shut CLIENT (an id, or a name) out, with everything that people let it do."""
    with local_hub() as hub, hub.runtime.begin() as tx:
        gone = clients.delete(tx, client, ACTOR)
    click.echo(f"{gone.name} ({gone.id}) is shut out.")


@client_group.command("rotate-secret")
@click.argument("client")
@click.option(
    "--at-once", is_flag=True, help="The secret before opens nothing any more; it works for another 24 hours otherwise."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@guarded
def rotate_secret(client: str, *, at_once: bool, as_json: bool) -> None:
    """Give CLIENT (an id, or a name) a new secret, which is shown this once."""
    with local_hub() as hub, hub.runtime.begin() as tx:
        known = clients.get(tx, client)
        secret = clients.rotate(hub.runtime, tx, known.id, ACTOR, at_once=at_once)
    _show(known, secret, as_json=as_json)


def _show(client: Client, secret: str | None, *, as_json: bool) -> None:
    shown = {"client_id": client.id} | ({"client_secret": secret} if secret else {})
    click.echo(json.dumps(shown) if as_json else "\n".join(f"{name:14} {value}" for name, value in shown.items()))
