"""The ways in and out: sign-up, sign-in, sign-out, a new password, and what a link by mail leads to."""

from typing import Final

from flask import Response, request

from core import Refused, accounts
from hub.console import gate, language, network
from hub.console.forms import Fields
from hub.console.house import SESSION, VISIT, house
from hub.console.page import render
from hub.console.routes import Route
from hub.people import address, entrance, links, passwords
from hub.people.links import INVITATION, RESET, SIGN_UP, Link

LONGEST_NAME: Final = 100


def sign_in() -> Response:
    """The form, and on to `next`; whoever is signed in goes there at once."""
    onward = gate.local(request.values.get("next"))
    if gate.person() is not None:
        return gate.go(onward)
    fields = Fields.empty()
    if request.method == "POST":
        fields = Fields.sent()
        fields.need("email", "password")
        if fields.right and (secret := _tried(fields)) is not None:
            return welcome(secret, onward)
    signup = house().settings.signup_open
    return render("sign_in.html", status_of(fields), fields=fields, next=onward, signup=signup)


def sign_out() -> Response:
    """Out of this browser; again is no error."""
    if (person := gate.person()) is not None:
        entrance.sign_out(house().runtime, person)
    response = gate.go(gate.SIGN_IN)
    house().drop(response, SESSION)
    return response


def sign_up() -> Response:
    """The address is asked first, and written to: an account is made by whoever reads its mail."""
    if not house().settings.signup_open:
        raise Refused("signup_closed", "Accounts of this hub are made by its operator.")
    return _by_mail(SIGN_UP, "sign_up.html")


def reset() -> Response:
    """A link to choose a new password."""
    return _by_mail(RESET, "reset.html")


def link(secret: str) -> Response:
    """What the link in a mail leads to: a form with a new password."""
    with house().runtime.read() as tx:
        found = links.read(tx, secret)
        name = accounts.get(tx, found.account_id).name if found.account_id else ""
    fields = Fields.empty()
    if request.method == "POST":
        fields = Fields.sent()
        _check(fields, found)
        if fields.right and (session := _used(fields, found, secret)) is not None:
            return welcome(session, gate.HOME)
    least = passwords.SHORTEST
    return render("link.html", status_of(fields), fields=fields, link=found, account_name=name, least=least)


def welcome(secret: str, onward: str) -> Response:
    """Signed in, and on to this page."""
    response = gate.go(onward)
    house().keep(response, SESSION, secret)
    house().drop(response, VISIT)
    return response


def status_of(fields: Fields) -> int:
    """422 where something is wrong with what was sent."""
    return 200 if fields.right else 422


def _by_mail(purpose: str, template: str) -> Response:
    fields = Fields.sent() if request.method == "POST" else Fields.empty()
    sent_to = typed_address(fields) if request.method == "POST" else None
    if sent_to is not None:
        asked = (house().runtime, purpose, sent_to, network.visitor(), language.current())
        fields.granted("email", lambda: entrance.ask_for_link(*asked))
    return render(template, status_of(fields), fields=fields, sent_to=sent_to if fields.right else None)


def typed_address(fields: Fields) -> str | None:
    """The address that was typed, in the form that it is compared in; its faults are noted."""
    fields.need("email")
    found = address.read(fields["email"])
    if found is None:
        fields.wrong("email", "fault.email.form")
    return found


def _tried(fields: Fields) -> str | None:
    """The secret of a new session; None where the address and the password are not those of anybody."""
    email, password = address.read(fields["email"]) or fields["email"].lower(), fields.exactly("password")
    return fields.granted("email", lambda: entrance.sign_in(house().runtime, email, password, network.visitor()))


def _check(fields: Fields, link: Link) -> None:
    if link.purpose == SIGN_UP:
        fields.need("name")
        if len(_name(fields)) > LONGEST_NAME:
            fields.wrong("name", "fault.name.long", most=LONGEST_NAME)
        if not _name(fields).isprintable():
            fields.wrong("name", "fault.name.form")
    password = fields.exactly("password")
    for fault in passwords.faults(password, link.email):
        fields.wrong("password", f"fault.password.{fault}", least=passwords.SHORTEST, most=passwords.LONGEST)


def _name(fields: Fields) -> str:
    """The name of an account, with plain blanks: other people read it in a line, and an operator in a terminal."""
    return " ".join(fields["name"].split())


def _used(fields: Fields, link: Link, secret: str) -> str | None:
    """What the link is for, done: the secret of a session. None where it can't be done, and why is noted."""
    runtime, password = house().runtime, fields.exactly("password")
    acts = {
        SIGN_UP: lambda: entrance.sign_up(runtime, secret, _name(fields), password),
        INVITATION: lambda: entrance.accept(runtime, secret, password),
        RESET: lambda: entrance.reset(runtime, secret, password),
    }
    return fields.granted("password", acts[link.purpose])


FORM: Final = ("GET", "POST")
ROUTES: Final = (
    Route("/console/sign-in", sign_in, FORM),
    Route("/console/sign-out", sign_out, ("POST",)),
    Route("/console/sign-up", sign_up, FORM),
    Route("/console/reset", reset, FORM),
    Route("/console/link/<secret>", link, FORM),
)
