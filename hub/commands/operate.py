"""What only the operator does, on the hub's own database: accounts, credits, pauses, people, migrations, checks."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Final

import click
from sqlalchemy import select

from core import Database, Refused, Tx, accounts, check, chunks, ledger, schema, tariff
from hub import database
from hub.api.keys import new_secret
from hub.api.schemas import is_id
from hub.api.show import iso
from hub.commands.place import check_there, guarded, local_hub, settings
from hub.revisions import cure_of, is_current, is_newer, strangers
from hub.sealing import used
from hub.wiring import Hub, compose, connectors

Command = Callable[..., Any]
ACTOR: Final = "operator"
NEWER: Final = "a newer version has upgraded it: this one goes on with it as it is"


@click.group()
def db() -> None:
    """The database."""


@db.command()
@guarded
def upgrade() -> None:
    """Bring the tables to this version's revision. May be run again at any time."""
    known = settings()
    branches = connectors().branches
    database.upgrade(known.database_url, branches)
    with closing(Database(known.database_url)) as there:
        click.echo(f"The database: {NEWER if is_newer(there, branches) else 'at the newest revision'}.")


@click.command("check")
@click.option("--ledger", "money", is_flag=True, help="Count all money and messages again, and compare.")
@guarded
def check_command(*, money: bool) -> None:
    """Look after the settings, the database and the carriers; exit 1 if anything is wrong."""
    known = settings()
    check_there(known)
    hub = compose(known)
    try:
        wrong = list(_checked(hub, money=money))
    finally:
        hub.close()
    if wrong:
        raise click.ClickException("\n  ".join((f"{len(wrong)} thing(s) are wrong:", *wrong)))


def _checked(hub: Hub, *, money: bool) -> Iterator[str]:
    click.echo("settings: sound")
    if not is_current(hub.runtime.database, hub.lender.book.registry):
        yield "database: not at this version's revision; run `smshub db upgrade`"
        return
    newer = is_newer(hub.runtime.database, hub.lender.book.registry.branches)
    click.echo(f"database: {hub.runtime.database.dialect}, {NEWER if newer else 'at the newest revision'}")
    with hub.runtime.read() as tx:
        lost = used.missing(tx, hub.keys)
        for one in chunks.paused(tx):
            click.echo(f"paused: {one.kind} {one.subject}".rstrip() + f", since {iso(one.created_at)} ({one.reason})")
    if lost:
        yield f"SMSHUB_SECRET_KEYS: {used.explained(lost, hub.keys)}"
    for name, carrier in hub.runtime.carriers.items():
        traits = carrier.traits
        pace = "as fast as it takes them" if traits.per_second is None else f"{traits.per_second:g} segments a second"
        click.echo(f"carrier {name}: {'real' if traits.real else 'simulated'}, {pace}, {traits.lanes} lane(s)")
    registry = hub.lender.book.registry
    for connector in registry.connectors:
        click.echo(f"connector {connector.name}: sound")
    for name in strangers(hub.runtime.database, registry):
        click.echo(f"connector {name}: gone; {cure_of(name)}")
    yield from (one.sentence for one in registry.broken)
    if money:
        yield from _counted(hub)


def _counted(hub: Hub) -> Iterator[str]:
    found = check.everything(hub.runtime)
    if not found:
        click.echo("ledger: every account, message and counter agrees")
    for one in found:
        yield f"{one.promise} ({one.subject}): {one.found}, and should be {one.expected}"


@click.group()
def account() -> None:
    """Customers."""


@account.command("create")
@click.argument("name")
@click.option("--kind", type=click.Choice(accounts.KINDS), default="marketing", show_default=True)
@click.option("--credits", "given", default="0", metavar="N", help="Credits to begin with.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@guarded
def create_account(name: str, kind: str, given: str, *, as_json: bool) -> None:
    """A new account and its first API key, which is shown this once."""
    millicredits = _millicredits(given)
    with local_hub() as hub:
        secret = new_secret(hub.runtime)
        with hub.runtime.begin() as tx:
            made = accounts.create(tx, name, kind=kind, actor=ACTOR)
            if millicredits:
                ledger.grant(tx, made.id, millicredits, "opening", ACTOR)
            accounts.create_key(tx, made.id, "first key", accounts.SCOPES, secret, ACTOR)
    if as_json:
        click.echo(json.dumps({"account_id": made.id, "api_key": secret}))
    else:
        click.echo(f"account_id  {made.id}\napi_key     {secret}")


@click.group("credits")
def credits_group() -> None:
    """Credits of accounts."""


@credits_group.command()
@click.argument("account")
@click.argument("credits", metavar="N")
@click.option("--reason", required=True, help="Kept with the transfer.")
@guarded
def grant(account: str, credits: str, reason: str) -> None:  # noqa: A002 - click names it after the argument
    """Give N credits to ACCOUNT (an id, or a name)."""
    millicredits = _millicredits(credits)
    with local_hub() as hub, hub.runtime.begin() as tx:
        found = accounts.find(tx, account)
        ledger.grant(tx, found.id, millicredits, reason, ACTOR)
        has = tariff.from_millicredits(ledger.balance(tx, found.id).available)
    click.echo(f"{found.name} was given {tariff.from_millicredits(millicredits):,} credits and has {has:,} now.")


def _what(command: Command) -> Command:
    for name, meta, text in (
        ("--campaign", "ID", "This campaign."),
        ("--carrier", "C", "This carrier."),
        ("--account", "A", "This account (an id, or a name)."),
    ):
        command = click.option(name, metavar=meta, help=text)(command)
    return command


@click.command()
@_what
@guarded
def pause(account: str | None, carrier: str | None, campaign: str | None) -> None:
    """Claim nothing more of an account, a carrier or a campaign; of the whole hub without an option."""
    with local_hub() as hub, hub.runtime.begin() as tx:
        kind, subject, name = _subject(hub, tx, account, carrier, campaign)
        chunks.pause(tx, kind, subject, ACTOR)
        accounts.record(tx, None, ACTOR, "paused", {"kind": kind, "subject": subject})
    click.echo(f"Paused: {name}. What is in flight goes on; nothing more is sent until `smshub resume`.")


@click.command()
@_what
@guarded
def resume(account: str | None, carrier: str | None, campaign: str | None) -> None:
    """Go on with what was paused, by the same options."""
    with local_hub() as hub, hub.runtime.begin() as tx:
        kind, subject, name = _subject(hub, tx, account, carrier, campaign)
        was = chunks.resume(tx, kind, subject)
        accounts.record(tx, None, ACTOR, "resumed", {"kind": kind, "subject": subject})
    click.echo(f"Resumed: {name}." if was else f"It was not paused: {name}.")


def _subject(hub: Hub, tx: Tx, account: str | None, carrier: str | None, campaign: str | None) -> tuple[str, str, str]:
    """Kind, subject and name of what is meant. Refuses several at once, and what there is not."""
    if len([one for one in (account, carrier, campaign) if one]) > 1:
        raise click.UsageError("Give one of --account, --carrier and --campaign, or none for the whole hub.")
    if account:
        found = accounts.find(tx, account)
        return "account", found.id, f"account {found.name}"
    if carrier:
        if carrier not in hub.runtime.carriers:
            known = ", ".join(hub.runtime.carriers)
            raise Refused.at("/carrier", "not_found", f"there is no carrier {carrier!r}: the carriers are {known}")
        return "carrier", carrier, f"carrier {carrier}"
    if campaign:
        id_ = _campaign(tx, campaign)
        return "campaign", id_, f"campaign {id_}"
    return "hub", "", "the whole hub"


def _campaign(tx: Tx, wanted: str) -> str:
    id_ = wanted.lower()
    known = schema.campaigns
    row = tx.one(select(known.c.id).where(known.c.id == id_)) if is_id(id_) else None
    if row is None:
        raise Refused.at("/campaign", "not_found", f"there is no campaign {wanted!r}: give its id")
    return id_


def _millicredits(text: str) -> int:
    try:
        return tariff.to_millicredits(text)
    except Refused as refusal:
        raise refusal.about("/credits") from None
