"""Where a command works: the settings, the hub in this process, and the client that talks to this one or to another."""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import click
from sqlalchemy.exc import InterfaceError, OperationalError

from core import Account, PeerError, Refused, accounts, beats, lanes, recovery
from hub import client, database, demo, logs, revisions
from hub.client import Client
from hub.faults import crash_at
from hub.health import SILENT_MS
from hub.roles import loops
from hub.roles.alone import alone, is_served
from hub.roles.supervisor import Supervisor
from hub.sealing import used
from hub.settings import Settings, read
from hub.wiring import Hub, compose

P = ParamSpec("P")
R = TypeVar("R")
STOP_S: Final = 6.0


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """What goes wrong in a command, as one clear line and an exit code: 1, or 2 for settings. A bug stays a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except Refused as refusal:
            kind = _SettingsFailure if refusal.code in _OF_SETTINGS else click.ClickException
            raise kind(explained(refusal)) from None
        except PeerError as error:
            raise click.ClickException(error.detail) from None
        except (OperationalError, InterfaceError) as error:
            raise click.ClickException(f"The database can't be reached: {_first_line(error)}") from None

    return run


class _SettingsFailure(click.ClickException):
    """Settings that can't be used: a code of its own, so that whatever restarts a process knows that it would do no good."""

    exit_code = 2


_OF_SETTINGS: Final = frozenset({"invalid_settings", "invalid_carriers", "invalid_tariff", "wrong_database"})


def explained(refusal: Refused) -> str:
    """A refusal as a line: the field, and the cure. Settings tell of every fault on lines of their own."""
    if refusal.code == "invalid_settings" or not refusal.faults:
        return refusal.detail
    return "; ".join(f"{_named(fault.pointer)}{fault.message}" for fault in refusal.faults)


def settings() -> Settings:
    """The settings of the environment, and logs as they say."""
    found = read(os.environ)
    logs.configure("warning" if found.log_level == "info" else found.log_level)
    return found


@dataclass(frozen=True, slots=True)
class Engine:
    """What does the work while a command waits: this command itself (`here`), or another process, which may go away."""

    here: bool
    is_up: Callable[[], bool]

    def check(self) -> None:
        """Refuses (`stopped`) to wait for nobody."""
        if not self.is_up():
            raise Refused("stopped", "The process that did the work has stopped: start `smshub serve`, and it goes on.")


@contextmanager
def local_hub(*, all_keys: bool = True) -> Iterator[Hub]:
    """The hub of these settings, in this process. An SQLite file is made or brought up to date, unless a process serves it.

    all_keys: refuse to work without a key that has sealed something.
    """
    known = settings()
    if os.environ.get("SMSHUB_URL") and not exists(known):
        detail = f"This is done where the hub's data is, and {known.data} has none: run it there, or set SMSHUB_DATA."
        raise Refused.at("SMSHUB_DATA", "no_data", detail)
    hub = compose(known, crash_at(os.environ.get("SMSHUB_CRASH_AT")))
    try:
        if known.sqlite and not is_served(known):
            database.upgrade(known.database_url, hub.lender.book.registry.branches)
        revisions.check(hub.runtime.database, hub.lender.book.registry)
        if all_keys:
            with hub.runtime.read() as tx:
                used.check(tx, hub.keys)
        yield hub
    finally:
        hub.close()


@contextmanager
def connected(account: str | None) -> Iterator[tuple[Client, Hub | None]]:
    """A client of the hub that SMSHUB_URL names, or of the local one; with the hub where it is local."""
    url, api_key = os.environ.get("SMSHUB_URL"), os.environ.get("SMSHUB_API_KEY")
    if url:
        if not api_key:
            raise Refused.at(
                "SMSHUB_API_KEY", "unauthenticated", f"is needed to talk to {url}: an API key of the account"
            )
        yield client.remote(url, api_key), None
        return
    check_there(settings())
    with local_hub() as hub:
        if api_key and not account:
            yield client.local_by_key(hub, api_key), hub
        else:
            yield client.local(hub, chosen(hub, account).id), hub


def chosen(hub: Hub, account: str | None) -> Account:
    """The account that was named; else the demo's, else the only one there is."""
    with hub.runtime.read() as tx:
        if account:
            return accounts.find(tx, account)
        known = accounts.everyone(tx, 20)
    made = demo.kept(hub.settings)
    found = [one for one in known if made and one.id == made.account_id] or known
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.name for one in known)
    missing = f"choose one of them: {names}" if known else "make one first: smshub account create NAME"
    raise (
        Refused.at("/account", "no_account", f"--account is needed: {missing}")
        if known
        else Refused("no_account", missing)
    )


@contextmanager
def working(hub: Hub | None) -> Iterator[Engine]:
    """The engine works meanwhile: elsewhere where a process serves this hub, else in this command."""
    if hub is None:
        yield Engine(here=False, is_up=lambda: True)
    elif served(hub):
        yield Engine(here=False, is_up=lambda: served(hub))
    elif hub.settings.sqlite:
        with alone(hub.settings):
            recovery.recover(hub.runtime)
            with _engine(hub) as engine:
                yield engine
    else:
        with _engine(hub) as engine:
            yield engine


@contextmanager
def _engine(hub: Hub) -> Iterator[Engine]:
    owner = loops.owner_of(hub.runtime)
    supervisor = Supervisor(hub.bell, (*loops.worker(hub, owner), loops.heartbeat(hub, "worker", owner)))
    supervisor.start()
    try:
        yield Engine(here=True, is_up=lambda: True)
    finally:
        supervisor.stop(STOP_S)
        lanes.give_back(hub.runtime, owner)


def served(hub: Hub) -> bool:
    """Whether processes work on this hub now."""
    if hub.settings.sqlite:
        return is_served(hub.settings)
    with hub.runtime.read() as tx:
        return tx.now - beats.latest(tx).get("worker", 0) < SILENT_MS


def check_there(known: Settings) -> None:
    """Refuses (`no_data`) an SQLite file that is not there: looking must not make one."""
    if not exists(known):
        detail = f"There is no hub in {known.data} yet: start one with `smshub serve`, or say where it is with SMSHUB_DATA or SMSHUB_URL."
        raise Refused.at("SMSHUB_DATA", "no_data", detail)


def exists(known: Settings) -> bool:
    """Whether there is a database, as far as that can be told without asking for it."""
    return not known.sqlite or Path(known.database_url.removeprefix("sqlite:///")).exists()


def _named(pointer: str) -> str:
    name = pointer.lstrip("/")
    return f"{name}: " if name else ""


def _first_line(error: Any) -> str:
    return str(error.orig or error).strip().splitlines()[0]
