"""Processes: serve, web, worker, listen."""

import os
import sys

import click

from hub import logs
from hub.commands.place import guarded
from hub.roles import apart, serve
from hub.settings import Settings, read


@click.command("serve")
@guarded
def serve_command() -> None:
    """Everything in one process, on SQLite: the web, and all that works behind it."""
    sys.exit(serve.serve(_settings(), click.echo, os.environ.get("SMSHUB_CRASH_AT")))


@click.command("web")
@guarded
def web_command() -> None:
    """The web alone, on PostgreSQL."""
    sys.exit(apart.web(_settings(), click.echo, os.environ.get("SMSHUB_CRASH_AT")))


@click.command("worker")
@guarded
def worker_command() -> None:
    """What works behind the web, alone, on PostgreSQL. Any number of them may run."""
    sys.exit(apart.worker(_settings(), click.echo, os.environ.get("SMSHUB_CRASH_AT")))


@click.command("listen")
@guarded
def listen_command() -> None:
    """Long-lived connections of carriers and connectors."""
    _settings()
    click.echo("Nothing to listen for yet: no carrier or connector with a long-lived connection is configured.")


def _settings() -> Settings:
    found = read(os.environ)
    logs.configure(found.log_level)
    return found
