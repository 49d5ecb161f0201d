"""/console/people: who else is in this account. Owners invite, change roles and remove; the operator's people do so among themselves."""

from collections.abc import Callable
from typing import Final

from flask import Response, request

from core import Tx, accounts
from hub.console import gate, language
from hub.console.forms import Fields
from hub.console.house import house
from hub.console.page import render
from hub.console.routes import Route
from hub.console.sign import FORM, status_of, typed_address
from hub.people import links, members, roles
from hub.people.roles import OPERATOR, OWNER
from hub.people.sessions import Person

PATH: Final = "/console/people"
DONE: Final = ("invited", "taken_back", "role", "removed")  # what the page may say was done


@gate.allowed(OWNER, OPERATOR)
def people() -> Response:
    """All of them, invitations that wait, and a form for one more."""
    fields = Fields.empty()
    if request.method == "POST":
        fields = Fields.sent()
        if (email := typed_address(fields)) is not None:
            role, said = fields["role"], language.current()
            return _done("invited", lambda tx, by: members.invite(tx, by, email, role, said), fields, "email")
    return _shown(fields)


@gate.allowed(OWNER, OPERATOR)
def take_back(link_id: str) -> Response:
    """An invitation is not meant any more."""
    return _done("taken_back", lambda tx, by: members.take_back(tx, by, link_id))


@gate.allowed(OWNER, OPERATOR)
def change_role(user_id: str) -> Response:
    """Another role. Who gives up their own is signed out by that, as anybody else is."""
    role = request.form.get("role", "")
    return _done("role", lambda tx, by: members.change_role(tx, by, user_id, role))


@gate.allowed(OWNER, OPERATOR)
def remove(user_id: str) -> Response:
    """Out of the account; first it is asked whether that is meant."""
    if request.method == "POST":
        return _done("removed", lambda tx, by: members.remove(tx, by, user_id))
    with house().runtime.read() as tx:
        return render("remove.html", member=members.get(tx, gate.somebody().account_id, user_id))


def _done(what: str, act: Callable[[Tx, Person], None], fields: Fields | None = None, at: str = "people") -> Response:
    """Do it, and back to the page; a refusal that the words know is shown there, at this field."""
    asked = fields or Fields.empty()
    asked.granted(at, lambda: _acted(act))
    return gate.go(f"{PATH}?done={what}") if asked.right else _shown(asked)


def _acted(act: Callable[[Tx, Person], None]) -> None:
    with house().runtime.begin() as tx:
        act(tx, gate.somebody())


def _shown(fields: Fields) -> Response:
    person = gate.somebody()
    with house().runtime.read() as tx:
        account = accounts.get(tx, person.account_id)
        known, invited = members.everyone(tx, account.id), links.invitations(tx, account.id)
    done = request.args.get("done")
    return render(
        "people.html",
        status_of(fields),
        fields=fields,
        account=account,
        members=known,
        invited=invited,
        roles=roles.of_kind(account.kind),
        done=done if done in DONE and fields.right else None,
    )


ROUTES: Final = (
    Route(PATH, people, FORM),
    Route(f"{PATH}/invitations/<link_id>", take_back, ("POST",)),
    Route(f"{PATH}/<user_id>/role", change_role, ("POST",)),
    Route(f"{PATH}/<user_id>/remove", remove, FORM),
)
