"""Sending: one message, or a campaign to the numbers of a file."""

from collections.abc import Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from core import Refused, wall_clock
from hub.api.show import iso
from hub.client import Client
from hub.commands.place import Engine, connected, guarded, working

LOOK_S: Final = 0.1
SHORT_S: Final = 1.0  # for a person at the terminal: most messages are sent by then
LONG_S: Final = 15.0  # where this command is the engine, and a lost answer may have to be looked up
BAR: Final = 30
GROUPS: Final = {
    "success": "green",
    "waiting": "blue",
    "temporary": "yellow",
    "permanent": "red",
    "blacklisted": "magenta",
}

_account = click.option(
    "--account", metavar="A", help="For which account (an id, or a name), where the hub is local and has several."
)


@click.command("send")
@click.option(
    "--to", required=True, metavar="N", help="The number, as people of the account's region write it, or with +."
)
@click.option("--text", required=True, metavar="T")
@click.option("--sender", metavar="S", help="A name of up to 11 letters, or a number of the account.")
@click.option("--purpose", type=click.Choice(("marketing", "notification", "otp")))
@click.option("--reference", metavar="R", help="Your own reference.")
@_account
@guarded
def send(account: str | None, **given: str | None) -> None:
    """Send one message."""
    draft = {name: value for name, value in given.items() if value is not None}
    with connected(account) as (client, hub), working(hub) as engine:
        made = client.post("/messages", draft)
        found = _after(client, made, LONG_S if engine.here else SHORT_S)
    click.echo(
        f"{found['status']}  {found['to']}  {found['segments']} segment(s), {found['credits']} credit(s)  {found['id']}"
    )
    if found["status"] in ("blacklisted", "rejected", "no_credit"):
        raise click.ClickException(
            f"It was not sent: {found['status_detail'] or found['carrier_code'] or found['status']}."
        )


def _after(client: Client, message: Mapping[str, Any], seconds: float) -> Mapping[str, Any]:
    """The message once its carrier has answered, or as it is when the time is up."""
    ends = monotonic() + seconds
    while message["status"] in ("queued", "sending", "unknown") and not message["status_detail"] and monotonic() < ends:
        sleep(LOOK_S / 2)
        message = client.get(f"/messages/{message['id']}")
    return message


@click.group()
def campaign() -> None:
    """Campaigns."""


@campaign.command("send")
@click.option(
    "--csv",
    "file",
    required=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A csv, xls or xlsx file; its columns (number, nom, prenom, email, societe) are found out.",
)
@click.option("--text", required=True, metavar="T", help="With $nom, $prenom, $email and $societe.")
@click.option("--name", metavar="N", help="The file's name unless told otherwise.")
@click.option("--sender", metavar="S", help="A name of up to 11 letters, or a number of the account.")
@click.option("--wait", is_flag=True, help="Until it is finished; then show the report.")
@_account
@guarded
def send_campaign(
    file: Path, text: str, name: str | None, sender: str | None, account: str | None, *, wait: bool
) -> None:
    """Import the numbers of FILE into a group of their own, and send T to them."""
    console = Console(stderr=True)
    with connected(account) as (client, hub), working(hub) as engine:
        to_the_end = wait or engine.here
        if engine.here:
            console.print(
                "No smshub serve is running here: this command does the work itself, to the end.",
                style="dim",
                soft_wrap=True,
            )
        called = name or file.stem
        with _bars(console) as bars:
            group_id = _import(client, engine, file, called, bars)
            draft = {"name": called, "text": text, "groups": [group_id]} | ({"sender": sender} if sender else {})
            made = client.post("/campaigns", draft)
            found = _watch(client, engine, made, bars) if to_the_end else made
        report = client.get(f"/campaigns/{found['id']}/report") if to_the_end else None
    if report is None:
        click.echo(f"{found['status']}  {found['id']}")
        return
    _show(Console(), report)
    if report["status_detail"]:
        raise click.ClickException(f"The campaign was not sent: {report['status_detail']}.")


def _import(client: Client, engine: Engine, file: Path, called: str, bars: Progress) -> str:
    """The id of the group that has the numbers of the file, and no others. Refuses a file without any that can be texted."""
    group = f"{called[:70]}, {iso(wall_clock())}"
    job = client.upload("/imports", file, {"group_name": group})
    task = bars.add_task("Importing", total=job["total"])
    while job["status"] in ("queued", "running"):
        engine.check()
        sleep(LOOK_S)
        job = client.get(f"/imports/{job['id']}")
        bars.update(task, completed=job["done"])
    if job["status"] == "failed":
        raise Refused.at("/csv", "unreadable_file", str(job["problem"]))
    if job["rejected"]:
        bars.console.print(
            f"{job['rejected']} row(s) were not taken: GET /api/v1/imports/{job['id']}/errors.csv says why.",
            style="yellow",
            soft_wrap=True,
        )
    if job["created"] + job["updated"] == 0:
        raise Refused.at("/csv", "no_recipients", "no row has a number that can be texted")
    return str(job["group_id"])


def _watch(client: Client, engine: Engine, campaign: Mapping[str, Any], bars: Progress) -> Mapping[str, Any]:
    expanding = bars.add_task("Preparing", total=None)
    sending: TaskID | None = None
    while campaign["status"] in ("scheduled", "expanding", "sending"):
        engine.check()
        sleep(LOOK_S)
        campaign = client.get(f"/campaigns/{campaign['id']}")
        progress = campaign["progress"]
        bars.update(
            expanding, total=max(progress["total"], progress["expanded"]) or None, completed=progress["expanded"]
        )
        if campaign["status"] != "expanding":
            sending = bars.add_task("Sending", total=progress["expanded"]) if sending is None else sending
            bars.update(sending, completed=progress["done"])
    return campaign


def _bars(console: Console) -> Progress:
    columns = (TextColumn("{task.description:<10}"), BarColumn(BAR), MofNCompleteColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _show(console: Console, report: Mapping[str, Any]) -> None:
    summary, figures = report["summary"], report["statistics"]
    table = Table(
        title=f"{summary['name']}: {summary['contacts']:,} recipients, {summary['credits']:,} credits",
        title_justify="left",
    )
    for name, align in (("", "left"), ("", "left"), ("messages", "right"), ("%", "right")):
        table.add_column(name, justify=align)  # type: ignore[arg-type]
    for group, colour in GROUPS.items():
        found = figures[group]
        bar = "█" * round(BAR * found["rate"] / 100)
        table.add_row(group, f"[{colour}]{bar:<{BAR}}[/]", f"{found['count']:,}", f"{found['rate']:.2f}")
    console.print(table)
    for reason, count in figures["apart"].items():
        console.print(f"{reason}: {count:,}")
    console.print(f"campaign {report['id']}, {report['status']}")
