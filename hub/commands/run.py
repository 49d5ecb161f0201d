"""Processes: serve, web, worker, listen."""

import os
import sys
from types import ModuleType

import click

from hub import logs
from hub.commands.place import guarded
from hub.roles import serve
from hub.settings import Settings, read


@click.command("serve")
@guarded
def serve_command() -> None:
    """Everything in one process, on SQLite: the web, and all that works behind it."""
    sys.exit(serve.serve(_settings(), click.echo, os.environ.get("SMSHUB_CRASH_AT")))


@click.command("web")
@guarded
def web_command() -> None:
    """The web alone, in several processes, on PostgreSQL."""
    sys.exit(_apart().web(_settings(), click.echo, os.environ.get("SMSHUB_CRASH_AT")))


@click.command("worker")
@guarded
def worker_command() -> None:
    """What works behind the web, alone, on PostgreSQL. Any number of them may run."""
    sys.exit(_apart().worker(_settings(), click.echo, os.environ.get("SMSHUB_CRASH_AT")))


@click.command("listen")
@guarded
def listen_command() -> None:
    """Long-lived connections of carriers and connectors, on PostgreSQL."""
    sys.exit(_apart().listen(_settings(), click.echo, os.environ.get("SMSHUB_CRASH_AT")))


def _apart() -> ModuleType:
    from hub.roles import apart  # noqa: PLC0415 - granian and Celery: no other command waits for them

    return apart


def _settings() -> Settings:
    found = read(os.environ)
    logs.configure(found.log_level)
    return found
