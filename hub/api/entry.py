"""From a request of Flask to an operation and back: who asks, may they, how often, with what; then the answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from connectors.contract import Call, Operation, Upload
from core import Caller, Refused, Runtime
from hub import problems
from hub.access import REQUEST_ID
from hub.api import paging
from hub.api.guard import FORM_LIMIT, JSON_LIMIT, Guard, path_values, prepare
from hub.api.keyring import Identify, Keyring
from hub.api.limits import Budget, buckets_of
from hub.api.perform import Answer, Performer
from hub.settings import Settings

Environ = dict[str, Any]
Written = tuple[str, list[tuple[str, str]], Iterable[bytes]]  # WSGI's status, headers and body
Direct = Callable[[Environ], Written]
Later = Callable[[Environ, Callable[[Written | Exception], None]], bool]  # whether it was taken


@dataclass(frozen=True, slots=True)
class Asking:
    """What is needed of a request whatever it asks for."""

    authorization: str | None
    path: str
    request_id: str


def is_plain(environ: Environ) -> bool:
    """Whether a request is plain JSON of a known, allowed length, with nothing in its query."""
    length = environ.get("CONTENT_LENGTH", "")
    return (
        environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() == "application/json"
        and length.isascii()
        and length.isdigit()
        and len(length) < LONGEST_LENGTH
        and int(length) <= JSON_LIMIT
        and not environ.get("QUERY_STRING")
    )


def is_direct(operation: Operation) -> bool:
    """Whether an operation may be asked past the framework: a POST of JSON to a path without parameters."""
    plain = operation.method == "POST" and "{" not in operation.path
    return plain and operation.form is None and not operation.query and not operation.paged


PREFIX: Final = "/api/v1"  # of every path of an operation
LONGEST_LENGTH: Final = 12  # digits: more is a joke, and slow to read
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


class Entry:
    """The way in; one for each application."""

    def __init__(
        self,
        runtime: Runtime,
        settings: Settings,
        keys: Sequence[str],
        identify: Sequence[Identify],
        performer: Performer | None = None,
    ) -> None:
        """`performer`: the one that others in this process use too."""
        self._runtime = runtime
        self._keyring = Keyring(runtime, identify)
        self._buckets = buckets_of(settings)
        self._performer = performer or Performer(paging.Cursors(keys))

    def enter(self, authorization: str | None) -> tuple[Caller, Budget]:
        """Who asks, and what is left of their requests with this one taken. Refuses with `unauthenticated`."""
        caller = self._keyring.caller(authorization)
        return caller, self.take(caller.account_id)

    def take(self, account_id: str) -> Budget:
        """Count a request of an account."""
        return self._buckets.take(account_id, self._runtime.clock())

    def view(self, operation: Operation) -> Callable[..., Response]:
        """The view of an operation."""
        guard = prepare(operation)

        def serve(**path: str) -> Response:
            asking = Asking(request.headers.get("Authorization"), request.path, request.environ[REQUEST_ID])
            answer, budget = self._answered(
                operation, asking, lambda caller: self._call(guard, caller, path_values(path))
            )
            headers = {**answer.headers, **(budget.headers() if budget else {})}
            return Response(answer.body, answer.status, headers, content_type=answer.media_type)

        return serve

    def direct(self, operation: Operation) -> Direct:
        """The same for a request that is plain JSON of a known length to a path without parameters, and past the framework.

        A framework's request and response cost more than all that is done for a message. What is not plain (`is_plain`) is the view's.
        """
        guard = prepare(operation)

        def serve(environ: Environ) -> Written:
            asking = _asked(environ)
            return _written(*self._answered(operation, asking, lambda caller: self._plain(guard, caller, environ)))

        return serve

    def later(self, operation: Operation) -> Later:
        """The same for a group operation, without a thread that waits: the answer is given when its transaction is over.

        What would have to ask the database before (who is it?) is not taken: the caller has others to serve.
        """
        guard = prepare(operation)

        def serve(environ: Environ, tell: Callable[[Written | Exception], None]) -> bool:
            asking = _asked(environ)
            budget = None

            def told(outcome: Answer | Exception) -> None:
                if isinstance(outcome, Refused):
                    outcome = refused(outcome, operation.scope, asking)
                tell(outcome if isinstance(outcome, Exception) else _written(outcome, budget))

            try:
                caller = self._keyring.known(asking.authorization)
                if caller is None:
                    return False
                budget = self.take(caller.account_id)
                admit(operation.scope, caller, budget)
                self._performer.perform_later(operation, self._plain(guard, caller, environ), asking.path, told)
            except Refused as refusal:
                told(refusal)
            return True

        return serve

    def _answered(
        self, operation: Operation, asking: Asking, call: Callable[[Caller], Call]
    ) -> tuple[Answer, Budget | None]:
        budget = None
        try:
            caller, budget = self.enter(asking.authorization)
            admit(operation.scope, caller, budget)
            return self._performer.perform(operation, call(caller), asking.path), budget
        except Refused as refusal:
            return refused(refusal, operation.scope, asking), budget

    def _plain(self, guard: Guard, caller: Caller, environ: Environ) -> Call:
        """The call of a request that is plain JSON."""
        raw = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        key = environ.get("HTTP_IDEMPOTENCY_KEY")
        return Call(self._runtime, caller, body=guard.json(raw), key=key, request_id=environ[REQUEST_ID])

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
        return self._performer.on_page(operation, call) if operation.paged else call


def _asked(environ: Environ) -> Asking:
    return Asking(environ.get("HTTP_AUTHORIZATION"), environ["PATH_INFO"], environ[REQUEST_ID])


def admit(scope: str | None, caller: Caller, budget: Budget) -> None:
    """Refuses with `rate_limited`, and with `insufficient_scope`."""
    spent(budget)
    check_scope(scope, caller)


def spent(budget: Budget) -> None:
    """Refuses (`rate_limited`) a request for which nothing was left."""
    if budget.retry_after_s is not None:
        detail = f"At most {budget.quota} requests a minute: ask again in {budget.retry_after_s} s."
        raise Refused("rate_limited", detail)


def check_scope(scope: str | None, caller: Caller) -> None:
    """Refuses (`insufficient_scope`) a caller without the scope."""
    if scope is not None and scope not in caller.scopes:
        raise Refused("insufficient_scope", f"This needs the scope {scope}, which this key or token lacks.")


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


def refused(refusal: Refused, scope: str | None, asking: Asking) -> Answer:
    """The problem that a refusal is, with the headers that go along."""
    problem = problems.refused(refusal, asking.request_id)
    headers = _challenge(refusal.code, scope, asking)
    if refusal.code == "unavailable":
        headers = {**headers, "Retry-After": "1"}
    return Answer(problem.status, problem.encoded(), problems.MEDIA_TYPE, headers)


def _challenge(code: str, scope: str | None, asking: Asking) -> Mapping[str, str]:
    """What RFC 6750 section 3 says along with 401 and with a scope that is missing."""
    if code == "insufficient_scope":
        return {"WWW-Authenticate": f'Bearer realm="smshub", error="insufficient_scope", scope="{scope or ""}"'}
    if code != "unauthenticated":
        return {}
    error = ', error="invalid_token"' if asking.authorization is not None else ""
    return {"WWW-Authenticate": f'Bearer realm="smshub"{error}'}


def _written(answer: Answer, budget: Budget | None) -> Written:
    """An answer as WSGI's status, headers and body."""
    headers = [("Content-Type", answer.media_type), *answer.headers.items()]
    if budget is not None:
        headers += budget.headers().items()
    status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    if not isinstance(answer.body, bytes):
        return status, headers, answer.body
    return status, [*headers, ("Content-Length", str(len(answer.body)))], [answer.body]
