"""Logs: one JSON object a line (coloured words on a terminal), and nothing in them that belongs to a recipient or opens a door."""

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any, Final

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
_SECRET_ENDINGS: Final = ("password", "secret", "token", "api_key", "authorization")
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

Entry = MutableMapping[str, Any]


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
    return lower in _SECRET or lower.endswith(_SECRET_ENDINGS)


def configure(level: str = "info", *, terminal: bool | None = None) -> None:
    """Set up structlog, and the standard library's logging and warnings to go through it. Asked once, at start."""
    console = sys.stderr.isatty() if terminal is None else terminal
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [tell_where, structlog.dev.ConsoleRenderer() if console else _line]
    structlog.configure(
        processors=[*before, redact, *last],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=[_bare, redact, *last])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(_LEVELS[level], logging.WARNING))  # libraries tell of every request; ours tells once
    logging.captureWarnings(capture=True)


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
