"""Pages of people: may this application do that (/oauth/authorize), and which ones may (/console/apps)?

A request that names no known client, or no address of its own, is answered to the person, with a page, and leads nowhere.
"""

from typing import Final
from urllib.parse import quote

from flask import Response, request

from core import accounts
from hub.console import gate
from hub.console.house import house
from hub.console.page import render
from hub.console.routes import Route
from hub.oauth import grants, parameters, redirects, scopes
from hub.oauth.asked import Answer, Asking
from hub.oauth.endpoints import AUTHORIZE
from hub.oauth.flows import Giver
from hub.oauth.provider import Provider, Question
from hub.people.roles import OF_ACCOUNTS, OWNER
from hub.people.sessions import Person

APPS: Final = "/console/apps"


def authorize() -> Response:
    """Ask whoever is signed in; others sign in first, and come back.

    So they do where a refusal leads to the application: who is nobody here is sent nowhere (RFC 9700 section 4.11.2).
    """
    try:
        asking = _asking()
    except ValueError as wrong:
        return _wrong("invalid_request", f"The request can't be read: {wrong}.")
    with house().runtime.read() as tx:
        asked = Provider(house().runtime, tx, house().settings.public_url).question(asking)
    if isinstance(asked, Answer) and asked.location is None:
        return _told(asked)
    person = gate.person()
    if person is None:
        here = quote(f"{AUTHORIZE}?{request.query_string.decode('latin-1')}", safe="")
        return Response(status=303, headers={"Location": f"{gate.SIGN_IN}?next={here}"})
    if isinstance(asked, Answer):
        return _told(asked)
    return _decided(asking, person) if request.method == "POST" else _question(asked, person)


def _question(asked: Question, person: Person) -> Response:
    given = scopes.left(asked.scopes, person.role).split()
    with house().runtime.read() as tx:
        account = accounts.get(tx, person.account_id)
    return render(
        "consent.html",
        form_action=[asked.redirect_uri],
        client=asked.client,
        host=redirects.host(asked.redirect_uri),
        account=account,
        given=given,
        withheld=[scope for scope in asked.scopes.split() if scope not in given],
    )


def _decided(asking: Asking, person: Person) -> Response:
    giver = Giver(person.user_id, person.account_id, person.role) if request.form.get("decision") == "allow" else None
    runtime = house().runtime
    with runtime.begin() as tx:
        return _told(Provider(runtime, tx, house().settings.public_url).decided(asking, giver))


def _asking() -> Asking:
    """The authorization request: it stands in the query, of the page and of the form on it."""
    pairs = parameters.of_form(request.query_string)
    url = f"{house().settings.public_url}{AUTHORIZE}"
    return Asking(request.method, url, parameters.given(pairs), parameters.repeated(pairs))


def _told(answer: Answer) -> Response:
    """Back to the client; or a page, where there is no address that could be trusted."""
    if answer.location is None:
        return _wrong(answer.body["error"], answer.body.get("error_description", ""))
    return Response(status=answer.status, headers={"Location": answer.location})


def _wrong(code: str, description: str) -> Response:
    return render("unasked.html", 400, code=code, description=description)


@gate.allowed(*OF_ACCOUNTS)
def apps() -> Response:
    """What an owner's account, or what somebody else of it, lets applications do."""
    person = gate.somebody()
    with house().runtime.read() as tx:
        account = accounts.get(tx, person.account_id)
        shown = grants.listed(tx, person.account_id, _whose(person))
    return render("apps.html", account=account, grants=shown, ended="ended" in request.args)


@gate.allowed(*OF_ACCOUNTS)
def app(grant_id: str) -> Response:
    """End it; first it is asked whether that is meant."""
    person, runtime = gate.somebody(), house().runtime
    if request.method == "POST":
        with runtime.begin() as tx:
            grants.revoke(tx, person.account_id, grant_id, person.actor, _whose(person))
        return gate.go(f"{APPS}?ended")
    with runtime.read() as tx:
        return render("app.html", grant=grants.shown(tx, person.account_id, grant_id, _whose(person)))


def _whose(person: Person) -> str | None:
    """An owner sees to all of the account's, others to their own."""
    return None if person.role == OWNER else person.user_id


ROUTES: Final = (
    Route(AUTHORIZE, authorize, ("GET", "POST")),
    Route(APPS, apps),
    Route(f"{APPS}/<grant_id>", app, ("GET", "POST")),
)
