"""What the operator sets up for customers: their kind and rights, the numbers that take replies, and which carrier serves whom."""

import click

from core import Refused, accounts, routing
from hub.commands.operate import ACTOR, account
from hub.commands.place import guarded, local_hub


@account.command("list")
@guarded
def list_accounts() -> None:
    """Every account with its kind and rights."""
    with local_hub() as hub, hub.runtime.read() as tx:
        for one in accounts.everyone(tx):
            otp = "  otp" if one.otp_granted else ""
            click.echo(f"{one.id}  {one.kind:12}  {one.region}  {one.name}{otp}")


@account.command("set")
@click.argument("name", metavar="ACCOUNT")
@click.option("--kind", type=click.Choice(accounts.KINDS), help="Marketing always carries the STOP mention.")
@click.option("--otp/--no-otp", default=None, help="Whether it may send one-time passwords, which pass opt-outs.")
@click.option("--email", help="Where alerts go; empty for nowhere.")
@guarded
def set_account(name: str, kind: str | None, otp: bool | None, email: str | None) -> None:
    """Change what only the operator may; each change is kept in the audit trail."""
    if kind is None and otp is None and email is None:
        raise click.UsageError("Say what to set: --kind, --otp or --email.")
    with local_hub() as hub, hub.runtime.begin() as tx:
        found = accounts.find(tx, name)
        if kind is not None:
            accounts.become(tx, found.id, kind, ACTOR)
        if otp is not None:
            accounts.grant_otp(tx, found.id, granted=otp, actor=ACTOR)
        if email is not None:
            accounts.set_email(tx, found.id, email or None, ACTOR)
        now = accounts.get(tx, found.id)
    rights = "may send one-time passwords" if now.otp_granted else "may not send one-time passwords"
    click.echo(f"{now.name}: {now.kind}, {rights}, alerts go to {now.email or 'nobody'}.")


@click.group("number")
def number_group() -> None:
    """Short codes and numbers that take replies."""


@number_group.command("add")
@click.argument("number")
@click.option("--carrier", required=True, help="Through which replies to it come.")
@click.option("--country", required=True, help="ISO 3166 code, such as FR.")
@click.option("--account", "owner", help="Whose alone it is; shared by all otherwise.")
@guarded
def add_number(number: str, carrier: str, country: str, owner: str | None) -> None:
    """Declare a number. Its owner may send from it, and hears what is answered to it."""
    digits = number.removeprefix("+")
    if not digits.isdecimal():
        raise Refused.at("NUMBER", "invalid_number", "A number that takes replies is digits only, such as 36034.")
    with local_hub() as hub, hub.runtime.begin() as tx:
        _known(carrier, list(hub.runtime.carriers))
        account_id = accounts.find(tx, owner).id if owner else None
        accounts.add_inbound_number(tx, digits, carrier, country.upper(), account_id)
    click.echo(f"{digits} takes replies, for {owner or 'all accounts'}.")


@click.group("route")
def route_group() -> None:
    """Which carriers serve which country and purpose."""


@route_group.command("set")
@click.argument("carriers", nargs=-1, required=True)
@click.option("--country", default=routing.ANY, show_default=True)
@click.option("--purpose", default=routing.ANY, show_default=True)
@guarded
def set_route(carriers: tuple[str, ...], country: str, purpose: str) -> None:
    """Send COUNTRY and PURPOSE (* for any) through CARRIERS, the first that is there. Messages queued already keep theirs."""
    with local_hub() as hub, hub.runtime.begin() as tx:
        for carrier in carriers:
            _known(carrier, list(hub.runtime.carriers))
        routing.set_route(tx, country.upper(), purpose, carriers)
        accounts.record(tx, None, ACTOR, "route.set", {"country": country, "purpose": purpose, "carriers": carriers})
    click.echo(f"{country} {purpose}: {', '.join(carriers)}")


@route_group.command("list")
@guarded
def list_routes() -> None:
    """Every route; the most particular one decides."""
    with local_hub() as hub, hub.runtime.read() as tx:
        found = routing.listed(tx)
    for (country, purpose), carriers in sorted(found.items()):
        click.echo(f"{country} {purpose}: {', '.join(carriers)}")
    if not found:
        click.echo("No routes: everything goes through the first carrier.")


def _known(carrier: str, names: list[str]) -> None:
    if carrier not in names:
        raise Refused.at("CARRIER", "unknown_carrier", f"There is no carrier {carrier}; there are: {', '.join(names)}.")
