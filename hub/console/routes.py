"""From an address to a page: every POST's token is checked here, and whatever goes wrong is a page too, never JSON.

A page of another room (OAuth's consent) is a Route as well: see `hub.console.register`.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, NotFound

from core import Refused, outages
from hub import problems
from hub.access import REQUEST_ID
from hub.console import forms, language, page
from hub.outage import Outages

FORM_LIMIT: Final = 64 * 1024  # bytes
EVERY_METHOD: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

View = Callable[..., Response]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Route:
    """A page: its address as Flask writes it, its view, what may be asked of it, and how large a form it takes, in bytes."""

    rule: str
    view: View
    methods: Sequence[str] = ("GET",)
    most_bytes: int = FORM_LIMIT


def add(app: Flask, routes: Sequence[Route]) -> None:
    """Add these pages."""
    told = Outages()
    for route in routes:
        view = _paged(route, told)
        app.add_url_rule(route.rule, endpoint=f"page {route.rule}", view_func=view, methods=list(route.methods))


def _paged(route: Route, told: Outages) -> View:
    @functools.wraps(route.view)
    def serve(**path: str) -> Response:
        request.max_content_length = route.most_bytes
        try:
            if request.method not in ("GET", "HEAD"):
                forms.check()
            return route.view(**path)
        except Refused as refusal:
            return failed(problems.status_of(refusal.code), refusal.code)
        except HTTPException as error:
            return failed(error.code or 500, "not_found" if error.code == 404 else "failed")
        except Exception as error:  # noqa: BLE001 - a bug, or a database that is away: told in the log, and as a page
            return _broken(error, told)

    return serve


def failed(status: int, code: str) -> Response:
    """A page that says what went wrong: the words under error.<code>, or general ones."""
    known = f"error.{code}.title" in language.words(language.LANGUAGES[0])
    shown = {"code": code if known else "failed", "ours": status >= 500, "request_id": request.environ[REQUEST_ID]}
    return page.render("error.html", status, **shown)


def _broken(error: Exception, told: Outages) -> Response:
    outage = outages.of(error)
    if outage is None:
        log.error("page.failed", exc_info=error, request_id=request.environ[REQUEST_ID])
        return _bare(500, "broken")
    told.tell(outage, error)
    return _bare(503, "unavailable")


def _bare(status: int, code: str) -> Response:
    """The same without asking the database who this is: it may be what failed."""
    g.person = None
    return failed(status, code)


def _nothing(**_path: str) -> Response:
    raise NotFound


NOTHING: Final = Route("/console/<path:rest>", _nothing, EVERY_METHOD)
