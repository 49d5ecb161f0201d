"""The web application: routes from the table of operations, one way in, and nothing that answers without a problem's words.

No view reads the Host header: addresses that go out are made from SMSHUB_PUBLIC_URL.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import orjson
import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from connectors.contract import Operation
from core import Refused, Runtime, outages
from hub import access, adapter, callbacks, console, health, metrics, problems, secret_keys
from hub.api import guard, pages
from hub.api.entry import PREFIX, Direct, Entry, Later, Written, is_direct, is_plain
from hub.api.keyring import Identify
from hub.api.table import OPERATIONS
from hub.console.routes import Route
from hub.installations.listeners import missed
from hub.installations.tools import Lender
from hub.outage import Outages
from hub.settings import Settings

LATER_MOST: Final = 64 * 1024  # bytes of a body that is read while others wait

log = structlog.get_logger()


def create_app(
    runtime: Runtime,
    settings: Settings,
    operations: Sequence[Operation] = OPERATIONS,
    *,
    identify: Sequence[Identify] = (),
    counted: metrics.Metrics | None = None,
    checks: Sequence[health.Check] = (),
    more_pages: Sequence[Route] = (),
    lender: Lender | None = None,
) -> Flask:
    """The web application of a hub.

    identify: further ways from a bearer secret to its caller, asked in turn (OAuth). counted: metrics to add gauges to.
    checks: further reasons for /healthz to fail. more_pages: pages of other rooms, drawn and guarded as the console's are.
    lender: what connectors are lent, where there are any.
    """
    app = Flask("hub", static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False  # or it redirects, to wherever the Host header says
    keys = secret_keys.of(settings)
    app.config.update(_config(settings, keys))
    meter = counted or metrics.Metrics(runtime)
    entry = Entry(runtime, settings, keys, identify, lender.performer if lender else None)
    for operation in operations:
        _route(
            app, f"{PREFIX}{guard.flask_rule(operation.path)}", operation.name, entry.view(operation), operation.method
        )
    for path, methods, allowed in _shadowed(operations):
        app.add_url_rule(
            f"{PREFIX}{path}", endpoint=f"closed {path}", view_func=partial(_closed, allowed), methods=methods
        )
    pages.register(app, settings, operations)
    console.register(app, runtime, settings, more_pages)
    callbacks.register(app, runtime)
    if lender is not None:
        adapter.register(app, entry, lender)
    heard = partial(missed, lender) if lender is not None else health.nobody
    _route(app, "/healthz", "healthz", lambda: _healthz(runtime, checks, heard))
    _route(app, "/metrics", "metrics", lambda: Response(meter.text(), content_type=metrics.MEDIA_TYPE))
    _errors(app)
    app.before_request(_note_route)
    https = settings.public_url.startswith("https://")
    app.wsgi_app = access.Access(  # type: ignore[method-assign]
        app.wsgi_app,
        runtime.ids.many,
        meter,
        https=https,
        route=_router(app, entry, operations),
        later=_later(app, entry, operations),
    )
    return app


def _router(app: Flask, entry: Entry, operations: Sequence[Operation]) -> access.Route:
    """What answers some plain requests without the framework: those that come by the thousand."""
    direct: dict[str, access.Wsgi] = {
        f"{PREFIX}{operation.path}": _direct(app, f"{PREFIX}{operation.path}", entry.direct(operation))
        for operation in operations
        if is_direct(operation)
    }

    def route(environ: access.Environ) -> access.Wsgi | None:
        found = direct.get(environ["PATH_INFO"]) if environ["REQUEST_METHOD"] == "POST" else None
        return found if found and is_plain(environ) else None

    return route


def _later(app: Flask, entry: Entry, operations: Sequence[Operation]) -> access.LaterRoute:
    """What is answered when its group commit is over, and needs no thread meanwhile. Long bodies take their time: they have a thread."""
    groups = {
        f"{PREFIX}{operation.path}": _told_later(app, f"{PREFIX}{operation.path}", entry.later(operation))
        for operation in operations
        if is_direct(operation) and operation.transaction == "group"
    }

    def route(environ: access.Environ) -> access.Later | None:
        found = groups.get(environ["PATH_INFO"]) if environ["REQUEST_METHOD"] == "POST" else None
        return found if found and is_plain(environ) and int(environ["CONTENT_LENGTH"]) <= LATER_MOST else None

    return route


def _told_later(app: Flask, rule: str, serve: Later) -> access.Later:
    def answer(environ: access.Environ, respond: access.Respond) -> bool:
        environ[access.ROUTE] = rule

        def tell(outcome: Written | Exception) -> None:
            if isinstance(outcome, Exception):
                with app.request_context(environ):
                    response = app.make_response(app.handle_user_exception(outcome))
                    outcome = response.status, list(response.headers), [response.get_data()]
            status, headers, body = outcome
            respond(status, headers, b"".join(body))

        try:
            return serve(environ, tell)
        except Exception as error:  # noqa: BLE001 - told as the framework's handlers tell it
            tell(error)
            return True

    return answer


def _direct(app: Flask, rule: str, serve: Direct) -> access.Wsgi:
    def answer(environ: access.Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[access.ROUTE] = rule
        try:
            status, headers, body = serve(environ)
        except Exception as error:  # noqa: BLE001 - told as the framework's handlers tell it
            with app.request_context(environ):
                return app.make_response(app.handle_user_exception(error))(environ, start_response)
        start_response(status, headers)
        return body

    return answer


def _config(settings: Settings, keys: Sequence[str]) -> Mapping[str, Any]:
    signing = [key.hex() for key in secret_keys.derived(keys, "session")]
    return {
        "SECRET_KEY": signing[0],
        "SECRET_KEY_FALLBACKS": signing[1:],
        "MAX_CONTENT_LENGTH": guard.JSON_LIMIT,
        "MAX_FORM_MEMORY_SIZE": 500_000,
        "MAX_FORM_PARTS": 100,
        "PROVIDE_AUTOMATIC_OPTIONS": False,  # no CORS: browsers of other sites have no business here
        "SESSION_COOKIE_SECURE": settings.public_url.startswith("https://"),
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
    }


def _shadowed(operations: Sequence[Operation]) -> Iterator[tuple[str, list[str], list[str]]]:
    """Plain paths that a template would match with methods they lack: PATCH /messages/batch is not a message called batch."""
    methods: dict[str, set[str]] = {}
    for operation in operations:
        methods.setdefault(operation.path, set()).add(operation.method)
    for path in (path for path in methods if "{" not in path):
        matching = (each for each in methods if "{" in each and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", each), path))
        if lacking := set().union(*(methods[each] for each in matching)) - methods[path]:
            yield path, sorted(lacking), sorted(methods[path])


def _closed(allowed: list[str]) -> Response:
    raise MethodNotAllowed(allowed)


def _route(app: Flask, rule: str, name: str, view: Callable[..., Response], method: str = "GET") -> None:
    app.add_url_rule(rule, endpoint=name, view_func=view, methods=[method])


def _note_route() -> None:
    if request.url_rule is not None:
        request.environ[access.ROUTE] = request.url_rule.rule


def _request_id() -> str:
    return str(request.environ[access.REQUEST_ID])


def _healthz(runtime: Runtime, checks: Sequence[health.Check], heard: health.Ears) -> Response:
    found = health.look(runtime, checks, heard)
    return Response(orjson.dumps(found.body()), found.status, content_type="application/json")


def _errors(app: Flask) -> None:
    """Whatever goes wrong is told as a problem."""
    app.register_error_handler(Refused, lambda refusal: told(problems.refused(refusal, _request_id())))
    app.register_error_handler(HTTPException, _http_error)
    told_of = Outages()
    for kind in outages.ERRORS:
        app.register_error_handler(kind, lambda error: _unavailable(error, told_of))
    app.register_error_handler(Exception, _bug)


def told(problem: problems.Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as a response."""
    return Response(problem.encoded(), problem.status, dict(headers or {}), content_type=problems.MEDIA_TYPE)


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:  # a redirect is an answer
        return Response(error.get_response().get_data(), status, dict(error.get_headers()))
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return told(problems.of_http(status, _DETAILS.get(status) or error.description or "", _request_id()), kept)


def _unavailable(error: Exception, told_of: Outages) -> Response:
    """The database's fault, if it is one; the operator is told the cure, now and then, and the caller when to come back."""
    outage = outages.of(error)
    if outage is None:
        return _bug(error)
    told_of.tell(outage, error)
    code = "storage_full" if outage.kind == "full" else "unavailable"
    answer = problems.problem(code, _OUTAGES[outage.kind], _request_id())
    return told(answer, {"Retry-After": _COME_BACK_S[outage.kind]})


def _bug(error: Exception) -> Response:
    """A bug: the log has it all, the caller only what to quote."""
    log.error("request.failed", exc_info=error, request_id=_request_id())
    detail = f"This is our fault; tell the operator the request id {_request_id()}."
    return told(problems.problem("internal_error", detail, _request_id()))


_OUTAGES: Final[Mapping[outages.Kind, str]] = {
    "gone": "The database can't be reached just now: ask again in a moment, with the same Idempotency-Key.",
    "full": "The disk of the hub's database is full: nothing was done. The operator must make room; then ask again.",
    "exhausted": "The database has no connection left just now: nothing was done, ask again in a moment.",
    "busy": "The database is held up by something else just now: nothing was done, ask again in a moment.",
}
_COME_BACK_S: Final[Mapping[outages.Kind, str]] = {"gone": "5", "full": "60", "exhausted": "5", "busy": "2"}

_DETAILS: Final[Mapping[int, str]] = {
    404: "There is nothing at this address.",
    405: "This address does not answer this method; the Allow header says which it does.",
    413: "The body is larger than is taken here: 8 MiB of JSON, or 50 MiB for a file.",
}
