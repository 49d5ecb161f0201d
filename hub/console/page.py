"""Pages: drawn on the server from templates (`html/`), in the visitor's language, without script, and closed to everything from elsewhere."""

import re
from collections.abc import Iterable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Response, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hub.console import forms, gate, language, menu
from hub.console.forms import Fields

_FOLDER: Final = Path(__file__).with_name("html")
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action"
)
_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.\-]+(:\d+)?|[a-z][a-z0-9+.\-]*:")


def render(template: str, status: int = 200, *, form_action: Iterable[str] = (), **values: Any) -> Response:
    """A page out of html/<template>, with these values.

    form_action: addresses elsewhere that a form of this page may lead to; Chromium follows its redirects with that in mind. Templates
    find `t` and `tn` (words, counted words), `token`, `person`, `language`, `path`, and `fields` (an empty form unless given).
    """
    said = language.current()
    shown = {
        "t": partial(language.say, said),
        "tn": partial(language.counted, said),
        "whole": partial(language.whole, said),
        "credits": partial(language.credits_, said),
        "percent": partial(language.percent, said),
        "moment": partial(language.moment, said),
        "language": said,
        "languages": language.NAMES,
        "person": gate.person(),
        "menu": menu.of(gate.person()),
        "token": forms.token(),
        "path": gate.here(),
        "at": request.path,
        "home": _home(),
        "fields": Fields.empty(),
    }
    response = Response(_environment().get_template(template).render(shown | values), status, _HEADERS)
    response.headers["Content-Security-Policy"] = policy(form_action)
    response.headers["Content-Language"] = said
    forms.keep_visit(response)
    return response


def _home() -> str:
    """Where the sign at the top leads."""
    if request.path.startswith("/stop"):
        return "/stop"
    return gate.HOME if gate.person() else "/"


def policy(form_action: Iterable[str] = ()) -> str:
    """The Content-Security-Policy of a page whose forms may lead to these addresses too."""
    return " ".join([_POLICY, "'self'", *sorted({origin for url in form_action if (origin := _origin(url))})])


def _origin(url: str) -> str | None:
    """An address as a policy names its site: scheme, host and port (CSP 3 section 2.3.1).

    The scheme alone where it is an app's own, and for an address of IP version 6, which a policy has no way to write.
    """
    parts = urlsplit(url)
    web = parts.scheme in ("http", "https") and "[" not in parts.netloc
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if web else f"{parts.scheme}:"
    return origin if _ORIGIN.fullmatch(origin) else None


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
