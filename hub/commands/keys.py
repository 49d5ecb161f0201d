"""The operator's secret keys (SMSHUB_SECRET_KEYS): which seal what, sealing everything anew under the first, and a key that was lost."""

from collections.abc import Iterator
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from core import Refused, accounts
from hub.commands.operate import ACTOR
from hub.commands.place import guarded, local_hub, served
from hub.sealing import rotation, used
from hub.sealing.rotation import Rotation
from hub.secrets import Keys
from hub.wiring import Hub

BAR: Final = 30


@click.group("keys")
def keys_group() -> None:
    """The keys that seal secrets."""


@keys_group.command("list")
@guarded
def list_keys() -> None:
    """Each key by its id, and how many secrets it seals. The keys themselves are never shown."""
    with local_hub(all_keys=False) as hub, hub.runtime.read() as tx:
        sealing = rotation.by_key(rotation.count(tx))
        lost = frozenset(used.given_up(tx))
    for key_id in dict.fromkeys((*hub.keys.by_id, *sorted(sealing))):
        click.echo(f"{key_id}  {sealing[key_id]:>9,} sealed  {_said(key_id, sealing[key_id], hub.keys, lost)}")


def _said(key_id: str, count: int, keys: Keys, lost: frozenset[str]) -> str:
    if key_id == keys.first:
        return "the first: it seals"
    if key_id in keys.by_id:
        return "opens what it sealed, until `smshub keys rotate`" if count else "may be taken away"
    if key_id in lost:
        return "given up: what it sealed stays closed"
    return f"not in SMSHUB_SECRET_KEYS: put it back, or `smshub keys give-up {key_id}`"


@keys_group.command("rotate")
@guarded
def rotate() -> None:
    """Seal everything anew under the first of SMSHUB_SECRET_KEYS. The hub runs meanwhile; after an interruption run it again."""
    console = Console(stderr=True)
    with local_hub(all_keys=False) as hub:
        _check_started(hub)
        with _bars(console) as bars:
            task = bars.add_task("Sealing", total=_older(hub))
            done = rotation.rotate(hub.runtime, hub.keys, lambda count: bars.advance(task, count))
        resealed = sum(done.resealed.values())
        with hub.runtime.begin() as tx:
            facts = {"first": hub.keys.first, "resealed": resealed, "closed": done.closed_count}
            accounts.record(tx, None, ACTOR, "keys.rotated", facts)
    click.echo("\n".join(_told(done, hub.keys)))
    if not done.whole:
        raise click.ClickException(
            "Not everything is sealed under the first key: mend what is said above, and run it again."
        )


def _check_started(hub: Hub) -> None:
    """Refuses (`not_restarted`) to seal under a key that no process of a hub that runs was started with: they could open nothing."""
    with hub.runtime.read() as tx:
        known = used.is_known(tx, hub.keys.first)
    if not known and served(hub):
        detail = (
            f"The hub runs, and none of its processes was started with the first key ({hub.keys.first}): they could not open what "
            "is sealed under it. Restart them with these SMSHUB_SECRET_KEYS first."
        )
        raise Refused.at("SMSHUB_SECRET_KEYS", "not_restarted", detail)


def _older(hub: Hub) -> int:
    """How many secrets there are to seal anew."""
    with hub.runtime.read() as tx:
        sealing = rotation.by_key(rotation.count(tx))
    return sum(count for key_id, count in sealing.items() if key_id in hub.keys.by_id and key_id != hub.keys.first)


def _told(done: Rotation, keys: Keys) -> Iterator[str]:
    places = ", ".join(f"{place} {count:,}" for place, count in sorted(done.resealed.items()) if count)
    yield f"Sealed anew under the key {keys.first}: {sum(done.resealed.values()):,}{f' ({places})' if places else ''}."
    yield f"Sealed under it before: {done.current:,}."
    if done.closed_count:
        yield f"Could not be opened: {done.closed_count:,}."
        yield from (f"  {one.place} of {one.row_id}: {one.why}" for one in done.closed)
        if done.closed_count > len(done.closed):
            yield "  ..."
    if done.given_up:
        yield f"Stay closed, as their keys were given up: {done.given_up:,}."
    if done.behind:
        yield f"Sealed with an older key meanwhile: {done.behind:,} in the last round. A process still has one first: restart it."
    if gone := [key_id for key_id in done.retired if key_id in keys.by_id]:
        yield f"Seal nothing any more, and may be taken away: {', '.join(gone)}."


@keys_group.command("give-up")
@click.argument("key_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@guarded
def give_up(key_id: str, *, yes: bool) -> None:
    """Say that the key ID is lost for ever: the hub starts without it, and what it sealed stays closed until the key is found."""
    with local_hub(all_keys=False) as hub:
        if key_id in hub.keys.by_id:
            raise Refused.at("/id", "key_in_use", f"{key_id} is among SMSHUB_SECRET_KEYS: it is not lost")
        with hub.runtime.read() as tx:
            count = rotation.by_key(rotation.count(tx))[key_id]
        if not yes:
            click.confirm(f"{count:,} secrets are sealed under it. Give them up?", abort=True, err=True)
        with hub.runtime.begin() as tx:
            if not used.give_up(tx, key_id):
                raise Refused.at(
                    "/id", "not_found", f"no key {key_id} is missing: `smshub keys list` shows which there are"
                )
            accounts.record(tx, None, ACTOR, "keys.given_up", {"key": key_id, "secrets": count})
    click.echo(f"{key_id} was given up. Whose secrets they are, docs/operations.md says in its section on keys.")


def _bars(console: Console) -> Progress:
    columns = (TextColumn("{task.description:<10}"), BarColumn(BAR), MofNCompleteColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)
