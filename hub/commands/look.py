"""What there is to look at: the API's description."""

import json

import click

from hub import secrets
from hub.api import openapi
from hub.commands.place import guarded, settings
from hub.guard import Guard
from hub.wiring import operations


@click.command("openapi")
@guarded
def openapi_command() -> None:
    """Print the OpenAPI 3.1 document of the REST API."""
    table = operations(secrets.keys_from(["never used: nothing is sealed to print a document"]), Guard())
    document = openapi.document(table, settings().public_url)
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
