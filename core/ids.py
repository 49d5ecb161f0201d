"""UUIDv7 (RFC 9562 section 5.7): 48 bits of UTC milliseconds, a 12-bit counter, 62 random bits.

The counter makes ids of one process strictly rising within a millisecond, so id order is creation order; when it is used up the
clock of the ids runs one millisecond ahead rather than wait.
"""

import threading
from collections.abc import Callable
from typing import Protocol

COUNTER_END = 0x1000


class Ids(Protocol):
    """Makes ids."""

    def new(self) -> str:
        """One id."""
        ...

    def many(self, count: int) -> list[str]:
        """`count` ids in rising order."""
        ...


class UuidV7:
    """Ids from a clock (milliseconds) and a source of random bits."""

    def __init__(self, clock: Callable[[], int], random_bits: Callable[[int], int]) -> None:
        self._clock = clock
        self._random_bits = random_bits
        self._lock = threading.Lock()
        self._millisecond = 0
        self._counter = 0

    def new(self) -> str:
        return self.many(1)[0]

    def many(self, count: int) -> list[str]:
        made = []
        with self._lock:
            now = self._clock()
            if now > self._millisecond:
                self._millisecond, self._counter = now, 0
            for _ in range(count):
                if self._counter == COUNTER_END:
                    self._millisecond, self._counter = self._millisecond + 1, 0
                made.append((self._millisecond << 12) | self._counter)
                self._counter += 1
        return [_format(stamp, self._random_bits(62)) for stamp in made]


def _format(stamp: int, noise: int) -> str:
    digits = f"{stamp >> 12:012x}7{stamp & 0xFFF:03x}{0x8000000000000000 | noise:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
