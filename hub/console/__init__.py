"""Web pages for people: drawn on the server, in English and French, without script. A page is a Route (`hub.console.routes`)."""

from collections.abc import Sequence
from pathlib import Path

from flask import Flask, Response, request

from core import Runtime
from hub.console import home, house, members, routes, sign, stop
from hub.console.routes import Route
from hub.settings import Settings

_STYLE = Path(__file__).with_name("html") / "console.css"


def register(app: Flask, runtime: Runtime, settings: Settings, more: Sequence[Route] = ()) -> None:
    """Add the pages of this room, and those of others (`more`), which are guarded and drawn as ours are."""
    house.build(app, runtime, settings)
    routes.add(app, (*home.ROUTES, *sign.ROUTES, *stop.ROUTES, *members.ROUTES, *more, routes.NOTHING))
    app.add_url_rule("/console/console.css", endpoint="console style", view_func=_style, methods=["GET"])


def _style() -> Response:
    """Compared by its digest when it is asked for again."""
    response = Response(
        _STYLE.read_bytes(), headers={"Cache-Control": "no-cache"}, content_type="text/css; charset=utf-8"
    )
    response.add_etag()
    response.make_conditional(request)
    return response
