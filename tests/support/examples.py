"""How many examples a property that needs a database may have."""

from typing import Any

from hypothesis import settings

USUAL = 100


def examples(few: int, **more: Any) -> settings:
    """`few` in an ordinary run, since each takes a database; as many as asked for in a long one."""
    asked = settings().max_examples
    return settings(max_examples=few if asked <= USUAL else asked, **more)
