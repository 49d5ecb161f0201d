"""Work on many rows that one of them can't spoil: what fails together is done by halves, down to the one at fault, which is put off.

Each try has a transaction of its own, so that rows are locked in their order, and what was done stays done.
"""

from collections.abc import Callable, Sequence
from typing import Final

from core import outages

PUT_OFF_MS: Final = 300_000  # until it is tried again

Do = Callable[[Sequence[str]], int]  # what it did of these ids
PutOff = Callable[[str, Exception], int]  # the same, of one that failed by itself


def apart(ids: Sequence[str], do: Do, put_off: PutOff) -> int:
    """Do it for all at once; where that fails, for each half. Outages are nobody's fault: they are raised."""
    if not ids:
        return 0
    try:
        return do(ids)
    except Exception as error:
        if outages.of(error) is not None:
            raise
        if len(ids) == 1:
            return put_off(ids[0], error)
    half = len(ids) // 2
    return apart(ids[:half], do, put_off) + apart(ids[half:], do, put_off)
