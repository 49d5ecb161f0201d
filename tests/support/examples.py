"""How many examples a property that needs a database may have."""

from collections.abc import Callable
from typing import Any

from hypothesis import settings

from core.errors import Refused

USUAL = 100


def examples(few: int, **more: Any) -> settings:
    """`few` in an ordinary run, since each takes a database; as many as asked for in a long one."""
    asked = settings().max_examples
    return settings(max_examples=few if asked <= USUAL else asked, **more)


def code_of(work: Callable[..., object], *arguments: Any) -> str | None:
    """The code with which this is refused; None where it is done."""
    try:
        work(*arguments)
    except Refused as refusal:
        return refusal.code
    return None
