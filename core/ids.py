"""UUIDv7 (RFC 9562 section 5.7): 48 bits of UTC milliseconds, a 12-bit counter, 62 random bits.

The counter makes ids of one process strictly rising within a millisecond, so id order is creation order; when it is used up the
clock of the ids runs one millisecond ahead rather than wait.
"""

import threading
from collections.abc import Callable
from typing import Protocol

COUNTER_END = 0x1000
_DIGITS = tuple(f"{counter:03x}" for counter in range(COUNTER_END))
_VARIANT = {f"{digit:x}": "89ab"[digit % 4] for digit in range(16)}  # two bits are given, two of a digit's four random


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
        if count < 1:
            return []
        noise = self._random_bits(64 * count).to_bytes(8 * count).hex()  # one draw: the system's are dear
        made: list[str] = []
        for millisecond, counters in self._taken(count):
            head = f"{millisecond >> 16:08x}-{millisecond & 0xFFFF:04x}-7"
            places = range(16 * len(made), 16 * count, 16)
            made += [
                f"{head}{_DIGITS[counter]}-{_VARIANT[noise[at]]}{noise[at + 1 : at + 4]}-{noise[at + 4 : at + 16]}"
                for counter, at in zip(counters, places, strict=False)
            ]
        return made

    def _taken(self, count: int) -> list[tuple[int, range]]:
        """The next milliseconds with the counters that are taken of each, `count` in all."""
        taken = []
        with self._lock:
            now = self._clock()
            if now > self._millisecond:
                self._millisecond, self._counter = now, 0
            while count:
                if self._counter == COUNTER_END:
                    self._millisecond, self._counter = self._millisecond + 1, 0
                end = min(self._counter + count, COUNTER_END)
                taken.append((self._millisecond, range(self._counter, end)))
                count -= end - self._counter
                self._counter = end
        return taken
