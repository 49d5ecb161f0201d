"""Requests of a visitor, for tests that look into the JSON of the answers."""

from typing import Any

from tests.support.web import Visitor


def ask(visitor: Visitor, method: str, path: str, body: Any = None, **options: Any) -> Any:
    """The response to one request; its `json` is whatever came."""
    return visitor.ask(method, path, body, **options)
