"""Who may see a page: signed in, of one of these roles. And where somebody may be sent on to: a path of this hub, never elsewhere."""

import functools
from collections.abc import Callable
from typing import Final, ParamSpec
from urllib.parse import quote

from flask import Response, g, request

from core import Caller, Refused
from hub.console.house import SESSION, house
from hub.people import roles, sessions
from hub.people.sessions import Person

P = ParamSpec("P")
View = Callable[P, Response]

HOME: Final = "/console/"
SIGN_IN: Final = "/console/sign-in"
LONGEST: Final = 4096  # characters of a path: an OAuth client's `state` may be long


def person() -> Person | None:
    """Who is signed in, in the browser that asks now; None for nobody."""
    if "person" not in g:
        g.person = sessions.whose(house().runtime, request.cookies.get(house().cookie(SESSION)))
    found: Person | None = g.person
    return found


def somebody() -> Person:
    """Who is signed in, on a page that nobody else sees."""
    found = person()
    if found is None:
        raise Refused("unauthenticated", "Sign in first.")
    return found


def caller() -> Caller:
    """Whoever is signed in, as the engine and the operations know a caller."""
    found = somebody()
    return Caller(found.account_id, roles.scopes_of(found.role), "console", found.actor, found.email)


def signed_in(view: View[P]) -> View[P]:
    """A page for whoever is signed in; others sign in first, and come back."""

    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
        if person() is None:
            return go(f"{SIGN_IN}?next={quote(here(), safe='')}")
        return view(*args, **kwargs)

    return guarded


def allowed(*known: str) -> Callable[[View[P]], View[P]]:
    """A page for those of these roles; others who are signed in are told that it is not for them (`forbidden`)."""

    def decorate(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
            if somebody().role not in known:
                raise Refused("forbidden", "This page is not for your role.")
            return view(*args, **kwargs)

        return signed_in(guarded)

    return decorate


def go(path: str) -> Response:
    """On to another page of ours, with a GET (RFC 9110 section 15.4.4)."""
    return Response(status=303, headers={"Location": local(path)})


def local(path: str | None) -> str:
    r"""The path if it is one of this hub, with its query; else the first page. A browser takes "//host" and "/\host" for another site."""
    if not path or len(path) > LONGEST or not path.isascii() or not path.isprintable():
        return HOME
    return path if path.startswith("/") and not path.startswith("//") and "\\" not in path else HOME


def here() -> str:
    """The page that was asked for. A form that was sent stands on the page of its address, or on none to come back to."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    rule = request.url_rule
    return request.path if rule is not None and "GET" in (rule.methods or ()) else HOME
