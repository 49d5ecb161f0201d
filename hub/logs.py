"""Logs: one JSON object a line (coloured words on a terminal), and nothing in them that belongs to a recipient or opens a door."""

import logging
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO

import orjson
import structlog
from structlog.typing import Processor

REDACTED: Final = "[redacted]"
# Whole names, and endings of names: `password`, `smtp_password`, `client_secret`.
_SECRET: Final = frozenset(
    {
        "text",
        "to",
        "number",
        "numbers",
        "recipient",
        "recipients",
        "msisdn",
        "body",
        "authorization",
        "cookie",
        "email",
        "nom",
        "prenom",
    }
)
SECRET_ENDINGS: Final = ("password", "secret", "token", "api_key", "authorization")
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

Entry = MutableMapping[str, Any]
_stamped: Final = structlog.processors.TimeStamper(fmt="iso", utc=True)
log = structlog.get_logger()


def redact(_logger: object, _method: str, entry: Entry) -> Entry:
    """Blank what must not be written down, at any depth; the name stays, so that one sees that it was there."""
    for name, value in entry.items():
        entry[name] = REDACTED if is_secret(name) else _redacted(value)
    return entry


def tell_where(_logger: object, _method: str, entry: Entry) -> Entry:
    """An exception as its kinds and where it came by. Its words are left out: they may quote a number, a text, a row of the database."""
    given = entry.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        entry["error"] = [type(each).__name__ for each in _chain(error)]
        entry["where"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
    return entry


def is_secret(name: str) -> bool:
    lower = name.lower()
    return lower in _SECRET or lower.endswith(SECRET_ENDINGS)


def configure(level: str = "info", *, terminal: bool | None = None) -> None:
    """Set up structlog, and the standard library's logging and warnings to go through it. Asked once, at start."""
    console = sys.stderr.isatty() if terminal is None else terminal
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _stamped,
    ]
    last: list[Processor] = [tell_where, structlog.dev.ConsoleRenderer() if console else _line]
    chain = [*before, redact, *last]
    _plain.clear()
    if not console and level in {"debug", "info"}:
        _plain.append(tuple(chain))  # a copy: a test that listens changes the list itself
    structlog.configure(
        processors=chain,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(_Unbreakable(sys.stderr)),  # type: ignore[arg-type]  # as much of a file as is used
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=[_bare, redact, *last])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(_LEVELS[level], logging.WARNING))  # libraries tell of every request; ours tells once
    logging.captureWarnings(capture=True)


_plain: Final[list[Sequence[Processor]]] = []  # the processors of `configure`, while they write one JSON object a line


def tell_request(facts: Mapping[str, Any]) -> None:
    """One line for each request, the same as structlog would write: past its processors, which cost more than the rest of a request.

    `facts` are ours: a route's template, a method, numbers, an id.
    """
    if not _plain or tuple(structlog.get_config()["processors"]) != _plain[0]:  # a terminal, a test, or not to be told
        log.info("request", **facts)
        return
    entry = {**facts, "event": "request", "level": "info"}
    line = f"{orjson.dumps(_stamped(None, 'info', entry)).decode()}\n"
    kept: list[str] | None = getattr(_gathered, "lines", None)
    if kept is None:
        _write(line)
    else:
        kept.append(line)


@contextmanager
def together() -> Iterator[None]:
    """Requests that this thread tells of meanwhile are written at its end, all at once: each write lets another thread go first."""
    lines: list[str] = []
    _gathered.lines = lines
    try:
        yield
    finally:
        _gathered.lines = None
        if lines:
            _write("".join(lines))


_gathered: Final = threading.local()


class _Unbreakable:
    """Where the log goes. It never raises: a disk that is full of logs must not stop what they tell of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, words: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(words)
        return len(words)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def _write(lines: str) -> None:
    stream = _Unbreakable(sys.stderr)
    stream.write(lines)
    stream.flush()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came of, the newest first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: REDACTED if is_secret(str(name)) else _redacted(each) for name, each in value.items()}
    return [_redacted(each) for each in value] if isinstance(value, list | tuple) else value


def _bare(logger: Any, method: str, entry: Entry) -> Entry:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, method, entry)


def _line(_logger: object, _method: str, entry: Entry) -> str:
    return orjson.dumps(entry, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
