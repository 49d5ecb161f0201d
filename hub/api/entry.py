"""From a request of Flask to an operation and back: who asks, may they, how often, with what; then the answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from connectors.contract import Call, Operation, Page, Upload
from core import Caller, Refused, Runtime
from hub import problems
from hub.access import REQUEST_ID
from hub.api import paging
from hub.api.guard import FORM_LIMIT, JSON_LIMIT, Guard, path_values, prepare
from hub.api.keyring import Identify, Keyring
from hub.api.limits import Buckets, Budget
from hub.api.perform import Answer, Performer
from hub.settings import Settings

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


class Entry:
    """The way in; one for each application."""

    def __init__(self, runtime: Runtime, settings: Settings, keys: Sequence[str], identify: Sequence[Identify]) -> None:
        self._runtime = runtime
        self._keyring = Keyring(runtime, identify)
        self._buckets = Buckets(settings.rate_per_minute)
        self._performer = Performer(paging.Cursors(keys))

    def view(self, operation: Operation) -> Callable[..., Response]:
        """The view of an operation."""
        guard = prepare(operation)

        def serve(**path: str) -> Response:
            budget = None
            try:
                caller = self._keyring.caller(request.headers.get("Authorization"))
                budget = self._buckets.take(caller.account_id, self._runtime.clock())
                _admit(operation, caller, budget)
                answer = self._performer.perform(operation, self._call(guard, caller, path_values(path)), request.path)
            except Refused as refusal:
                answer = _refused(refusal, operation)
            return _response(answer, budget)

        return serve

    def _call(self, guard: Guard, caller: Caller, path: Mapping[str, str]) -> Call:
        operation = guard.operation
        query = guard.query(request.query_string.decode("latin-1"))
        body, upload = _form(guard) if operation.form else (_json(guard), None)
        call = Call(
            runtime=self._runtime,
            caller=caller,
            path=path,
            query=query,
            body=body,
            upload=upload,
            key=request.headers.get("Idempotency-Key"),
            request_id=request.environ[REQUEST_ID],
        )
        return self._on_page(operation, call) if operation.paged else call

    def _on_page(self, operation: Operation, call: Call) -> Call:
        query = dict(call.query)
        limit, cursor = query.pop("limit", paging.DEFAULT_LIMIT), query.pop("cursor", None)
        after = self._performer.after(operation, call, cursor) if cursor else None
        return replace(call, query=query, page=Page(limit, after))


def _admit(operation: Operation, caller: Caller, budget: Budget) -> None:
    if budget.retry_after_s is not None:
        detail = f"At most {budget.quota} requests a minute: ask again in {budget.retry_after_s} s."
        raise Refused("rate_limited", detail)
    if operation.scope is not None and operation.scope not in caller.scopes:
        raise Refused("insufficient_scope", f"This needs the scope {operation.scope}, which this key or token lacks.")


def _json(guard: Guard) -> Any:
    if request.method not in _WITH_BODY:
        return None
    raw = request.get_data(cache=False)
    if request.content_length is None and len(raw) >= JSON_LIMIT:  # sent in chunks, and cut off there
        raise RequestEntityTooLarge
    if raw and request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise Refused("unsupported_media_type", "Send JSON, with the header Content-Type: application/json.")
    return guard.json(raw)


def _form(guard: Guard) -> tuple[Any, Upload | None]:
    if request.mimetype != "multipart/form-data":
        raise Refused("unsupported_media_type", "Send a form, with the header Content-Type: multipart/form-data.")
    request.max_content_length = FORM_LIMIT
    fields = guard.form(list(request.form.items(multi=True)))
    files = list(request.files.items(multi=True))
    if any(name != guard.file_field for name, _ in files) or len(files) > 1:
        raise Refused.at(f"/{guard.file_field}", "invalid_request", f"Send one file, in the field {guard.file_field}.")
    if not files:
        raise Refused.at(
            f"/{guard.file_field}", "invalid_request", f"A file is needed in the field {guard.file_field}."
        )
    sent = files[0][1]
    return fields, Upload(sent.filename or "", sent.stream)  # type: ignore[arg-type]


def _refused(refusal: Refused, operation: Operation) -> Answer:
    problem = problems.refused(refusal, request.environ[REQUEST_ID])
    return Answer(problem.status, problem.encoded(), problems.MEDIA_TYPE, _challenge(refusal.code, operation.scope))


def _challenge(code: str, scope: str | None) -> Mapping[str, str]:
    """What RFC 6750 section 3 says along with 401 and with a scope that is missing."""
    if code == "insufficient_scope":
        return {"WWW-Authenticate": f'Bearer realm="smshub", error="insufficient_scope", scope="{scope or ""}"'}
    if code != "unauthenticated":
        return {}
    error = ', error="invalid_token"' if "Authorization" in request.headers else ""
    return {"WWW-Authenticate": f'Bearer realm="smshub"{error}'}


def _response(answer: Answer, budget: Budget | None) -> Response:
    headers = {**answer.headers, **(budget.headers() if budget else {})}
    return Response(answer.body, answer.status, headers, content_type=answer.media_type)
