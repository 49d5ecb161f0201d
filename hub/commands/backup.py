"""Backups of the hub's own database, and what to do once one was brought back."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click

from core import Refused, accounts, restored
from hub.api.show import iso
from hub.commands.operate import ACTOR
from hub.commands.place import check_there, guarded, local_hub, settings

_PG: str = "Back a PostgreSQL up with its own tools (pg_dump, pg_basebackup; docs/operations.md): this command copies an SQLite file."


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@guarded
def backup(file: Path) -> None:
    """Copy the SQLite database to FILE, whole and of one moment, while the hub works."""
    known = settings()
    if not known.sqlite:
        raise Refused("wrong_database", _PG)
    check_there(known)
    if file.exists():
        raise Refused("file_exists", f"{file} exists already: choose another name, so that no backup is lost.")
    live = known.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(live)) as source, closing(sqlite3.connect(file)) as copy:
        source.backup(copy, pages=1000)
    click.echo(f"The database is in {file} ({file.stat().st_size / 1_000_000:,.1f} MB).")


@click.command("restored")
@click.option("--look-up", is_flag=True, help="Ask the carriers about everything that was queued then.")
@click.option("--assume-sent", is_flag=True, help="With --look-up: also doubt what no carrier can be asked about.")
@guarded
def restored_command(*, look_up: bool, assume_sent: bool) -> None:
    """How things stand after a backup was brought back: nothing is sent until `smshub resume`."""
    if assume_sent and not look_up:
        raise click.UsageError("--assume-sent goes with --look-up.")
    with local_hub() as hub:
        done = 0
        while look_up and (more := restored.doubt(hub.runtime, blind=assume_sent)):
            done += more
            click.echo(f"\r{done:,} messages are in doubt now", nl=False, err=True)
        with hub.runtime.begin() as tx:
            found = restored.standing(tx)
            if done:
                accounts.record(tx, None, ACTOR, "restored.looked_up", {"messages": done, "assume_sent": assume_sent})
        askable = {name for name, carrier in hub.runtime.carriers.items() if carrier.traits.looks_up}
    click.echo("\n".join(_told(found, askable)))


def _told(found: restored.Standing | None, askable: set[str]) -> Iterator[str]:
    if found is None:
        yield "Sending does not wait: this database was not brought back, or was resumed since."
        return
    yield f"This database was brought back; it was noticed at {iso(found.since)}. Nothing is sent until `smshub resume`."
    yield f"  being looked up  {found.unknown:>9,}"
    for carrier, count in sorted(found.queued.items()):
        cure = "--look-up asks it" if carrier in askable else "it cannot be asked: resume sends them, perhaps again"
        yield f"  queued           {count:>9,}   carrier {carrier}; {cure}"
    for campaign in found.campaigns:
        yield f"  campaign {campaign} may have been sent meanwhile: cancel it, or `smshub resume --campaign {campaign}`"
    if found.unknown:
        yield "Ask again in a minute; resume when nothing is being looked up any more."
