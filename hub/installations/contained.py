"""The work of a connector, held in: what it raises to end its thread or the process is a bug of its own, and ends neither."""

from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

QUITS: Final = (SystemExit, CancelledError)  # no Exceptions: whoever catches those lets them through


@contextmanager
def contained() -> Iterator[None]:
    """Raises RuntimeError where the work within wanted to end more than itself, and whatever else it raises."""
    try:
        yield
    except QUITS as end:
        raise RuntimeError(f"a connector wanted to end the process ({type(end).__name__})") from end
