"""What broke, told without its words: the message of an exception may hold a recipient's number or text."""

from traceback import format_tb
from typing import Any

import structlog

log = structlog.get_logger()


def tell(event: str, error: Exception, **facts: Any) -> None:
    """Log an error that is not let through: its kind, and the lines it came by."""
    log.error(event, error=type(error).__name__, at=format_tb(error.__traceback__), **facts)
