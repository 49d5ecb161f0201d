"""People from the command line: a user of an account, and the operator's own people."""

import sys
from typing import Final

import click

from core import Account, Refused, Tx, accounts
from hub.commands.place import guarded, local_hub
from hub.people import address, members, passwords, roles
from hub.people.roles import OPERATOR

ACTOR: Final = "operator"


@click.group()
def user() -> None:
    """People who may sign in."""


@user.command("create")
@click.argument("email")
@click.option("--account", metavar="ID", help="Whose they are (an id, or a name); not for an operator.")
@click.option("--role", required=True, type=click.Choice((*roles.OF_ACCOUNTS, OPERATOR)))
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
@guarded
def create_user(email: str, account: str | None, role: str, *, password_stdin: bool) -> None:
    """A person who may sign in. An operator sees every account, and belongs to the hub's own."""
    known = address.read(email)
    if known is None:
        raise Refused.at("/email", "invalid_email", f"{email!r} is not a mail address")
    if (account is None) != (role == OPERATOR):
        raise click.UsageError("Give --account for people of an account, and leave it out for an operator.")
    password = _password(from_stdin=password_stdin)
    passwords.check(password, known)
    kept = passwords.hashed(password)
    with local_hub() as hub, hub.runtime.begin() as tx:
        found = _account(tx, account)
        members.check_role(tx, found.id, role)
        made = accounts.create_user(tx, found.id, known, role, kept, ACTOR)
    click.echo(f"user_id     {made}\naccount_id  {found.id}")


@user.command("list")
@click.option("--account", metavar="ID", help="Whose (an id, or a name); without it the operators.")
@guarded
def list_users(account: str | None) -> None:
    """Who may sign in to an account."""
    with local_hub() as hub, hub.runtime.begin() as tx:
        for one in members.everyone(tx, _account(tx, account).id):
            click.echo(f"{one.id}  {one.role:<8}  {one.email}")


def _account(tx: Tx, named: str | None) -> Account:
    return accounts.find(tx, named) if named else accounts.system(tx)


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
