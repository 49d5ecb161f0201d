"""Rate limits: a bucket of tokens for each account, in this process. One request takes one token; they flow back steadily."""

import threading
from dataclasses import dataclass
from typing import Final

WINDOW_S: Final = 60
_MOST_BUCKETS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left: `remaining` of `quota` requests, the whole again in `reset_s`; `retry_after_s` when there was none left."""

    quota: int
    remaining: int
    reset_s: int
    retry_after_s: int | None

    def headers(self) -> dict[str, str]:
        """draft-ietf-httpapi-ratelimit-headers-11; Retry-After (RFC 9110 section 10.2.3) is the promise."""
        shown = {
            "RateLimit-Policy": f'"default";q={self.quota};w={WINDOW_S}',
            "RateLimit": f'"default";r={self.remaining};t={self.reset_s}',
        }
        return shown if self.retry_after_s is None else shown | {"Retry-After": str(self.retry_after_s)}


class Buckets:
    """`per_minute` tokens for each account at most, and that many a minute."""

    def __init__(self, per_minute: int) -> None:
        self._quota = per_minute
        self._per_ms = per_minute / (WINDOW_S * 1000)
        self._buckets: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """How many buckets are remembered."""
        return len(self._buckets)

    def take(self, account_id: str, now: int) -> Budget:
        """Take one token of the account, if there is one, at `now` (milliseconds; a clock that goes back gives nothing)."""
        with self._lock:
            tokens, at = self._buckets.get(account_id, (float(self._quota), now))
            tokens = min(self._quota, tokens + max(0, now - at) * self._per_ms)
            taken = tokens >= 1
            self._buckets[account_id] = (tokens - taken, now)
            if len(self._buckets) > _MOST_BUCKETS:
                self._forget_full(now)
        return self._budget(tokens - taken, taken=taken)

    def _budget(self, tokens: float, *, taken: bool) -> Budget:
        reset_s = _up(((self._quota - tokens) / self._per_ms) / 1000)
        return Budget(
            self._quota, int(tokens), reset_s, None if taken else max(1, _up((1 - tokens) / self._per_ms / 1000))
        )

    def _forget_full(self, now: int) -> None:
        """A bucket of long ago is full, as one that was never used; without any such, the oldest half is forgotten."""
        full = [name for name, (_, at) in self._buckets.items() if now - at > WINDOW_S * 1000]
        for name in full or list(self._buckets)[: _MOST_BUCKETS // 2]:
            del self._buckets[name]


def _up(seconds: float) -> int:
    return int(-(-seconds // 1))
